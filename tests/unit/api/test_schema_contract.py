"""Our schema is the contract's in every name, type, argument, default and nullability."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
    parse,
    validate,
)

from identity_service.api.graphql import explorer
from identity_service.api.graphql import schema as ours
from identity_service.api.graphql.limits import check_document

EXPLORER_QUERIES = sorted(Path(explorer.__file__).parent.glob("queries/*.graphql"))
CONTRACT = Path(__file__).parents[2] / "contract" / "schema.graphql"

NOT_YET = frozenset(
    {
        "NotFoundReason.ERASED",
    }
)
"""What the contract has and the service does not offer."""

OR_NULL = frozenset({"Space.customer", "Space.customers", "Space.customersById"})
"""Where a customer is null that failed, so that its error takes none that stands beside it.

Each operation that the contract takes is taken as before.
"""

BEYOND = frozenset(
    {
        "Identifier.space",
        "Query._entities",
        "Query._service",
        "_Any",
        "_Entity",
        "_Service",
        "Invalid.code",
        "InvalidCode",
        "Key",
        "KeyConnection",
        "KeyEdge",
        "KeyRole",
        "KeyRotated",
        "Mutation.rotateKey",
        "Query.viewer",
        "RotateKeyResult",
        "Space.keys",
        "Viewer",
        "FeatureCondition",
        "CustomerEdge.matches",
        "Likeness",
        "Match",
        "Space.customersByFeature",
        "Audience",
        "AudienceMember",
        "AudienceMemberConnection",
        "AudienceMemberEdge",
        "AudienceOf",
        "FeatureOperand",
        "MembershipCause",
        "MembershipChange",
        "MembershipChangeConnection",
        "MembershipChangeEdge",
        "MembershipChangeKind",
        "Space.audience",
        "Space.audiences",
        "Space.membershipChanges",
        "Subscription.membershipChanges",
        "AccountAudiencePreview",
        "AccountFeaturePreview",
        "AccountFeatureValueChange",
        "AccountsPreview",
        "ProfilesPreview.ofAccounts",
        "Account.audiences",
        "Account.explainAudience",
        "Account.explainFeature",
        "Account.features",
        "AudienceExplanation",
        "AudiencePreview",
        "ConditionOutcome",
        "ContributingEvent",
        "Customer.audiences",
        "Customer.explainAudience",
        "Customer.explainFeature",
        "Customer.features",
        "Feature",
        "FeatureExplanation",
        "FeaturePreview",
        "FeatureValueChange",
        "OtherValue",
        "PreviewProfilesResult",
        "ProfilesPreview",
        "Space.previewProfiles",
        "Trait.otherValues",
        "Trait.rule",
        "TraitRule",
        "TraitTake",
        "ApplyProfilesResult",
        "Mutation.applyProfiles",
        "ProfilesText",
        "ProfilesTextConnection",
        "ProfilesTextEdge",
        "Space.profiles",
        "Space.profilesDiff",
        "Space.profilesHistory",
        "Attribution",
        "ChangeDestinationResult",
        "DeadLettersSentAgain",
        "DeleteDestinationResult",
        "Destination",
        "DestinationConnection",
        "DestinationDeleted",
        "DestinationDryRun",
        "DestinationEdge",
        "DestinationEvent",
        "DestinationEventConnection",
        "DestinationEventEdge",
        "DestinationEventState",
        "DestinationProgress",
        "DestinationRecord",
        "DestinationRecordConnection",
        "DestinationRecordEdge",
        "DestinationRequest",
        "DestinationVendor",
        "DestinationsErasing",
        "EraseAtDestinationsResult",
        "Mutation.changeDestination",
        "Mutation.createDestination",
        "Mutation.deleteDestination",
        "Mutation.eraseAtDestinations",
        "Mutation.pauseDestination",
        "Mutation.resumeDestination",
        "Mutation.sendAgain",
        "Mutation.syncDestination",
        "EventCount",
        "RecordCount",
        "RecordState",
        "SecretInput",
        "SendAgainResult",
        "Space.destinationRecords",
        "Space.destinations",
        "ConversionTime",
        "CustomerSegment",
        "AccountFit",
        "ChangedIdentities",
        "ChannelConversion",
        "CrossAppUsers",
        "HiddenStep",
        "PathIdentifier",
        "PathStep",
        "CreateProofSecretResult",
        "ProofSecretCreated",
        "Mutation.createProofSecret",
        "Journeys.accounts",
        "Journeys.attribution",
        "Journeys.changedIdentities",
        "Journeys.crossAppUsers",
        "Journeys.customerPath",
        "Journeys.hiddenByQuarantine",
        "Journeys.newsletterToCustomer",
        "Journeys.correlation(segment)",
        "Journeys.dropOff(segment)",
        "Journeys.dropOff(since)",
        "Journeys.dropOff(until)",
        "Journeys.flows(names)",
        "Journeys.flows(segment)",
        "Journeys.funnel(segment)",
        "Journeys.funnelBy",
        "Journeys.lastPageBefore(segment)",
        "Journeys.retention",
        "Journeys.timeToConvert",
        "Retention",
        "SplitFunnelStep",
        "Customer.judgements",
        "Customer.traitsOmitted",
        "Cause",
        "CauseKind",
        "Change.causedBy",
        "Change.cursor",
        "Explanation.a",
        "Explanation.b",
        "DegreeAt",
        "Identifier.linksBySource",
        "Identifier.linksOverTime",
        "Identifier.sharedBy",
        "Judgement.withdrawnReason",
        "Link.exampleEvent",
        "Mutation.createSource(region)",
        "Mutation.createSource(snowplowAppId)",
        "PolicyPreview.policyText",
        "PolicySet.notes",
        "PreviewSummary.created",
        "PreviewSummary.differences",
        "PreviewSummary.identifiersBlocked",
        "PreviewSummary.kindChanged",
        "PreviewSummary.overConnected",
        "Event.retracted",
        "Mutation.retract",
        "Mutation.withdrawRetraction",
        "RetractResult",
        "Retraction",
        "RetractionConnection",
        "RetractionEdge",
        "RetractionPreview",
        "RetractionPreviewResult",
        "ChangeSourceResult",
        "DeleteSpaceResult",
        "Mutation.deleteSpace",
        "Query.spaceDeletions",
        "SpaceDeletion",
        "Mutation.feedSpaces",
        "Mutation.limitSource",
        "Mutation.pauseSource",
        "Mutation.resumeSource",
        "Mutation.rotateSourceKey",
        "Query.sources",
        "DropResult",
        "Mutation.dropRejectedEvents",
        "Mutation.resendRejectedEvents",
        "RejectedAgain",
        "RejectedEvent.id",
        "RejectedEventsDropped",
        "RejectedEventsResent",
        "ResendInput",
        "ResendResult",
        "Space.rejectedEvents(code)",
        "Space.rejectedEvents(since)",
        "Space.rejectedEvents(source)",
        "Space.rejectedEvents(until)",
        "RotateSourceKeyResult",
        "Source",
        "SourceConnection",
        "SourceEdge",
        "SourceKey",
        "SourceKeyRotated",
        "Mutation.setReadingRules",
        "PreviewReadingRulesResult",
        "ReadDifference",
        "ReadEvent",
        "ReadIdentifier",
        "ReadingRules",
        "RejectedNumber",
        "RulesPreview",
        "SetReadingRulesResult",
        "Space.previewReadingRules",
        "AcceptMergesResult",
        "CreateWebhookSourceResult",
        "DismissMergeResult",
        "HandleRequestResult",
        "MergeRefused",
        "MergesAccepted",
        "Mutation.acceptAllMerges",
        "Mutation.acceptMerge",
        "Mutation.createWebhookSource",
        "Mutation.dismissMerge",
        "Mutation.markRequestHandled",
        "Mutation.rotateWebhookSecret",
        "RotateWebhookSecretResult",
        "Space.upstreamMerges",
        "Space.upstreamRequests",
        "UpstreamKind",
        "UpstreamMerge",
        "UpstreamMergeConnection",
        "UpstreamMergeEdge",
        "UpstreamRequest",
        "UpstreamRequestConnection",
        "UpstreamRequestEdge",
        "UpstreamState",
        "WebhookSecretRotated",
        "WebhookSourceCreated",
        "WebhookVendor",
        "SourceOfLinks",
        "SourceStatistics",
        "Space.sources",
        "Space.previewRetraction",
        "Space.retractions",
        "Subscription.changes(after)",
        "Subscription.settlement",
        "Subscription.settlement(space)",
    }
)
"""What the service offers beyond the contract: types, fields and arguments."""


def parts(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Every part of a schema by its path, with what has to be equal."""
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name, type(kind).__name__
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield f"{name} implements", " ".join(sorted(i.name for i in kind.interfaces))
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", str(field.type)
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name})", described(argument)
        elif isinstance(kind, GraphQLUnionType):
            yield f"{name} members", " ".join(sorted(member.name for member in kind.types))
        elif isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", "value") for value in kind.values)
        elif isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{key}", str(field.type)) for key, field in kind.fields.items())


def described(argument: GraphQLArgument) -> str:
    default = argument.default_value
    kind = str(argument.type)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return kind + ("" if default is Undefined else f" = {default!r}")


@pytest.fixture(scope="module")
def contract() -> dict[str, str]:
    return dict(parts(build_schema(CONTRACT.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def offered() -> dict[str, str]:
    return dict(parts(build_schema(ours.build_schema().as_str())))


def test_all_that_is_offered_is_as_the_contract_has_it(
    contract: dict[str, str], offered: dict[str, str]
) -> None:
    other = {path for path, kind in offered.items() if contract.get(path) != kind}
    of_customers = {path: (offered[path], contract[path]) for path in OR_NULL}

    assert of_customers == {
        "Space.customer": ("CustomerResult", "CustomerResult!"),
        "Space.customers": ("[CustomerResult]!", "[CustomerResult!]!"),
        "Space.customersById": ("[CustomerResult]!", "[CustomerResult!]!"),
    }
    other -= OR_NULL
    whole = re.compile(r"[ .(]")
    beyond = {path for path in other if whole.split(path)[0] in BEYOND}
    beyond |= {path for path in other for field in BEYOND if path.startswith(f"{field}(")}
    assert other - (beyond - BEYOND) == BEYOND
    assert contract.keys().isdisjoint(BEYOND)


def test_nothing_of_the_contract_is_missing_that_is_not_named_here(
    contract: dict[str, str], offered: dict[str, str]
) -> None:
    missing = contract.keys() - offered.keys()

    inside = {path for path in missing for whole in NOT_YET if path.startswith(f"{whole}.")}
    inside |= {path for path in missing for whole in NOT_YET if path.startswith(f"{whole}(")}
    inside |= {f"{whole} {what}" for whole in NOT_YET for what in ("implements", "members")}
    assert missing - inside == NOT_YET


@pytest.mark.parametrize("path", EXPLORER_QUERIES, ids=lambda path: path.stem)
def test_the_explorers_ready_made_queries_are_taken(path: Path) -> None:
    document = parse(path.read_text(encoding="utf-8"))

    check_document(document)
    assert validate(build_schema(ours.build_schema().as_str()), document) == []
