"""Reference pages made from the code: `<!-- generated: NAME -->` in a page becomes Markdown.

Every function answers Markdown whose headings begin at the second level, so that the page's own
title and introduction stay written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Final, cast, get_args

import annotated_types
import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pygments import token
from pygments.lexer import RegexLexer
from pygments.lexers.graph import CypherLexer
from sphinx.application import Sphinx

from docs._ext.limits import SECTIONS, limits
from docs._ext.roles import CALLERS, read_roles
from identity_service import errors
from identity_service.api.graphql.schema import build_schema
from identity_service.app import create_app
from identity_service.cli import app as cli
from identity_service.cli.journey_params import params_line
from identity_service.domain.journeys.journeys import JOURNEYS, RANGE_AND_SEGMENT, Journey
from identity_service.domain.journeys.parameters import Kind, Parameter
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.profiles.definitions import Function
from identity_service.domain.profiles.predicates import OF_THE_EVENT, UNLESS_A_PROPERTY
from identity_service.domain.profiles.vocabulary import (
    AUDIENCE,
    CONDITIONS,
    FOLLOW_UP,
    FUNCTIONS,
    MODIFIERS,
    OPERATIONS,
    OPERATORS,
    TRAIT,
    Word,
)
from identity_service.errors import IdentityServiceError, PolicyInvalid
from identity_service.graph.statements import Access, load, statement_names
from identity_service.settings import Settings

MISTAKES: Final = Path(__file__).parents[1] / "guides" / "examples" / "mistakes.yaml"
MARKER: Final = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def settings() -> str:
    """Every field of `Settings`: its variable, what it takes, its default and what it means."""
    rows = [
        (f"`{prefixed(name)}`", field.description or "", _takes(field), _default(field))
        for name, field in Settings.model_fields.items()
    ]
    return _table(("variable", "meaning", "takes", "default"), rows)


def prefixed(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return f"{Settings.model_config.get('env_prefix', '')}{field}".upper()


def error_tree() -> str:
    """Every class of the tree in `errors.py`, below its parent."""
    rows = [
        (
            f"{'&emsp;' * depth}`{kind.__name__}`",
            f"`{kind.code}`",
            str(kind.status),
            (kind.__doc__ or "").partition("\n")[0],
        )
        for depth, kind in _tree(IdentityServiceError)
    ]
    return _table(("error", "code", "HTTP status", "meaning"), rows)


def statements() -> str:
    """Every shipped statement with the header of its file, one section for each folder."""
    parts: list[str] = []
    for folder, names in groupby(statement_names(), lambda name: name.partition("/")[0]):
        parts.append(f"## {folder}")
        if folder == "schema":
            rows = [(f"`{name}`", load(name).purpose) for name in names]
            parts.append(_table(("statement", "purpose"), rows))
        else:
            parts += [_statement(name) for name in names]
    return "\n\n".join(parts)


def journeys() -> str:
    """Every journey: the question, what it takes, what it answers, how to paste it."""
    shared = _table(
        ("parameter", "takes", "meaning", "default"), map(_parameter, RANGE_AND_SEGMENT)
    )
    parts = [f"## What every journey takes\n\n{shared}"]
    for journey in JOURNEYS.values():
        own = _table(("parameter", "takes", "meaning", "default"), map(_parameter, journey.own))
        columns = [(f"`{c.name}`", c.type.value, c.meaning) for c in journey.columns]
        parts += [
            f"## {journey.name}\n\n{journey.question}",
            own,
            _table(("column", "holds", "meaning"), columns),
            f"```text\n{_params_line(journey)}\n```",
        ]
    return "\n\n".join(parts)


def profiles() -> str:
    """Every word of a text of profiles, as `parse_profiles` takes it."""
    modifiers = [
        (f"`{name}`", _functions(said.functions), said.takes, said.meaning, _code(said.default))
        for name, said in MODIFIERS.items()
    ]
    operations = [(f"`{name}`", meaning) for name, meaning in OPERATIONS.items()]
    of_event = [
        (f"`{name}`", meaning)
        for name, (_, meaning) in (*OF_THE_EVENT.items(), *UNLESS_A_PROPERTY.items())
    ]
    parts = [
        f"## Traits\n\n{_words(TRAIT)}",
        f"## Functions\n\n{_words(FUNCTIONS)}",
        "## Operations\n\nOn a list of features and numbers.\n\n"
        + _table(("operation", "value"), operations),
        "## Modifiers\n\n"
        + _table(("modifier", "goes with", "takes", "meaning", "default"), modifiers),
        "## Comparisons\n\nIn `where`, `{property: value}` is short for `{property: {is: value}}`;"
        " several mean all; `any: […]`, `all: […]` and `not: {…}` nest.\n\n" + _words(OPERATORS),
        f"## Audiences\n\n{_words(AUDIENCE)}",
        f"## Conditions\n\n{_words(CONDITIONS)}",
        f"## `then` and `then_not`\n\n{_words(FOLLOW_UP)}",
        f"## Names of the event\n\n{_table(('name', 'what it is'), of_event)}",
    ]
    return "\n\n".join(parts)


def _words(words: Mapping[Any, Word]) -> str:
    rows = [(f"`{name}`", said.takes, said.meaning) for name, said in words.items()]
    return _table(("word", "takes", "meaning"), rows)


def _functions(functions: frozenset[Function]) -> str:
    """Those that a modifier goes with, or those that it does not go with where these are fewer."""
    others = [name for name in Function if name not in functions]
    if not others:
        return "all"
    named = [name for name in Function if name in functions]
    if len(named) <= len(others):
        return ", ".join(map(_code, named))
    return f"all but {', '.join(map(_code, others))}"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _params_line(journey: Journey) -> str:
    """For the year 2026."""
    needed = {p.name: _EXAMPLES[p.kind] for p in journey.own if p.required}
    parameters = {"since": "2026-01-01", "until": "2027-01-01", **needed}
    return params_line("demo", journey.arguments(parameters, now=0))


_EXAMPLES: Final[dict[Kind, Any]] = {
    Kind.TEXT: "Order Completed",
    Kind.TEXTS: ["Product Viewed", "Order Completed"],
    Kind.PROPERTY: "city",
    Kind.IDENTIFIER: "email:ann@example.com",
    Kind.MOMENT: "2026-01-01",
}


def _parameter(parameter: Parameter) -> tuple[str, str, str, str]:
    default = parameter.default
    if isinstance(default, tuple):
        default = ", ".join(cast("tuple[str, ...]", default))
    shown = "needed" if parameter.required else "" if default is None else f"`{default}`"
    return f"`{parameter.name}`", parameter.kind.value, parameter.meaning, shown


def graphql() -> str:
    """The schema, as `identity-service graphql schema` prints it."""
    return f"```sdl\n{build_schema().as_str()}\n```"


def http() -> str:
    """Every operation of the OpenAPI document, one section for each tag."""
    document = create_app(Settings()).api.openapi()
    parts: list[str] = []
    for tag in document["tags"]:
        rows = [
            (f"`{method.upper()} {path}`", operation["summary"], ", ".join(_statuses(operation)))
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation["tags"]
        ]
        parts += [f"## {tag['name'].capitalize()}", tag["description"]]
        parts.append(_table(("route", "what it is for", "answers"), rows))
    return "\n\n".join(parts)


def commands() -> str:
    """Every command with its arguments, as `--help` says it."""
    root = typer.main.get_command(cli)
    return "\n\n".join(map(_command, _leaves(root, "identity-service")))


def bounds() -> str:
    """Every limit that is a constant, one section for each kind."""
    parts: list[str] = []
    for section in SECTIONS:
        rows = [(each.meaning, f"{each.value:,}") for each in limits(section)]
        parts.append(f"## {section}\n\n{_table(('what', 'at most'), rows)}")
    return "\n\n".join(parts)


def roles() -> str:
    """Who may ask for what, one line for each decision."""
    decided = read_roles()
    parts: list[str] = []
    for title, decisions in (
        ("Fields", decided.fields),
        ("Types", decided.types),
        ("Routes", decided.routes),
    ):
        rows = [
            (f"`{name}`", *("yes" if caller in may else "" for caller in CALLERS))
            for name, may in decisions.items()
        ]
        parts.append(f"## {title}\n\n{_table((title[:-1].lower(), *CALLERS.values()), rows)}")
    return "\n\n".join(parts)


def mistakes() -> str:
    """A policy with mistakes, and what is said of it."""
    text = MISTAKES.read_text(encoding="utf-8")
    try:
        parse_policy(text)
    except PolicyInvalid as error:
        said = "\n".join(f"{problem.path}: {problem.message}" for problem in error.problems)
        return f"```yaml\n{text}```\n\n```text\n{said}\n```"
    raise ValueError(f"{MISTAKES} holds no mistake.")


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "errors": error_tree,
    "statements": statements,
    "http": http,
    "graphql": graphql,
    "journeys": journeys,
    "profiles": profiles,
    "commands": commands,
    "limits": bounds,
    "roles": roles,
    "mistakes": mistakes,
}


def expand(source: str) -> str:
    """The text of a page with every marker replaced. Raises KeyError for an unknown name."""
    return MARKER.sub(lambda marker: GENERATED[marker[1]](), source)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    app.add_lexer("sdl", SchemaLexer)
    app.add_lexer("cypher-enterprise", CypherLexer)  # Cypher that the tests cannot run
    app.connect("source-read", _on_source_read)
    return {"version": "1", "parallel_read_safe": True}


class SchemaLexer(RegexLexer):
    """GraphQL's schema language, which Pygments does not colour."""

    name = "GraphQL schema"
    tokens: ClassVar = {
        "root": [
            (r'"""[\s\S]*?"""', token.Comment),
            (r"\b(type|interface|union|enum|input|scalar|implements)\b", token.Keyword),
            (r"\b(true|false|null)\b", token.Keyword.Constant),
            (r"@\w+", token.Name.Decorator),
            (r"[A-Z]\w*", token.Name.Class),
            (r"\w+", token.Name),
            (r'"[^"\n]*"', token.String),
            (r"[{}()\[\]:!|=,&]", token.Punctuation),
            (r"\s+", token.Whitespace),
        ]
    }


def _on_source_read(_app: Sphinx, _page: str, content: list[str]) -> None:
    content[0] = expand(content[0])


KINDS: Final[dict[object, str]] = {
    SecretStr: "text, secret",
    str: "text",
    int: "whole number",
    float: "number",
    Path: "path",
}


def _takes(field: FieldInfo) -> str:
    said = [
        KINDS[kind] for kind in get_args(field.annotation) or (field.annotation,) if kind in KINDS
    ]
    for entry in field.metadata:
        match entry:
            case annotated_types.Ge(ge=least):
                said.append(f"at least {least}")
            case annotated_types.Gt(gt=bound):
                said.append(f"more than {bound}")
            case annotated_types.Le(le=most):
                said.append(f"at most {most}")
            case _ if pattern := getattr(entry, "pattern", None):
                said.append(f"`{pattern}`")
            case _:
                raise TypeError(f"The reference cannot tell what {entry} means.")
    return ", ".join(said)


def _default(field: FieldInfo) -> str:
    default: object = field.get_default(call_default_factory=True, validated_data={})
    if default is None:
        return "unset"
    if isinstance(default, Path):
        return f"`~/{default.relative_to(Path.home()).as_posix()}`"
    return f"`{default}`"


def _tree(
    kind: type[IdentityServiceError], depth: int = 0
) -> Iterator[tuple[int, type[IdentityServiceError]]]:
    yield depth, kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, depth + 1)


def _statement(name: str) -> str:
    definition = load(name)
    kind = {Access.READ: "reads", Access.WRITE: "writes", Access.SCHEMA: "schema"}
    parts = [f"### `{name}`", f"{definition.purpose} *({kind[definition.access]})*"]
    for title, entries in (("parameter", definition.parameters), ("column", definition.columns)):
        if entries:
            rows = [(f"`{key}`", meaning) for key, meaning in entries.items()]
            parts.append(_table((title, "what it is"), rows))
    return "\n\n".join(parts)


def _statuses(operation: dict[str, Any]) -> list[str]:
    return sorted(status for status in operation["responses"] if status != "default")


def _leaves(command: Any, name: str, parent: Any = None) -> Iterator[Any]:
    """The contexts of all commands below one that are not themselves groups."""
    context = typer.Context(command, info_name=name, parent=parent)
    children = getattr(command, "commands", None)
    if children is None:
        yield context
        return
    for child_name, child in children.items():
        if not child.hidden:
            yield from _leaves(child, child_name, context)


def _command(context: Any) -> str:
    command = context.command
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    text = "\n\n".join(
        (
            f"## {context.command_path.partition(' ')[2]}",
            inspect.cleandoc(command.help or ""),
            f"```text\n{usage}\n```",
        )
    )
    rows = [
        (", ".join(f"`{name}`" for name in _names(parameter)), parameter.help or "")
        for parameter in command.params
        if parameter.name != "help"
    ]
    return f"{text}\n\n{_table(('argument or option', 'meaning'), rows)}" if rows else text


def _names(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [parameter.metavar or parameter.name.upper()]
    return [*parameter.opts, *parameter.secondary_opts]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
