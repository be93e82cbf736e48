"""Why two identifiers are one customer or are not, in a sentence that a support agent reads."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.chains import Hop, chain
from identity_service.domain.clusters import Refusal, RefusalReason
from identity_service.domain.evidence import Evidence, Link
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policy import Policy
from identity_service.domain.resolution import Resolution


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

    `link` is None where a judgement alone joins the two.
    """

    start: Identifier
    end: Identifier
    link: Link | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two identifiers are one customer, or why they are not, in a sentence and hop by hop."""

    same_customer: bool
    message: str
    path: tuple[ExplainedHop, ...]

    @property
    def refusals(self) -> tuple[ExplainedHop, ...]:
        """The hops that were refused."""
        return tuple(hop for hop in self.path if not hop.decision.joined)


def explain(
    a: Identifier, b: Identifier, evidence: Evidence, resolution: Resolution, policy: Policy
) -> Explanation:
    """Explain an identifier of the evidence and another; one that is not there is not connected."""
    if a == b:
        return Explanation(same_customer=True, message="They are the same identifier.", path=())
    if b not in evidence.identifiers:
        return Explanation(same_customer=False, message=NEVER_CONNECTED, path=())
    found = chain(a, b, evidence, resolution)
    path = tuple(_explained(hop, evidence, resolution, policy) for hop in found.hops)
    if found.same_customer:
        steps = "one step joins" if len(path) == 1 else f"{len(path)} steps join"
        return Explanation(same_customer=True, message=f"One customer: {steps} them.", path=path)
    refused = next((hop for hop in path if not hop.decision.joined), None)
    if refused is None:
        return Explanation(same_customer=False, message=NEVER_CONNECTED, path=())
    message = f"Two customers, at {refused.start} and {refused.end}. {refused.decision.message}"
    return Explanation(same_customer=False, message=message, path=path)


NEVER_CONNECTED = "Two customers: nothing that was seen connects them."


def _explained(
    hop: Hop, evidence: Evidence, resolution: Resolution, policy: Policy
) -> ExplainedHop:
    if hop.link is not None:
        decision = describe_decision(hop.link, evidence, resolution, policy)
        return ExplainedHop(hop.start, hop.end, evidence.links[hop.link], decision)
    reason = f": {hop.judgement.reason}" if hop.judgement and hop.judgement.reason else ""
    decision = Decision(joined=True, message=f"Somebody judged that they are the same{reason}.")
    return ExplainedHop(hop.start, hop.end, None, decision)


def describe_decision(
    link_number: int, evidence: Evidence, resolution: Resolution, policy: Policy
) -> Decision:
    """The decision on a link, named by its position in the evidence."""
    link = evidence.links[link_number]
    refusal = resolution.refusals.get(link_number)
    if refusal is None:
        times = "once" if link.times_seen == 1 else f"{link.times_seen:,} times"
        return Decision(joined=True, message=f"One customer: they were seen together {times}.")
    return Decision(
        joined=False,
        message=_why(refusal, link, evidence, resolution, policy),
        reason=refusal.reason,
        type=refusal.type,
        conflict=tuple(evidence.identifiers[i] for i in refusal.conflict),
    )


def _why(
    refusal: Refusal, link: Link, evidence: Evidence, resolution: Resolution, policy: Policy
) -> str:
    identifiers = evidence.identifiers
    a, b = identifiers[link.a], identifiers[link.b]
    match refusal.reason:
        case RefusalReason.LIMIT:
            return _limit(refusal, evidence, policy)
        case RefusalReason.APART:
            told = _listed([identifiers[i] for i in refusal.conflict])
            return f"Kept apart: somebody judged that {told} are two customers."
        case RefusalReason.QUARANTINE:
            return _contested(link, evidence, resolution)
        case RefusalReason.VISITOR:
            given = link.a if link.a in resolution.given else link.b
            if given not in resolution.given:
                return (
                    f"Kept apart: {a} and {b} belong to different people, one of whom only "
                    "visited the other's device."
                )
            return (
                f"Kept apart: {identifiers[given]} belongs to the person who uses it most, and "
                f"{identifiers[_other(link, given)]} was only visiting."
            )
        case RefusalReason.ISOLATE:
            isolated, rule = a, policy.rule_of(a.type)
            if rule is None or rule.kind.value == "person":
                isolated = b
            return f"Kept apart: the policy joins no person to a {isolated.type}."
        case RefusalReason.SUPER_CONNECTOR:
            hubs = [identifiers[i] for i in (link.a, link.b) if i in resolution.super_connectors]
            verb = "has" if len(hubs) == 1 else "have"
            return (
                f"Joins nothing: {_listed(hubs)} {verb} more links than one person could have, "
                "so it says nothing about who they are."
            )
        case RefusalReason.NOT_LISTED:
            unlisted = sorted({i.type for i in (a, b) if policy.rule_of(i.type) is None})
            return f"Joins nothing: the policy has no rule for {' and '.join(unlisted)}."


def _limit(refusal: Refusal, evidence: Evidence, policy: Policy) -> str:
    kind = refusal.type or ""
    rule = policy.rule_of(kind)
    most = rule.limit if rule and rule.limit is not None else 0
    values = f"{most:,} value{'s' if most != 1 else ''} of {kind}"
    window = " within one window of time" if rule and rule.within else ""
    conflict = _listed([evidence.identifiers[i] for i in refusal.conflict])
    return f"Kept apart: one customer may have {values}{window}, and here are {conflict}."


def _contested(link: Link, evidence: Evidence, resolution: Resolution) -> str:
    shared = [evidence.identifiers[i] for i in (link.a, link.b) if i in resolution.contested]
    if not shared:
        return "Kept apart: one side holds a device that several people share."
    verb = "belongs" if len(shared) == 1 else "belong"
    return f"Kept apart: {_listed(shared)} {verb} to several people, so to nobody."


def _other(link: Link, position: int) -> int:
    return link.b if link.a == position else link.a


_MOST_NAMED = 5


def _listed(identifiers: list[Identifier]) -> str:
    """`a, b and c`; of many, the first few and how many more."""
    names = [str(identifier) for identifier in identifiers[:_MOST_NAMED]]
    if len(identifiers) > _MOST_NAMED:
        names.append(f"{len(identifiers) - _MOST_NAMED:,} more")
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
