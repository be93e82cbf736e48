"""What a judgement came to, as a sentence for the person who made or withdrew it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from identity_service.domain.explain.explanation import describe_decision, listed
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import Resolution, strength

_MAX_REASONS = 3
"""Most identifiers that left of which the message says why."""


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


def beside(
    judgement: Judgement,
    moves: Collection[tuple[int, str | None, str]],
    customer_of: Sequence[str | None],
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
) -> str:
    """What else moved because of a judgement, in sentences; empty where nothing did.

    `customer_of` names by position the customers before, `moves` is that of the `ChangeSet`;
    `evidence` and `resolution` are those after. Named are identifiers that left the customers of
    the two judged ones, with the reason, those that went along with one of the two when they
    were judged apart, and those of other customers.
    """
    position = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    ends = [position[end] for end in (judgement.a, judgement.b) if end in position]
    held_by = {customer_of[end] for end in ends} - {None}
    clusters = {resolution.cluster_of[end] for end in ends}
    were_theirs = [i for i, customer in enumerate(customer_of) if customer in held_by]
    gone = [i for i in were_theirs if resolution.cluster_of[i] not in clusters]
    elsewhere = [i for i, old, _ in moves if old is not None and old not in held_by]
    sentences = [
        _went_along(ends, were_theirs, customer_of, evidence, resolution)
        if judgement.verdict is Verdict.APART
        else "",
        _no_longer_theirs(gone, clusters, evidence, resolution, policy),
        _of_others(elsewhere, evidence),
    ]
    return " ".join(filter(None, sentences))


def _went_along(
    ends: Sequence[int],
    were_theirs: Sequence[int],
    customer_of: Sequence[str | None],
    evidence: Evidence,
    resolution: Resolution,
) -> str:
    """Of two that were one customer and are two: who went with the one that took fewer along."""
    cluster_of = resolution.cluster_of
    if len(ends) < 2 or customer_of[ends[0]] != customer_of[ends[1]]:
        return ""
    if cluster_of[ends[0]] == cluster_of[ends[1]]:
        return ""
    along = {
        end: [i for i in were_theirs if i != end and cluster_of[i] == cluster_of[end]]
        for end in ends
    }
    end = min(along, key=lambda end: (len(along[end]), evidence.identifiers[end]))
    if not along[end]:
        return ""
    others = _counted(len(along[end]), "other")
    return f"{others} went with {evidence.identifiers[end]}: {_names(along[end], evidence)}."


def _no_longer_theirs(
    gone: Sequence[int],
    clusters: Collection[int],
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
) -> str:
    if not gone:
        return ""
    strongest = sorted(gone, key=lambda i: strength(evidence.identifiers[i], policy))
    some = strongest[:_MAX_REASONS]
    why_gone = _why_gone(some, clusters, evidence, resolution, policy)
    because: dict[str, list[int]] = {}
    for position in some:
        because.setdefault(why_gone.get(position, ""), []).append(position)
    parts = [
        f"{_names(each, evidence)} ({why})" if why else _names(each, evidence)
        for why, each in because.items()
    ]
    if more := len(gone) - len(some):
        parts.append(f"and {more:,} more")
    verb = "is" if len(gone) == 1 else "are"
    return f"{_counted(len(gone), 'identifier')} {verb} no longer theirs: {'; '.join(parts)}."


def _why_gone(
    gone: Sequence[int],
    clusters: Collection[int],
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
) -> dict[int, str]:
    """Why each of them is not in these clusters, by its oldest refused link that leads there."""
    oldest: dict[int, tuple[int, int]] = {}
    left = set(gone)
    for number in resolution.refusals:
        link = evidence.links[number]
        for end, other in ((link.a, link.b), (link.b, link.a)):
            if end in left and resolution.cluster_of[other] in clusters:
                refused = (link.first_seen, number)
                oldest[end] = min(refused, oldest.get(end, refused))
    return {
        end: describe_decision(number, evidence, resolution, policy)
        .message.removesuffix(".")
        .partition(": ")[2]
        for end, (_, number) in oldest.items()
    }


def _of_others(moved: Sequence[int], evidence: Evidence) -> str:
    if not moved:
        return ""
    what = _counted(len(moved), "identifier")
    return f"{what} of other customers moved too: {_names(moved, evidence)}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _names(positions: Iterable[int], evidence: Evidence) -> str:
    return listed([evidence.identifiers[i] for i in positions])


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
