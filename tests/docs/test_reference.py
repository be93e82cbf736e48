"""The generated pages leave nothing out, and pages that explain a list explain all of it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from docs._ext import generated, pictures
from docs._ext.limits import SECTIONS, limits
from identity_service import errors
from identity_service.api.graphql import explorer
from identity_service.api.graphql.schema import build_schema
from identity_service.app import create_app
from identity_service.domain.events import RejectionCode
from identity_service.domain.policies.parse import parse_policy, preset_names
from identity_service.domain.policies.placeholders import BLOCKED_BY_DEFAULT
from identity_service.domain.policies.policy import Sharing
from identity_service.domain.profiles.definitions import Function, Operation, Operator
from identity_service.domain.profiles.memberships import PRECEDENCE
from identity_service.domain.profiles.vocabulary import (
    AUDIENCE,
    CONDITIONS,
    FOLLOW_UP,
    MODIFIERS,
    TRAIT,
)
from identity_service.domain.resolution.cases import Case, check_case, load_case
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.clusters import RefusalReason
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import IdentityServiceError
from identity_service.graph.statements import statement_names
from identity_service.services.read.view import MissingReason
from identity_service.services.spaces.access import Role
from identity_service.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
CASES = sorted((DOCS / "concepts" / "cases").glob("*.yaml"))


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def in_code(names: set[str], text: str) -> set[str]:
    """Those of the names that stand in the text as code."""
    return {name for name in names if f"`{name}`" in text}


def built(name: str) -> str:
    """A page with its generated parts."""
    return generated.expand(page(name))


def test_every_setting_is_described() -> None:
    variables = {f"IDENTITY_{name.upper()}" for name in Settings.model_fields}

    assert in_code(variables, built("reference/settings")) == variables


def test_settings_name_no_folder_of_whoever_built_the_pages() -> None:
    assert str(Path.home()) not in generated.settings()


def test_every_word_of_profiles_is_described() -> None:
    words = {
        *Function,
        *Operation,
        *Operator,
        *MODIFIERS,
        *CONDITIONS,
        *FOLLOW_UP,
        *AUDIENCE,
        *TRAIT,
    }

    assert in_code(set(map(str, words)), built("reference/profiles")) == words


def test_every_cause_of_a_membership_is_named_in_its_order() -> None:
    said = re.search(r"first of these is reported: (.*)\.", page("concepts/profiles"))

    assert said is not None
    assert said[1].upper().split(", ") == list(PRECEDENCE)


def test_every_error_is_described_with_its_code() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in classes if issubclass(kind, IdentityServiceError)]
    text = built("reference/errors")

    assert len(kinds) > 10
    for kind in kinds:
        assert re.search(rf"`{kind.__name__}` \| `{kind.code}` \| {kind.status} \|", text), kind


def test_every_statement_is_described() -> None:
    names = set(statement_names())

    assert in_code(names, built("reference/statements")) == names


@pytest.mark.parametrize("section", SECTIONS)
def test_every_limit_is_described(section: str) -> None:
    found = limits(section)
    unsaid = [f"Write below {each.name} what it limits." for each in found if not each.meaning]
    text = built("reference/limits")

    assert found
    assert unsaid == []
    assert all(each.meaning.replace("\n", " ") in text for each in found)


def test_every_route_is_listed() -> None:
    paths = create_app(Settings()).api.openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}

    assert in_code(routes, built("reference/http")) == routes


def test_the_whole_graphql_schema_is_shown() -> None:
    assert build_schema().as_str() in built("reference/graphql")


def test_every_command_is_described() -> None:
    text = built("reference/cli")

    for command in ("serve", "demo", "ingest", "resolve", "space create", "policy test"):
        assert f"\n## {command}\n" in text
        assert f"\nidentity-service {command} " in text


def test_an_unknown_marker_stops_the_build() -> None:
    with pytest.raises(KeyError):
        generated.expand("<!-- generated: nothing -->")


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("guides/sending-events", set(RejectionCode)),
        ("guides/support-agents", set(RefusalReason)),
        ("guides/support-agents", set(MissingReason)),
        ("guides/support-agents", set(CustomerKind)),
        ("guides/operating", {Role.READER, Role.AGENT, Role.ADMIN}),
        ("guides/policies", set(Sharing)),
        ("guides/policies", set(preset_names())),
        ("concepts/resolution", set(RefusalReason)),
        ("concepts/resolution", set(Sharing)),
        ("concepts/ids-and-ledger", set(ChangeKind)),
        ("concepts/ids-and-ledger", set(CustomerKind)),
    ],
)
def test_a_page_that_explains_a_list_explains_all_of_it(where: str, names: set[str]) -> None:
    assert in_code(set(map(str, names)), page(where)) == set(map(str, names))


def test_the_guide_names_every_value_that_is_blocked_by_default() -> None:
    text = page("guides/policies").casefold()

    assert in_code(set(BLOCKED_BY_DEFAULT) - {""}, text) == set(BLOCKED_BY_DEFAULT) - {""}


def test_the_guide_for_agents_shows_every_question_of_the_explorer() -> None:
    queries = {q.name for q in (files(explorer) / "queries").iterdir() if "graphql" in q.name}

    assert set(re.findall(r"queries/(\w+\.graphql)", page("guides/support-agents"))) == queries


def test_rules_keep_their_numbers() -> None:
    headings = re.findall(
        r"^\(rule-(\d)\)=\n### (\d)\. ", page("concepts/resolution"), re.MULTILINE
    )

    assert headings == [(str(n), str(n)) for n in range(9)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_case_of_a_picture_comes_out_as_it_says(path: Path) -> None:
    result = check_case(load_case(path))

    assert result.passed, result.message


def test_every_case_of_the_page_is_drawn_on_it() -> None:
    drawn = set(re.findall(r"^```\{case\} (\S+)$", page("concepts/resolution"), re.MULTILINE))

    assert drawn >= {path.stem for path in CASES}


def test_the_examples_of_the_guide_to_policies_are_good() -> None:
    examples = DOCS / "guides" / "examples"

    parse_policy((examples / "policy.yaml").read_text(encoding="utf-8"))
    assert check_case(load_case(examples / "case.yaml")).passed


def test_the_guide_shows_what_is_said_of_mistakes() -> None:
    text = built("guides/policies")

    assert "types.email.kind: " in text


def test_a_picture_shows_customers_refusals_and_judgements() -> None:
    case: Case = load_case(pictures.case_file("J-same"))
    drawn = pictures.draw(pictures.decide(case))

    assert drawn.count('class="customer"') == 2
    assert drawn.count('class="node"') == 4
    assert drawn.count('<path class="refused"') == 1
    assert "LIMIT" in drawn
    assert "judged same" in drawn


def test_a_picture_of_a_case_that_comes_out_otherwise_stops_the_build(
    tmp_path: Path,
) -> None:
    text = pictures.case_file("Q-tablet").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace('"domain_userid:c2, user_id:u2"', '"user_id:u2"'), "utf-8")

    with pytest.raises(ValueError, match="expected"):
        pictures.decide(load_case(wrong))


def test_what_the_readme_links_to_is_there() -> None:
    root = DOCS.parent
    links = re.findall(r"\]\(([^)#:]+)\)", (root / "README.md").read_text(encoding="utf-8"))

    assert len(links) > 5
    assert [link for link in links if not (root / link).is_file()] == []
