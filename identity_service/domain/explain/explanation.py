"""Why two identifiers are one customer or are not, in a sentence that a support agent reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity_service.domain.explain.chains import Hop, chain
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.clusters import Refusal, RefusalReason
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.resolve import NO_BOUNDARY, BoundaryState, Resolution
from identity_service.domain.timestamps import iso_date


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy made of a link. `reason`, `type` and `conflict` speak of a refused one.

    `type` is the type whose limit stands against it; `conflict` are the identifiers that do.
    """

    joined: bool
    message: str
    reason: RefusalReason | None = None
    type: str | None = None
    conflict: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedHop:
    """One step from an identifier to the next, and what was decided on it.

    `link` is None where a judgement alone joins the two; `judgement` is the one that joins them,
    if one does.
    """

    start: Identifier
    end: Identifier
    link: Link | None
    judgement: Judgement | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two identifiers are one customer, or why they are not, in a sentence and hop by hop.

    `judgement` is the one that decides: that keeps the two apart, or, of those that join them on
    the path, the latest.
    """

    same_customer: bool
    message: str
    path: tuple[ExplainedHop, ...] = ()
    judgement: Judgement | None = None

    @property
    def refusals(self) -> tuple[ExplainedHop, ...]:
        """The hops that were refused."""
        return tuple(hop for hop in self.path if not hop.decision.joined)


def explain(
    a: Identifier,
    b: Identifier,
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
    outside: BoundaryState = NO_BOUNDARY,
) -> Explanation:
    """Explain two identifiers. `outside` is what the evidence was resolved with.

    One that is not in the evidence was never connected with the other.
    """
    if a == b:
        return Explanation(same_customer=True, message="They are the same identifier.")
    position_of = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    if a not in position_of or b not in position_of:
        return Explanation(same_customer=False, message=NEVER_CONNECTED)
    found = chain(a, b, evidence, resolution)
    path = tuple(_explained(hop, evidence, resolution, policy) for hop in found.hops)
    if found.same_customer:
        made = _latest(hop.judgement for hop in path if hop.judgement)
        return Explanation(
            same_customer=True, message=_one_customer(path, made), path=path, judgement=made
        )
    ends = position_of[a], position_of[b]
    apart = _apart(*ends, evidence, resolution)
    refused = next((hop for hop in found.hops if hop.link in resolution.refusals), None)
    if apart is not None:
        clause = _judged(apart)
    elif refused is not None and refused.link is not None:
        clause = _clause(refused.link, evidence, resolution, policy)
        apart = _apart_of(refused.link, evidence, resolution)
    else:
        clause = _unconnected(*ends, evidence, outside)
    message = f"{_TWO_CUSTOMERS}: {clause}."
    return Explanation(same_customer=False, message=message, path=path, judgement=apart)


_TWO_CUSTOMERS = "Two customers"
_NOTHING_SEEN = "nothing that was seen connects them"
NEVER_CONNECTED = f"{_TWO_CUSTOMERS}: {_NOTHING_SEEN}."


def _one_customer(path: Sequence[ExplainedHop], made: Judgement | None) -> str:
    if len(path) == 1:
        [hop] = path
        if made is None:
            return f"One customer: {hop.start} and {hop.end} were seen together {_times(hop.link)}."
        return f"One customer: {_judged(made)}."
    sentence = f"One customer: {len(path)} steps join them, by way of "
    sentence += listed([hop.end for hop in path[:-1]])
    return f"{sentence}; {_judged(made)}." if made else f"{sentence}."


def _explained(
    hop: Hop, evidence: Evidence, resolution: Resolution, policy: Policy
) -> ExplainedHop:
    link = None if hop.link is None else evidence.links[hop.link]
    if hop.judgement is not None:
        decision = Decision(joined=True, message=f"One customer: {_judged(hop.judgement)}.")
    else:
        assert hop.link is not None  # noqa: S101  (a hop rests on one of the two)
        decision = describe_decision(hop.link, evidence, resolution, policy)
    return ExplainedHop(hop.start, hop.end, link, hop.judgement, decision)


def _latest(judgements: Iterable[Judgement]) -> Judgement | None:
    return max(judgements, key=lambda made: (made.made_at, made.id), default=None)


def _apart(a: int, b: int, evidence: Evidence, resolution: Resolution) -> Judgement | None:
    """The earliest judgement that keeps the customers of two identifiers apart.

    One about the two identifiers themselves comes before one about others of the customers.
    """
    named = {evidence.identifiers[a], evidence.identifiers[b]}
    between = resolution.cluster_of[a], resolution.cluster_of[b]
    said = [made for made in evidence.judgements if made.verdict is Verdict.APART]
    cluster_of = {
        identifier: cluster
        for identifier, cluster in zip(evidence.identifiers, resolution.cluster_of, strict=True)
        if said
    }
    return min(
        (m for m in said if {cluster_of.get(m.a), cluster_of.get(m.b)} == {*between}),
        key=lambda made: ({made.a, made.b} != named, made.made_at, made.id),
        default=None,
    )


def _apart_of(link: int, evidence: Evidence, resolution: Resolution) -> Judgement | None:
    """The judgement for which a link was refused, if one was the reason."""
    refusal = resolution.refusals[link]
    if refusal.reason is not RefusalReason.APART:
        return None
    pair = {evidence.identifiers[i] for i in refusal.conflict}
    said = (j for j in evidence.judgements if j.verdict is Verdict.APART and {j.a, j.b} == pair)
    return min(said, key=lambda made: (made.made_at, made.id), default=None)


def _unconnected(a: int, b: int, evidence: Evidence, outside: BoundaryState) -> str:
    """Nothing that was loaded connects the two; super-connectors may, if both sides have any."""
    component_of = components(evidence)
    super_connectors = [
        [i for i in outside.super_connectors if component_of[i] == component_of[end]]
        for end in (a, b)
    ]
    if not all(super_connectors):
        return _NOTHING_SEEN
    named = sorted(evidence.identifiers[i] for side in super_connectors for i in side)
    return (
        f"only identifiers with more links than one person could have may connect them, such as "
        f"{listed(named)}, and those join nothing"
    )


def _judged(made: Judgement) -> str:
    """Who judged what of whom, when and why."""
    what = "are one customer" if made.verdict is Verdict.SAME else "are two customers"
    on = iso_date(made.made_at)
    who = made.author or "somebody"
    reason = f" (“{made.reason}”)" if made.reason else ""
    return f"{who} judged on {on} that {made.a} and {made.b} {what}{reason}"


def describe_decision(
    link_number: int, evidence: Evidence, resolution: Resolution, policy: Policy
) -> Decision:
    """The decision on a link, named by its position in the evidence."""
    link = evidence.links[link_number]
    refusal = resolution.refusals.get(link_number)
    if refusal is None:
        seen = f"they were seen together {_times(link)}"
        if link_number in resolution.overruled:
            seen += ", but it is not this that joins them"
        return Decision(joined=True, message=f"One customer: {seen}.")
    verb = "Joins nothing" if refusal.reason in _JOINS_NOTHING else "Kept apart"
    return Decision(
        joined=False,
        message=f"{verb}: {_clause(link_number, evidence, resolution, policy)}.",
        reason=refusal.reason,
        type=refusal.type,
        conflict=tuple(evidence.identifiers[i] for i in refusal.conflict),
    )


def describe_super_connectors(super_connectors: Sequence[Identifier]) -> Decision:
    """The decision on a link to `super_connectors` that stays outside the evidence."""
    message = f"Joins nothing: {_too_many_links(super_connectors)}."
    return Decision(joined=False, message=message, reason=RefusalReason.SUPER_CONNECTOR)


_JOINS_NOTHING = frozenset({RefusalReason.SUPER_CONNECTOR, RefusalReason.NOT_LISTED})


def _clause(number: int, evidence: Evidence, resolution: Resolution, policy: Policy) -> str:
    """Why a link was refused, naming the rule's type and the values that stand against it."""
    identifiers, link = evidence.identifiers, evidence.links[number]
    refusal = resolution.refusals[number]
    a, b = identifiers[link.a], identifiers[link.b]
    match refusal.reason:
        case RefusalReason.LIMIT:
            return _limit(refusal, evidence, policy)
        case RefusalReason.APART:
            made = _apart_of(number, evidence, resolution)
            if made is not None:
                return _judged(made)
            apart = listed([identifiers[i] for i in refusal.conflict])
            return f"somebody judged that {apart} are two customers"
        case RefusalReason.QUARANTINE:
            return _contested(link, evidence, resolution)
        case RefusalReason.VISITOR:
            given = link.a if link.a in resolution.given else link.b
            if given not in resolution.given:
                return (
                    f"{a} and {b} belong to different people, one of whom only visited the "
                    "other's device"
                )
            return (
                f"{identifiers[given]} belongs to the person who uses it most, and "
                f"{identifiers[_other(link, given)]} was only visiting"
            )
        case RefusalReason.ISOLATE:
            isolated, rule = a, policy.rule_of(a.type)
            if rule is None or rule.kind.value == "person":
                isolated = b
            return f"the policy joins no person to a {isolated.type}"
        case RefusalReason.SUPER_CONNECTOR:
            return _too_many_links(
                [identifiers[i] for i in (link.a, link.b) if i in resolution.super_connectors]
            )
        case RefusalReason.UNCONFIRMED:
            return _unconfirmed(link)
        case RefusalReason.NOT_LISTED:
            unlisted = sorted({i.type for i in (a, b) if policy.rule_of(i.type) is None})
            return f"the policy has no rule for {' and '.join(unlisted)}"


def _too_many_links(super_connectors: Sequence[Identifier]) -> str:
    verb = "has" if len(super_connectors) == 1 else "have"
    return (
        f"{listed(super_connectors)} {verb} more links than one person could have, "
        "so it says nothing about who they are"
    )


def _unconfirmed(link: Link) -> str:
    """Who alone says so, and what would confirm it."""
    sources = sorted(link.claim)
    named = f"source {sources[0]}" if len(sources) == 1 else f"sources {_in_a_row(sources)}"
    word = "its word" if len(sources) == 1 else "their word"
    return (
        f"only the {named} saw them together, and by {word} alone the policy joins no two people"
        " (`limited_sources`); another source that sees them together would confirm it, or an event"
        " with a proof of the user id"
    )


def _limit(refusal: Refusal, evidence: Evidence, policy: Policy) -> str:
    kind = refusal.type
    if kind is None:
        return (
            f"one customer may have {policy.max_identifiers:,} identifiers at most"
            " (`max_identifiers`), and together they would have more"
        )
    rule = policy.rule_of(kind)
    most = rule.limit if rule and rule.limit is not None else 0
    values = f"{most:,} value{'s' if most != 1 else ''} of {kind}"
    window = " within one window of time" if rule and rule.within else ""
    conflict = listed([evidence.identifiers[i] for i in refusal.conflict])
    return f"one customer may have {values}{window}, and here are {conflict}"


def _contested(link: Link, evidence: Evidence, resolution: Resolution) -> str:
    shared = [evidence.identifiers[i] for i in (link.a, link.b) if i in resolution.contested]
    if not shared:
        ends = resolution.cluster_of[link.a], resolution.cluster_of[link.b]
        held = [i for i in resolution.contested if resolution.cluster_of[i] in ends]
        shared = sorted(evidence.identifiers[i] for i in held)
    verb = "belongs" if len(shared) == 1 else "belong"
    return f"{listed(shared)} {verb} to several people, so to nobody"


def _times(link: Link | None) -> str:
    times = link.times_seen if link else 0
    return "once" if times == 1 else f"{times:,} times"


def _other(link: Link, position: int) -> int:
    return link.b if link.a == position else link.a


_MAX_NAMED = 5


def listed(identifiers: Sequence[Identifier]) -> str:
    """`a, b and c`; of many, the first few and how many more."""
    return _in_a_row([str(identifier) for identifier in identifiers])


def _in_a_row(texts: Sequence[str]) -> str:
    names = list(texts[:_MAX_NAMED])
    if len(texts) > _MAX_NAMED:
        names.append(f"{len(texts) - _MAX_NAMED:,} more")
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
