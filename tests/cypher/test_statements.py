"""What every statement keeps to, read off its text. `cypher/README.md` states the rules."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import identity_service
from identity_service.graph.statements import Access, statement, statement_names

PACKAGE = Path(identity_service.__file__).parent
GRAPH_MODEL = PACKAGE.parent / "docs" / "concepts" / "graph-model.md"

SCHEMA = [name for name in statement_names() if name.startswith("schema/")]
DECLARED = [name for name in statement_names() if not name.startswith("schema/")]
OF_THE_INSTANCE = ("instance/", "spaces/")

WRITES = re.compile(
    r"\b(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|FOREACH|DROP|LOAD\s+CSV|IN\s+TRANSACTIONS)\b"
)
UNIQUE = re.compile(r"FOR \((\w+):(\w+)\) REQUIRE \1\.(\w+) IS UNIQUE")
MERGED_NODE = re.compile(r"\(\w*:(\w+)\s*\{(\w+):[^,}]+\}\)(?!\s*<?-)")
LINK_BETWEEN_BOUND = re.compile(r"\(\w+\)\s*<?-\[\w*:\w+[^)]*\]->?\s*\(\w+\)")
# A clause begins a line; these words go on with the clause above.
CLAUSE = re.compile(r"(?m)^\s*(?=[A-Z]{2,}\b)(?!WHERE\b|ORDER\b|THEN\b|ELSE\b|WHEN\b|AND\b|OR\b)")
BY_NUMBER = re.compile(r"(?<=[\w\])])\[-?\d+\]")
COLUMN = r"[\w$.]+(?:\[\w+\])?\[\d+\]"
NAMED_IN_A_MAP = re.compile(rf"[{{\s]\w+: {COLUMN}(?=[,}}])")
NAMED_ALONE = re.compile(rf"(?:WITH|,)\s+{COLUMN} AS \w+")
LABEL_OR_TYPE = re.compile(r"[(\[\w\s|&!]:([A-Z]\w*)|\[:?[|]?([A-Z_]{4,})\b")


def bare(name: str) -> str:
    """The statement without comments and without what stands in quotes."""
    text = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "''", statement(name).definition.text)
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def declarations() -> Iterator[tuple[str, str]]:
    """Every `statement("…")` of the package: its file and the name."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="statement"), args=[ast.Constant(value=str(name))]):
                    yield path.name, name
                case ast.Call(func=ast.Name(id="statement")):
                    yield path.name, "a name that is not literal"
                case _:
                    pass


def test_every_statement_is_declared_once_and_every_declaration_has_its_file() -> None:
    declared = Counter(name for _, name in declarations())

    assert {name: times for name, times in declared.items() if times > 1} == {}
    assert set(declared) == set(DECLARED)


@pytest.mark.parametrize("name", statement_names())
def test_the_header_describes_the_parameters_that_are_used(name: str) -> None:
    text = bare(name)
    described = statement(name).definition.parameters
    maps = {parameter.split(".")[0] for parameter in described if "." in parameter}

    used = set(re.findall(r"\$(\w+)", text))
    entries = {f"{m}.{key}" for m in maps for key in re.findall(rf"(?<![\w.]){m}\.(\w+)", text)}

    assert {parameter.split(".")[0] for parameter in described} == used
    assert {parameter for parameter in described if "." in parameter} == entries


@pytest.mark.parametrize("name", DECLARED)
def test_only_a_statement_that_writes_holds_words_that_write(name: str) -> None:
    words = set(WRITES.findall(bare(name)))

    match statement(name).definition.access:
        case Access.READ:
            assert words == set()
        case Access.WRITE:
            assert words != set()
        case Access.SCHEMA:
            assert name.startswith("instance/")


@pytest.mark.parametrize("name", DECLARED)
def test_columns_of_rows_are_named_at_the_head_of_a_part(name: str) -> None:
    writes = statement(name).definition.access is Access.WRITE
    naming = NAMED_IN_A_MAP if writes else NAMED_ALONE

    unnamed: list[str] = []
    at_head = False
    for clause in CLAUSE.split(bare(name)):
        left = naming.sub("", clause) if at_head and clause.startswith("WITH") else clause
        if BY_NUMBER.search(left):
            unnamed.append(clause.strip())
        at_head = clause.startswith("UNWIND") or (at_head and clause.startswith("WITH"))

    assert unnamed == []


def parts(name: str, unwound: str) -> list[str]:
    """The parts of a statement that unwind a table."""
    found = re.findall(r"(?ms)^CALL .*?^\}", bare(name))
    return [part for part in found if re.search(rf"{re.escape(unwound)}\b", part)]


EVENTS, NEW, ALL = "ingest/write_events", "ingest/write_new_customers", "ingest/write_settlement"


@pytest.mark.parametrize(
    ("unwound", "names"),
    [
        ("w.events", (EVENTS, NEW, ALL)),
        ("w.accounts", (EVENTS, NEW, ALL)),
        ("$w.unread", (EVENTS, NEW)),
        ("w.changes", (NEW, ALL)),
    ],
)
def test_all_ways_to_write_a_batch_write_these_alike(unwound: str, names: tuple[str, ...]) -> None:
    first, *others = (parts(name, unwound) for name in names)

    assert len(first) == 1
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", DECLARED)
def test_every_node_is_merged_by_its_unique_key(name: str) -> None:
    unique = {match.group(2, 3) for text in map(bare, SCHEMA) for match in UNIQUE.finditer(text)}

    text = bare(name)
    for merge in re.finditer(r"\bMERGE\s*", text):
        if LINK_BETWEEN_BOUND.match(text, merge.end()):
            continue
        node = MERGED_NODE.match(text, merge.end())
        assert node is not None, f"a merge of neither a node by one key nor a link: {merge}"
        assert node.groups() in unique


@pytest.mark.parametrize("name", DECLARED)
def test_every_statement_says_how_it_is_bound_to_a_space(name: str) -> None:
    definition = statement(name).definition

    space = definition.notes.get("Space", "")

    if space == "instance":
        assert name.startswith(OF_THE_INSTANCE)
    elif space == "parameter":
        assert {"space", "w.space"} & set(definition.parameters)
    else:
        assert space == "keys" or space in definition.parameters


@pytest.mark.parametrize("name", DECLARED)
def test_labels_and_types_are_those_of_the_graph_model(name: str) -> None:
    model = set(re.findall(r"\w+", GRAPH_MODEL.read_text(encoding="utf-8")))

    used = {label or kind for label, kind in LABEL_OR_TYPE.findall(bare(name))}

    assert used - model == set()


@pytest.mark.parametrize("name", statement_names())
def test_a_header_has_no_section_that_the_readme_does_not_know(name: str) -> None:
    known = {"Space", "Scan", "Product", "Eager"}

    assert set(statement(name).definition.notes) <= known


def test_only_one_module_runs_query_text() -> None:
    sources = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }

    drivers = [
        path for path, text in sources.items() if re.search(r"(?m)^\s*(from|import) neo4j", text)
    ]
    casts = [path for path, text in sources.items() if 'cast("LiteralString"' in text]
    callers = [path for path, text in sources.items() if re.search(r"graph(\.| import )bolt", text)]

    assert sorted(drivers) == ["graph/bolt.py", "graph/database.py"]
    assert callers == ["graph/database.py"]
    assert casts == ["graph/statements.py"]


def test_no_module_of_the_graph_holds_query_text() -> None:
    clause = re.compile(r"\b(MATCH|MERGE|CREATE)\s+\(\w*\s*[:){]|\bUNWIND\s+\$|\bRETURN\s+\w+\.")
    found = [
        (path.name, node.value)
        for folder in ("graph", "services", "api")
        for path in (PACKAGE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and clause.search(node.value)
    ]

    assert found == []
