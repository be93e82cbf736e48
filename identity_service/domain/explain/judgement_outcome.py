"""What a judgement came to, as a sentence for the person who made or withdrew it."""

from __future__ import annotations

from collections.abc import Sequence

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import Resolution


def waits(unseen: Sequence[Identifier]) -> str:
    """Of a judgement about identifiers that no event brought yet, at least one."""
    what = " and ".join(map(str, unseen))
    return f"{what} {'was' if len(unseen) == 1 else 'were'} not seen yet: the judgement waits."


def came_to(
    judgement: Judgement, evidence: Evidence, resolution: Resolution, *, changed: bool
) -> str:
    """Of a judgement in force whose identifiers were seen.

    `evidence` and `resolution` are those after it was made; `changed` says whether it made any
    change. What stands against it, or says the same already, is named.
    """
    pair = f"{judgement.a} and {judgement.b}"
    together = is_one(judgement, evidence, resolution)
    others = [made for made in evidence.judgements if made.id != judgement.id]
    if judgement.verdict is Verdict.SAME and not together:
        found = [made for made in others if _keeps_apart(made, judgement, evidence, resolution)]
        if not found:
            return f"{pair} stay apart."
        apart = f"{found[0].a} and {found[0].b} were judged apart ({found[0].id})"
        return f"{pair} stay apart: {apart}, and APART wins. Withdraw that one to join them."
    number = "one customer" if together else "two customers"
    outcome = f"are {number} now" if changed else f"were {number} before, and stay so"
    return f"{pair} {outcome}.{_beside(judgement, others)}"


def withdrawn(
    judgement: Judgement, evidence: Evidence, resolution: Resolution, *, changed: bool
) -> str:
    """Of a judgement that was just withdrawn; the arguments are as those of `came_to`."""
    number = "one customer" if is_one(judgement, evidence, resolution) else "two customers"
    return f"{judgement.a} and {judgement.b} are {number} {'now' if changed else 'still'}."


def is_one(judgement: Judgement, evidence: Evidence, resolution: Resolution) -> bool:
    """Whether the two identifiers, both in the evidence, are one customer."""
    a, b = _clusters(judgement, evidence, resolution)
    return a is not None and a == b


def _keeps_apart(
    made: Judgement, judgement: Judgement, evidence: Evidence, resolution: Resolution
) -> bool:
    """Whether an APART judgement stands between the two clusters that a SAME was to join."""
    return made.verdict is Verdict.APART and set(_clusters(made, evidence, resolution)) == set(
        _clusters(judgement, evidence, resolution)
    )


def _clusters(
    judgement: Judgement, evidence: Evidence, resolution: Resolution
) -> tuple[int | None, int | None]:
    position = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    a, b = position.get(judgement.a), position.get(judgement.b)
    cluster = resolution.cluster_of
    return (None if a is None else cluster[a]), (None if b is None else cluster[b])


def _beside(judgement: Judgement, others: Sequence[Judgement]) -> str:
    """What else was judged of the same two identifiers."""
    ends = {judgement.a, judgement.b}
    of_the_two = [made for made in others if {made.a, made.b} == ends]
    again = [made.id for made in of_the_two if made.verdict is judgement.verdict]
    against = [made.id for made in of_the_two if made.verdict is not judgement.verdict]
    found = ""
    if again:
        found += f" The same was judged before ({', '.join(again)}); each is withdrawn by itself."
    if against:
        found += f" It wins over {', '.join(against)}, which says that they are the same."
    return found
