# ruff: noqa: D101, D103  (the schema's descriptions say what a type is)
"""The root of queries, and a space."""

from __future__ import annotations

import strawberry
from strawberry import ID

from identity_service.api.graphql import (
    audiences as audience_fields,
)
from identity_service.api.graphql import (
    blast_radius,
    explanations,
    federation,
    fields,
    inboxes,
    keys,
    ledger,
    previews,
    rejected,
    sources,
    spaces,
    upstream,
)
from identity_service.api.graphql import (
    destinations as sending,
)
from identity_service.api.graphql import profiles as profiling
from identity_service.api.graphql import (
    retractions as retracting,
)
from identity_service.api.graphql import space_deletions as deletions
from identity_service.api.graphql.audiences import Audience, MembershipChangeConnection
from identity_service.api.graphql.blast_radius import BlastRadiusResult
from identity_service.api.graphql.connections import identifier_in, parse_global_id
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.customer_pages import CustomerConnection
from identity_service.api.graphql.destinations import DestinationConnection, DestinationRecord
from identity_service.api.graphql.feature_search import customers_by_feature
from identity_service.api.graphql.journeys import Journeys, journeys
from identity_service.api.graphql.keys import KeyConnection
from identity_service.api.graphql.previews import PreviewResult
from identity_service.api.graphql.profiles import (
    PreviewProfilesResult,
    ProfilesText,
    ProfilesTextConnection,
)
from identity_service.api.graphql.rejected import RejectedEventConnection
from identity_service.api.graphql.retractions import RetractionPreviewResult
from identity_service.api.graphql.search import search
from identity_service.api.graphql.sources import PreviewReadingRulesResult, SourceConnection
from identity_service.api.graphql.space_deletions import SpaceDeletion
from identity_service.api.graphql.types import (
    ChangeConnection,
    CustomerResult,
    ExplainResult,
    IdentifierConnection,
    JudgementConnection,
    Node,
    Policy,
    PolicyConnection,
    RetractionConnection,
    Settlement,
    SpaceStatistics,
    by,
)
from identity_service.api.graphql.upstream import (
    UpstreamMergeConnection,
    UpstreamRequestConnection,
)
from identity_service.domain.recorded import SettledCustomer
from identity_service.services.read.current import CurrentView
from identity_service.services.spaces.access import Caller, Role


@strawberry.type
class Space:
    name: str = by(spaces.name)
    policy: Policy = by(spaces.policy)
    policies: PolicyConnection = by(spaces.policies)
    settlement: Settlement = by(
        spaces.settlement,
        description="The settlement of the newest policy: how far it is.",
    )
    statistics: SpaceStatistics = by(spaces.statistics)
    customer: CustomerResult | None = by(
        fields.customer,
        description=(
            "Who is this? By any identifier or by customer id, current or retired. "
            "Never creates anything. `live`: traverse and resolve now instead of reading the "
            "settled result; it must give the same answer. `asOf`: as the service answered at "
            "that moment, by the evidence received, the judgements made and the policy in force "
            "until then; with it, `live` says nothing. Null only where `errors` says what failed."
        ),
    )
    customers: list[CustomerResult | None] = by(
        fields.customers,
        description=(
            "Many at once (at most 1,000), in the order asked. An entry is null only where "
            "`errors` says what failed of it."
        ),
    )
    customers_by_id: list[CustomerResult | None] = by(
        fields.customers_by_id,
        description="The same by customer id, current or retired.",
    )
    preview: PreviewResult = by(
        previews.preview,
        description=(
            "What another policy would change here, customer by customer. Nothing is written."
        ),
    )
    preview_judgement: PreviewResult = by(
        previews.preview_judgement,
        description=(
            "What a judgement would change. Nothing is written. One that would wait for an "
            "identifier changes nothing yet."
        ),
    )
    explain: ExplainResult = by(
        explanations.explain,
        description="Why are these two one customer, or why are they not?",
    )
    blast_radius: BlastRadiusResult = by(
        blast_radius.blast_radius,
        description=(
            "What falls apart if this identifier is blocked. `policyText` is the policy in force "
            "with its value blocked besides: setPolicy takes it."
        ),
    )
    contested: IdentifierConnection = by(
        inboxes.contested,
        description=(
            "Identifiers that belong to several people, most shared first: by the number of known "
            "customers that were seen with them. Of the 10,000 that have the most links."
        ),
    )
    super_connectors: IdentifierConnection = by(
        inboxes.super_connectors,
        description="Identifiers with more links than their type allows, most links first.",
    )
    changes: ChangeConnection = by(
        ledger.space_changes,
        description=(
            "Newest first. `customer`: those that name this id; `since` and `until` are inclusive."
        ),
    )
    rejected_events: RejectedEventConnection = by(
        rejected.rejected_events,
        description=(
            "Newest first. `code`: the reason; `since` and `until`, inclusive: when they were "
            "received. Agents and administrators only."
        ),
    )
    judgements: JudgementConnection = by(
        spaces.judgements,
        description=(
            "Newest first. `author`: who made them; `customer`: about its identifiers, by an id "
            "that is current or retired; `since` and `until`, inclusive: when they were made."
        ),
    )
    retractions: RetractionConnection = by(
        retracting.retractions, description="Newest first, withdrawn ones too."
    )
    preview_retraction: RetractionPreviewResult = by(
        retracting.preview_retraction,
        description="What a retraction would change. Nothing is written.",
    )
    preview_reading_rules: PreviewReadingRulesResult = by(
        sources.preview_reading_rules,
        description=(
            "What other reading rules of a source would make of its newest events, at most 500. "
            "Nothing is written. Administrators only."
        ),
    )
    sources: SourceConnection = by(
        sources.of_space,
        description="Who sends to this space, by name. Administrators only.",
    )
    keys: KeyConnection = by(keys.of_space)
    upstream_merges: UpstreamMergeConnection = by(
        upstream.merges, description="What other systems merged, newest first."
    )
    upstream_requests: UpstreamRequestConnection = by(
        upstream.requests,
        description="What they deleted or ask to be forgotten, newest first. Administrators only.",
    )
    destinations: DestinationConnection = by(
        sending.of_space,
        description="Where customers are sent, by name. Administrators only.",
    )
    destination_records: list[DestinationRecord] = by(
        sending.records_of_customer,
        description=(
            "What destinations hold of a customer, current or retired, at most 1,000. "
            "Administrators only."
        ),
    )
    journeys: Journeys = by(journeys)
    profiles: ProfilesText | None = by(
        profiling.in_force,
        description=(
            "The text in force that says which traits, features and audiences are computed; null "
            "where there is none."
        ),
    )
    profiles_history: ProfilesTextConnection = by(
        profiling.history, description="All its versions, newest first."
    )
    audience: Audience | None = by(
        audience_fields.find, description="Null where the profiles text in force has none of it."
    )
    audiences: list[Audience] = by(
        audience_fields.of_space, description="All of the profiles text in force, in its order."
    )
    membership_changes: MembershipChangeConnection = by(
        audience_fields.changes,
        description="Who entered and left an audience, or any of them, newest first.",
    )
    search: CustomerConnection = by(
        search,
        description=(
            "Customers by a piece of a name, an e-mail address, a phone number, an order number or "
            "any identifier, as an agent types it; the closest first. Where nothing begins with "
            "the text, what holds all its words, and then what one slip of the pen makes of it."
        ),
    )
    customers_by_feature: CustomerConnection = by(
        customers_by_feature,
        description=(
            "Customers whose features fulfil all conditions, in the order of the value of one; "
            "those without a value are left out. By what was computed last. A page looks at 10,000 "
            "values at most: where few fulfil the conditions, it may hold fewer than `first`, or "
            "none, and the next one follows after its `endCursor`."
        ),
    )
    preview_profiles: PreviewProfilesResult = by(
        profiling.preview,
        description=(
            "What another profiles text would change here: who enters and leaves audiences, and "
            "whose values differ. Nothing is written."
        ),
    )
    profiles_diff: str | None = by(
        profiling.difference,
        description=(
            "How the text of the version `older` became that of `newer`, of the one in force "
            "without it: a unified diff, empty where both are equal; null where one is missing."
        ),
    )


async def node(info: Info, id: ID) -> Scoped[object] | None:  # noqa: A002  (Relay's name)
    """A node by its global id; None when it does not exist or the key may not see it."""
    kind, space, key = parse_global_id(id)
    scope = info.context.services.access.enter(info.context.caller, space)
    if scope is None:
        return None
    view = current_view(info, scope)
    record = await _record(info, view, kind, key)
    return Scoped(view, record) if record else None


async def _record(info: Info, view: CurrentView, kind: str, key: str) -> object | None:
    match kind:
        case "Customer":
            found = await view.find_by_id(key)
            return found if isinstance(found, SettledCustomer) else None
        case "Identifier":
            return await view.identifier(identifier_in(key))
        case "Event":
            return await view.event(key)
        case "Change":
            return await info.context.services.ledger.change(view.scope, key)
        case _:
            return None


def viewer(info: Info) -> Caller | None:
    return info.context.caller


@strawberry.type
class Viewer:
    name: str
    role: Role
    spaces: list[Space] = by(spaces.spaces)


@strawberry.type
class Query:
    viewer: Viewer | None = by(viewer)
    space: Space | None = by(
        spaces.space,
        description=(
            "The one door to a space. Null when the key may not enter it: a space that exists "
            "and one that does not look the same."
        ),
    )
    spaces: list[Space] = by(spaces.spaces, description="The spaces that the key may enter.")
    sources: SourceConnection = by(
        sources.of_instance,
        description="All sources, by name. The instance administrator only.",
    )
    space_deletions: list[SpaceDeletion] = by(
        deletions.space_deletions,
        description="Spaces that are being deleted, by name. The instance administrator only.",
    )
    node: Node | None = by(node)
    service: federation.Service = by(
        federation.service,
        name="_service",
        description="What a gateway of Apollo Federation reads of the service.",
    )
    entities: list[federation.Entity | None] = by(
        federation.entities,
        name="_entities",
        description=(
            "What a gateway of Apollo Federation asks for by keys, at most 1,000, each in its "
            "place; null where there is nothing that the key of the request may see."
        ),
    )
