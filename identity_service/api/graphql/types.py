# ruff: noqa: D101  (the schema's descriptions say what a type is)
"""The types of the schema: their shape. What a field does stands in `fields`,
`explanations` and `spaces`.

A value of a type is the record that it shows, mostly inside `Scoped`; a field without a
resolver is the attribute of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

import strawberry
from strawberry import ID

from identity_service.api.graphql import (
    account_profiles,
    customer_profiles,
    explanations,
    fields,
    inboxes,
    ledger,
    spaces,
)
from identity_service.api.graphql.connections import PageInfo
from identity_service.api.graphql.context import record_of
from identity_service.api.graphql.scalars import Json, Millis
from identity_service.collect.webhooks.vendors import Vendor
from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.judgements import Verdict
from identity_service.domain.profiles.definitions import Take
from identity_service.domain.recorded import (
    OverConnectedComponent,
    RecordedChange,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.changes import CauseKind, ChangeKind
from identity_service.domain.resolution.clusters import RefusalReason
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.retractions import RetractionProgress
from identity_service.services.read.explanations import ExplainedPair
from identity_service.services.read.view import Missing, MissingReason

strawberry.enum(ChangeKind)
strawberry.enum(CauseKind)
strawberry.enum(RefusalReason)
strawberry.enum(CustomerKind)
strawberry.enum(IdentifierKind)
strawberry.enum(Verdict)
strawberry.enum(Take, name="TraitTake")
strawberry.enum(MissingReason, name="NotFoundReason")
strawberry.enum(Vendor, name="WebhookVendor")

T = TypeVar("T")


def shows(record: type) -> Callable[[type[T]], type[T]]:
    """Say which record a member of a union or an interface shows, so that it is recognised."""

    def is_type_of(value: object, _: object) -> bool:
        return isinstance(record_of(value), record)

    def decorate(cls: type[T]) -> type[T]:
        setattr(cls, "is_type_of", staticmethod(is_type_of))  # noqa: B010  (Strawberry reads it)
        return cls

    return decorate


def by(
    resolver: Callable[..., Any], description: str | None = None, name: str | None = None
) -> Any:
    """A field that a function answers. It returns a record, where the annotation names the type."""
    return strawberry.field(resolver=resolver, name=name, description=description)


@strawberry.interface
class Node:
    id: ID


@strawberry.type
@shows(Missing)
class NotFound:
    reason: MissingReason
    message: str = by(fields.missing_message)


@strawberry.type
@shows(OverConnectedComponent)
class OverConnected:
    message: str = by(fields.over_connected_message)
    size: int
    limit: int
    identifiers: list[Identifier] = by(fields.over_connected_identifiers)
    customer: Customer | None = by(
        fields.over_connected_customer, description="As it was settled last, if ever."
    )


@strawberry.type
class Account:
    account_id: str
    traits: Json
    features: list[Feature] = by(
        account_profiles.features,
        description=(
            "What the profiles text of the space computes of it from the events of its members "
            "now, in the order of the text; `names`: only these. Of an answer `asOf` there are "
            "none, nor audiences."
        ),
    )
    audiences: list[str] = by(
        account_profiles.audiences,
        description="The names of those of accounts that it is in, in text order.",
    )
    explain_feature: FeatureExplanation | None = by(
        account_profiles.explain_feature,
        description="As of a customer, of a feature of accounts.",
    )
    explain_audience: AudienceExplanation | None = by(
        account_profiles.explain_audience,
        description="As of a customer, of an audience of accounts.",
    )


@strawberry.type(description="What this answer rests on.")
class Receipt:
    policy_version: int
    revision: int
    resolved_at: Millis = by(fields.resolved_at)
    live: bool
    as_of: Millis | None = by(fields.as_of)


@strawberry.type
@shows(SettledCustomer)
class Customer(Node):
    id: ID = by(fields.customer_node_id)
    customer_id: ID = strawberry.field(description="The persistent id, such as `cus_…`.")
    redirected_from: ID | None = strawberry.field(
        description="Set when the caller asked with a retired id."
    )
    previous_ids: list[ID] = by(fields.previous_ids)
    kind: CustomerKind
    identifiers: list[Identifier] = by(fields.identifiers, description="The strongest first.")
    identifier_count: int
    traits: list[Trait] = by(
        fields.traits,
        description=(
            "Merged over the identifiers: the latest value wins; null removes. "
            "At most 1,000: those that were reported first."
        ),
    )
    traits_omitted: int = by(
        fields.traits_omitted,
        description=(
            "How many are not in `traits`: beyond the first 1,000, or in events that together "
            "are larger than 4 MB."
        ),
    )
    trait: Trait | None = by(fields.trait)
    features: list[Feature] = by(
        customer_profiles.features,
        description=(
            "What the profiles text of the space computes of it, in the order of the text; "
            "`names`: only these. Of an answer `asOf`: what the text in force now says of the "
            "evidence of that moment."
        ),
    )
    audiences: list[str] = by(
        customer_profiles.audiences, description="The names of those that it is in, in text order."
    )
    explain_feature: FeatureExplanation | None = by(
        customer_profiles.explain_feature,
        description=(
            "Which events made the value of a feature: the latest first, 500 at most. Null where "
            "the text has no such feature."
        ),
    )
    explain_audience: AudienceExplanation | None = by(
        customer_profiles.explain_audience,
        description="Which parts of the condition of an audience hold; null where there is none.",
    )
    events: EventConnection = by(fields.events, description="`since` and `until` are inclusive.")
    event_count: int = by(fields.event_count)
    accounts: list[Account] = by(fields.accounts)
    links: list[Link] = by(
        explanations.links,
        description="All links of its identifiers, joined and refused, with the reason.",
    )
    shared_devices: list[Identifier] = by(
        explanations.shared_devices,
        description="Contested identifiers that this person was seen with.",
    )
    changes: ChangeConnection = by(
        ledger.customer_changes, description="What happened to it, newest first."
    )
    judgements: JudgementConnection = by(
        spaces.customer_judgements,
        description="What was judged of its identifiers, withdrawn or not, newest first.",
    )
    health: CustomerHealth = by(explanations.health)
    first_seen: Millis
    last_seen: Millis
    receipt: Receipt = by(fields.receipt, description="What this answer rests on.")


@strawberry.type
@shows(SeenIdentifier)
class Identifier(Node):
    id: ID = by(fields.identifier_node_id)
    space: str = by(fields.identifier_space, description="The name of the space it is of.")
    type: str
    value: str
    kind: IdentifierKind
    first_seen: Millis
    last_seen: Millis
    contested: bool
    super_connector: bool
    link_count: int = by(fields.link_count, description="Distinct identifiers seen with it.")
    customer: Customer | None = by(fields.identifier_customer)
    shared_by: list[Customer] = by(
        inboxes.shared_by,
        description=(
            "The known customers that were seen with it, those first who were so last. At most "
            "100; of an identifier with very many links, 10,000 of them are looked at."
        ),
    )
    links_by_source: list[SourceOfLinks] = by(
        inboxes.links_by_source,
        description=(
            "Which sources brought its links, those of most first; a link that several saw counts "
            "for each. At most 100."
        ),
    )
    links_over_time: list[DegreeAt] = by(
        inboxes.links_over_time,
        description=(
            "How its links became more, by the time of the events: the last `first` days that "
            "brought any, in order. At most 1,000."
        ),
    )


@strawberry.type(
    description=(
        "A source, with how many distinct identifiers it saw one, and when, by the time of the "
        "events: days as their first moments, UTC."
    )
)
class SourceOfLinks:
    source: str
    link_count: int
    since: Millis = by(inboxes.since, description="The day on which the first of them was seen.")
    peak: Millis = by(inboxes.peak, description="The day that brought most of them.")


@strawberry.type(
    description="How many distinct identifiers were seen with one until the end of a day."
)
class DegreeAt:
    day: Millis = by(inboxes.day, description="Its first moment, UTC.")
    link_count: int


@strawberry.type
class LinkDecision:
    joined: bool
    reason: RefusalReason | None
    type: str | None
    conflict: list[Identifier] = by(explanations.conflict)
    message: str


@strawberry.type
class Link:
    a: Identifier = by(explanations.link_a)
    b: Identifier = by(explanations.link_b)
    first_seen: Millis
    last_seen: Millis
    times_seen: int
    sources: list[str]
    decision: LinkDecision = by(explanations.link_decision)
    example_event: Event | None = by(
        explanations.example_event,
        description=(
            "The latest event that saw both, looked for among the newest 10,000 events of the one "
            "that has fewer."
        ),
    )


@strawberry.type
class CustomerHealth:
    refused_links: int = strawberry.field(description="Refused links at its border.")
    bridges: int = strawberry.field(
        description="Links whose removal would split it; a judgement counts as a link."
    )
    largest_share_of_limit: float = strawberry.field(
        description="Values over limit, of the type that is fullest; 0 without limits."
    )


@strawberry.type
@shows(ExplainedPair)
class Explanation:
    a: Identifier = by(explanations.explained_a)
    b: Identifier = by(explanations.explained_b)
    same_customer: bool
    path: list[Link] = by(
        explanations.path,
        description=(
            "The chain of joined links from `a` to `b` (a hop that rests on a judgement alone has "
            "timesSeen 0), or, when they are apart, the strongest chain that would join them."
        ),
    )
    refusals: list[Link] = by(
        explanations.refusals,
        description=(
            "The refused links on that chain. Empty when they are one customer or were never "
            "connected."
        ),
    )
    judgement: Judgement | None = by(
        explanations.deciding_judgement,
        description=(
            "The judgement that decides: the one that keeps them apart, or, of those that join "
            "them on the path, the latest."
        ),
    )
    message: str


@strawberry.type
class Trait:
    name: str
    value: Json | None
    updated_at: Millis
    source: str
    identifier: Identifier = by(fields.trait_identifier)
    rule: TraitRule = by(
        fields.trait_rule, description="Which of the values that were reported is the trait."
    )
    other_values: list[OtherValue] = by(
        fields.other_values,
        description="Every other value that was reported, by source, the latest first.",
    )


@strawberry.type(
    description=(
        "A trait takes the latest value, the first or the most frequent one, of the first of the "
        "sources in `prefer` that has one; where none has, of all sources."
    )
)
class TraitRule:
    take: Take
    prefer: list[str]
    search: bool


@strawberry.type
class OtherValue:
    value: Json | None
    source: str
    updated_at: Millis = by(fields.other_value_at, description="When it was reported last.")
    times: int = strawberry.field(description="How often it was reported.")


@strawberry.type(description="A value that the profiles text computes of a customer or account.")
class Feature:
    name: str
    value: Json | None
    skipped: int = strawberry.field(
        description="How many occurrences do not count, since their property cannot be used."
    )
    truncated: bool = strawberry.field(
        description="Whether the value holds only as much as its limit allows."
    )
    evaluated_at: Millis
    version: int = strawberry.field(description="Of the profiles text.")


@strawberry.type
class ContributingEvent:
    event: Event = by(customer_profiles.contributing_event)
    value: Json | None = by(
        customer_profiles.contributed,
        description="What it contributed; null where it counts that it happened.",
    )


@strawberry.type
class FeatureOperand:
    name: str
    value: Json | None


@strawberry.type(description="Why a feature has its value.")
class FeatureExplanation:
    name: str
    value: Json | None = by(customer_profiles.explained_value)
    skipped: int = by(customer_profiles.explained_skipped)
    truncated: bool = by(customer_profiles.explained_truncated)
    events: list[ContributingEvent] = by(
        customer_profiles.contributions, description="Those that made it, the latest first."
    )
    more: int = strawberry.field(description="How many further events made it.")
    operands: list[FeatureOperand] = by(
        customer_profiles.operands, description="The features that it is computed from."
    )


@strawberry.type(description="A part of the condition of an audience.")
class ConditionOutcome:
    depth: int = strawberry.field(
        description="How deep it stands: 0 is the whole condition, and its parts follow it."
    )
    text: str
    holds: bool
    unknown: bool = strawberry.field(
        description="It does not hold since what it speaks of has no value."
    )


@strawberry.type(description="Whether a customer or an account is in an audience, and why.")
class AudienceExplanation:
    name: str
    member: bool
    reason: str = strawberry.field(
        description="Why it is not a member although the condition holds; else empty."
    )
    conditions: list[ConditionOutcome] = by(customer_profiles.conditions)


@strawberry.type
@shows(RecordedEvent)
class Event(Node):
    id: ID = by(fields.event_node_id)
    message_id: str
    type: str
    name: str | None
    at: Millis
    received_at: Millis
    source: str
    properties: Json = by(fields.properties)
    identifiers: list[Identifier] = by(fields.event_identifiers)
    retracted: bool = by(
        fields.event_retracted,
        description="Whether a retraction in force says that it does not count.",
    )


@strawberry.type(description="What a change follows from; each object is null when it is gone.")
class Cause:
    kind: CauseKind
    withdrawn: bool = strawberry.field(
        description="It was the withdrawal of the judgement or retraction that caused the change."
    )
    event: Event | None = by(ledger.cause_event)
    judgement: Judgement | None = by(ledger.cause_judgement)
    policy: Policy | None = by(ledger.cause_policy)
    retraction: Retraction | None = by(ledger.cause_retraction)


@strawberry.type
@shows(RecordedChange)
class Change(Node):
    id: ID = by(ledger.change_node_id)
    kind: ChangeKind
    at: Millis
    customer_id: ID
    other_customer_id: ID | None
    identifiers: list[Identifier] = by(ledger.change_identifiers)
    cause: str
    caused_by: Cause | None = by(ledger.caused_by, description="`cause`, to go on from.")
    policy_version: int
    cursor: str = by(
        ledger.cursor,
        description="Where the change stands; `after` of lists and of the subscription takes it.",
    )


@strawberry.type
class Policy:
    version: int
    text: str
    created_at: Millis
    author: str
    note: str | None


@strawberry.type
class Settlement:
    policy_version: int
    customers_to_settle: int
    settled: int
    done: bool


@strawberry.type(
    description=(
        "An identifier that may not have been seen yet: the judgement waits for it. "
        "Of two that contradict, APART wins."
    )
)
class JudgedIdentifier:
    type: str
    value: str
    identifier: Identifier | None = by(spaces.judged_identifier)


@strawberry.type(
    description=(
        "Of a DETACH, `b` is null and `event` is the event on which `a` does not name the person."
    )
)
class Judgement:
    id: ID
    verdict: Verdict
    a: JudgedIdentifier = by(spaces.judgement_a)
    b: JudgedIdentifier | None = by(spaces.judgement_b)
    event: Event | None = by(spaces.judgement_event)
    author: str
    reason: str
    made_at: Millis
    withdrawn_at: Millis | None
    withdrawn_by: str | None
    withdrawn_reason: str | None


@strawberry.type(
    description=(
        "What `source` said does not count, of all that was received from `from` on and before "
        "`until`. It is in force at once; the evidence follows in the background."
    )
)
@shows(RetractionProgress)
class Retraction:
    id: ID
    source: str
    from_: Millis = strawberry.field(resolver=spaces.retraction_from, name="from")
    until: Millis
    author: str
    reason: str
    made_at: Millis
    withdrawn_at: Millis | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    events: int = strawberry.field(
        description="Taken out of the evidence so far; once withdrawn, given back so far."
    )
    skipped: int = strawberry.field(
        description="Events that stay as they were: too many identifiers are connected with them."
    )
    share: float = strawberry.field(description="How far it is, from 0 to 1.")
    done: bool = strawberry.field(description="Whether the evidence follows it wholly.")


@strawberry.type
class SpaceStatistics:
    customers: int = by(spaces.count_customers)
    known: int = by(spaces.count_known)
    anonymous: int = by(spaces.count_anonymous)
    quarantined: int = by(spaces.count_quarantined)
    identifiers: int = by(spaces.count_identifiers)
    events: int = by(spaces.count_events)
    links: int = by(spaces.count_links)


@strawberry.type
class EventEdge:
    cursor: str
    node: Event


@strawberry.type
class EventConnection:
    edges: list[EventEdge]
    page_info: PageInfo


@strawberry.type
class IdentifierEdge:
    cursor: str
    node: Identifier


@strawberry.type
class IdentifierConnection:
    edges: list[IdentifierEdge]
    page_info: PageInfo


@strawberry.type
class ChangeEdge:
    cursor: str
    node: Change


@strawberry.type
class ChangeConnection:
    edges: list[ChangeEdge]
    page_info: PageInfo


@strawberry.type
class PolicyEdge:
    cursor: str
    node: Policy


@strawberry.type
class PolicyConnection:
    edges: list[PolicyEdge]
    page_info: PageInfo


@strawberry.type
class JudgementEdge:
    cursor: str
    node: Judgement


@strawberry.type
class JudgementConnection:
    edges: list[JudgementEdge]
    page_info: PageInfo


@strawberry.type
class RetractionEdge:
    cursor: str
    node: Retraction


@strawberry.type
class RetractionConnection:
    edges: list[RetractionEdge]
    page_info: PageInfo


CustomerResult: TypeAlias = Annotated[
    Customer | NotFound | OverConnected, strawberry.union("CustomerResult")
]

ExplainResult: TypeAlias = Annotated[
    Explanation | NotFound | OverConnected, strawberry.union("ExplainResult")
]
