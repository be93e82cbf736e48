"""`identity-service policy score`: which of several policies fits people who are known?"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import json_objects
from identity_service.cli.output import notices, print_error, print_json, results
from identity_service.cli.output_files import PictureFormat, encode, write_file
from identity_service.cli.policy import read_policy
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import preset, preset_names
from identity_service.domain.policies.policy import Policy
from identity_service.domain.scoring.households import household_visits
from identity_service.domain.scoring.score import EventCounts, Score, score_events
from identity_service.domain.scoring.truth import LabelledPair, parse_pairs
from identity_service.errors import BadInput
from identity_service.pictures import draw_frontier
from identity_service.services.preview.previews import Step
from identity_service.session import Session

SHOWN: Final = 5
"""Suggestions that are shown for each policy; `--json` has more."""

MAX_HOUSEHOLDS: Final = 100_000

_NAMED: Final = 5
_STEPS: Final[Mapping[Step, str]] = {"reading": "reading the space", "comparing": "resolving"}

Advance = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and of how many (None: not known)."""


def score(
    policies: Annotated[
        list[str],
        typer.Argument(metavar="POLICY…", help="Policy files, or names of presets."),
    ],
    space: Annotated[
        str | None, typer.Option(help="The space whose customers are compared with --pairs.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Labelled pairs: lines TYPE:VALUE,TYPE:VALUE,same or …,different.",
        ),
    ] = None,
    households: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_HOUSEHOLDS, help="Simulate so many households instead of a space."
        ),
    ] = None,
    couples: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the households that have one e-mail address."),
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Draws other households.")] = 1,
    picture: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Draw the frontier into a file: .svg, .png or .html."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Score policies by people who are known. Nothing is written.

    Says of each policy how many people are split, how many customers hold two people, how many
    events reach the right person, a wrong one and nobody, and which judgements would help most.
    """
    drawn_as = None if picture is None else _format(picture)
    named = {name: _policy(name) for name in policies}
    if households is not None and (space, pairs) == (None, None):
        scores = _of_households(named, households, couples, seed)
    elif households is None and space is not None and pairs is not None:
        scores = _of_space(named, space, pairs)
    else:
        raise typer.BadParameter("Give --space with --pairs, or --households alone.")
    if as_json:
        print_json([json_objects.score(name, each) for name, each in scores.items()])
    else:
        results().print(_shown(scores))
    if picture is not None and drawn_as is not None:
        write_file(encode(draw_frontier(scores), drawn_as), picture, picture.name)


def _format(picture: Path) -> PictureFormat:
    try:
        return PictureFormat(picture.suffix.removeprefix("."))
    except ValueError:
        raise typer.BadParameter(f"“{picture}” does not end with .svg, .png or .html.") from None


def _policy(name: str) -> Policy:
    if Path(name).is_file():
        return read_policy(Path(name))[1]
    if name in preset_names():
        return preset(name)
    raise typer.BadParameter(
        f"“{name}” is no file and no preset. Presets: {', '.join(preset_names())}."
    )


def _of_households(
    policies: Mapping[str, Policy], households: int, couples: float, seed: int
) -> dict[str, Score]:
    draw = random.Random(seed)  # noqa: S311 - the same population for a seed, no secret
    scores: dict[str, Score] = {}
    with _watched() as advance:
        advance("simulating households", 0, None)
        visits = list(household_visits(households, couples, draw))
        for done, (name, policy) in enumerate(policies.items()):
            advance(f"scoring {name}", done, len(policies))
            scores[name] = score_events(visits, policy)
    return scores


def _of_space(policies: Mapping[str, Policy], space: str, file: Path) -> dict[str, Score]:
    pairs = _read_pairs(file)

    async def work(opened: Session) -> dict[str, Score]:
        scope = await opened.space(space)
        scores: dict[str, Score] = {}
        unscored: dict[str, Sequence[Identifier]] = {}
        with _watched() as advance:
            for name, policy in policies.items():

                def progress(step: Step, done: int, of: int | None, name: str = name) -> None:
                    advance(f"{name}: {_STEPS[step]}", done, of)

                found = await opened.cases.previews.score(scope, policy, pairs, progress)
                scores[name], unscored[name] = found.score, found.unscored
        for name, some in unscored.items():
            _warn(name, some)
        return scores

    return session.run(work)


def _read_pairs(file: Path) -> list[LabelledPair]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{file} cannot be read: {error}.", remedy="Name a text file in UTF-8."
        ) from error
    return parse_pairs(text, name=str(file))


def _warn(policy: str, unscored: Sequence[Identifier]) -> None:
    """Say which identifiers of the pairs count nowhere."""
    if not unscored:
        return
    more = f" and {len(unscored) - _NAMED:,} more" if len(unscored) > _NAMED else ""
    print_error(
        f"{policy}: {', '.join(map(str, unscored[:_NAMED]))}{more}: never seen in the space,"
        " blocked by the policy, or in a component that is too large to be resolved."
    )


def _shown(scores: Mapping[str, Score]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("policy", overflow="fold")
    for heading in ("people", "split", "two in one", "events", "right", "wrong", "nobody's"):
        table.add_column(heading, justify="right")
    for name, each in scores.items():
        numbers = (each.people, each.people_split, each.customers_of_two, each.events.total)
        table.add_row(name, *(f"{number:,}" for number in numbers), *_shares(each.events))
    shown: list[RenderableType] = [table]
    for name, each in scores.items():
        if each.suggestions:
            shown.append(
                Text(f"\nJudgements that would help {name} most, of {each.suggested:,}", "bold")
            )
            for found in each.suggestions[:SHOWN]:
                shown.append(
                    Text(f"  same {found.a} {found.b}: {_gain(found.events, found.moved)}")
                )
                shown.append(Text(f"    {found.reason}", "dim"))
    return Group(*shown)


def _shares(events: EventCounts) -> list[str]:
    counts = (events.right, events.wrong, events.nobody)
    return [f"{events.share(count):.1%}" for count in counts]


def _gain(events: int, moved: int) -> str:
    if events:
        return f"{events:,} events reach the person"
    return f"{moved:,} events come together"


@contextmanager
def _watched() -> Generator[Advance]:
    """One bar for what is being done; only on a terminal."""
    console = notices()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None)

        def advance(what: str, done: int, of: int | None) -> None:
            progress.update(task, description=what, completed=done, total=of)

        yield advance
