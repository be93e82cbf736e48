# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""What can be changed. Expected refusals are values (`Invalid`); a missing right is an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, Parent

from identity_service import errors
from identity_service.api.graphql import (
    destinations,
    keys,
    profiles,
    rejected,
    retractions,
    sources,
    space_deletions,
    upstream,
    webhooks,
)
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.destinations import (
    ChangeDestinationResult,
    DeleteDestinationResult,
    EraseAtDestinationsResult,
    SendAgainResult,
)
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.keys import Role, RotateKeyResult
from identity_service.api.graphql.profiles import ApplyProfilesResult
from identity_service.api.graphql.queries import Space
from identity_service.api.graphql.refused import (
    Invalid,
    Overtaken,
    Refused,
    VersionConflict,
    refused,
    refused_id,
)
from identity_service.api.graphql.rejected import DropResult, ResendResult
from identity_service.api.graphql.retractions import RetractResult
from identity_service.api.graphql.scoped import scoped
from identity_service.api.graphql.sources import (
    ChangeSourceResult,
    RotateSourceKeyResult,
    SetReadingRulesResult,
)
from identity_service.api.graphql.space_deletions import DeleteSpaceResult
from identity_service.api.graphql.types import Change, Judgement, Policy, Settlement, by, shows
from identity_service.api.graphql.upstream import (
    AcceptMergesResult,
    DismissMergeResult,
    HandleRequestResult,
)
from identity_service.api.graphql.webhooks import (
    CreateWebhookSourceResult,
    RotateWebhookSecretResult,
)
from identity_service.domain import judgements
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import PolicyVersion, RecordedChange, RolloutProgress
from identity_service.errors import FieldInvalid, NotFound, PolicyInvalid
from identity_service.services.spaces import access
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.spaces import (
    CreatedProofSecret,
    CreatedSource,
    CreatedSpace,
)
from identity_service.services.write import judgements as services


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made; this is the only time that it is shown."""

    name: str
    role: Role
    key: str


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """The name of a key that opens nothing any more."""

    name: str


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """A policy that was put in force, how far its settlement is, and what it does not change."""

    policy: PolicyVersion
    settlement: RolloutProgress
    notes: tuple[str, ...]


def _created(root: Parent[CreatedSpace]) -> SpaceScope:
    return root.scope


@strawberry.type
@shows(CreatedSpace)
class SpaceCreated:
    space: Space = by(_created)
    admin_key: str
    reader_key: str
    write_key: str


@strawberry.type
@shows(CreatedSource)
class SourceCreated:
    name: str
    write_key: str
    spaces: list[str]


@strawberry.type
@shows(NewKey)
class KeyCreated:
    name: str
    role: Role
    key: str


@strawberry.type
@shows(RevokedKey)
class KeyRevoked:
    name: str


@strawberry.type
@shows(CreatedProofSecret)
class ProofSecretCreated:
    source: str
    secret: str


@strawberry.type
@shows(NewPolicy)
class PolicySet:
    policy: Policy
    settlement: Settlement
    notes: list[str] = strawberry.field(
        description="What stays as it is although the policy says otherwise, a sentence each."
    )


def _judgement(root: Parent[Scoped[services.Judged]]) -> Scoped[judgements.AnyJudgement]:
    return root.beside(root.record.judgement)


def _changes(root: Parent[Scoped[services.Judged]]) -> list[Scoped[RecordedChange]]:
    return scoped(root.view, root.record.changes)


@strawberry.type
@shows(services.Judged)
class Judged:
    judgement: Judgement = by(_judgement)
    changes: list[Change] = by(_changes)
    message: str = strawberry.field(description="What it came to, in a sentence.")


CreateSpaceResult: TypeAlias = Annotated[
    SpaceCreated | Invalid, strawberry.union("CreateSpaceResult")
]
CreateSourceResult: TypeAlias = Annotated[
    SourceCreated | Invalid, strawberry.union("CreateSourceResult")
]
CreateKeyResult: TypeAlias = Annotated[KeyCreated | Invalid, strawberry.union("CreateKeyResult")]
RevokeKeyResult: TypeAlias = Annotated[KeyRevoked | Invalid, strawberry.union("RevokeKeyResult")]
CreateProofSecretResult: TypeAlias = Annotated[
    ProofSecretCreated | Invalid, strawberry.union("CreateProofSecretResult")
]
SetPolicyResult: TypeAlias = Annotated[
    PolicySet | Invalid | VersionConflict, strawberry.union("SetPolicyResult")
]
JudgeResult: TypeAlias = Annotated[Judged | Invalid, strawberry.union("JudgeResult")]


async def create_space(
    info: Info, name: str, policy: str | None = strawberry.UNSET
) -> CreatedSpace | Refused:
    spaces = info.context.services.spaces
    try:
        return await spaces.create_space(info.context.caller, name, policy or None)
    except (FieldInvalid, PolicyInvalid) as error:
        return refused(error)


async def create_source(
    info: Info,
    name: str,
    spaces: list[str],
    region: str | None = strawberry.UNSET,
    snowplow_app_id: str | None = strawberry.UNSET,
) -> CreatedSource | Refused:
    caller = info.context.caller
    try:
        return await info.context.services.spaces.create_source(
            caller, name, spaces, region or None, snowplow_app_id or None
        )
    except FieldInvalid as error:
        return refused(error)


async def create_key(info: Info, space: str, role: Role, name: str) -> NewKey | Refused:
    scope = require(info, space, access.Role.ADMIN)
    try:
        key = await info.context.services.spaces.create_key(scope, access.Role(role.value), name)
    except FieldInvalid as error:
        return refused(error)
    return NewKey(name, role, key)


async def revoke_key(info: Info, space: str, name: str) -> RevokedKey | Refused:
    try:
        await info.context.services.spaces.revoke_key(info.context.caller, space, name)
    except FieldInvalid as error:
        return refused(error)
    return RevokedKey(name)


async def create_proof_secret(info: Info, space: str, source: str) -> CreatedProofSecret | Refused:
    spaces = info.context.services.spaces
    try:
        return await spaces.create_proof_secret(info.context.caller, space, source)
    except FieldInvalid as error:
        return refused(error)


async def set_policy(
    info: Info,
    space: str,
    policy: str,
    expected_version: int,
    note: str | None = strawberry.UNSET,
) -> NewPolicy | Refused | Overtaken:
    scope = require(info, space, access.Role.ADMIN)
    services = info.context.services
    try:
        notes = await services.policy_rollout.kept_by_events(scope, policy)
        made = await services.policy_rollout.set_policy(
            scope, policy, expected_version, note or None
        )
    except (FieldInvalid, PolicyInvalid) as error:
        return refused(error)
    except errors.VersionConflict as error:
        return Overtaken(str(error), error.current_version)
    return NewPolicy(made, await services.spaces.rollout_progress(scope), notes)


async def judge(
    info: Info,
    space: str,
    verdict: judgements.Verdict,
    a: IdentifierInput,
    b: IdentifierInput,
    reason: str,
) -> Scoped[services.Judged] | Refused:
    scope = require(info, space, access.Role.AGENT)
    service = info.context.services.judgements
    typed = Identifier(a.type, a.value), Identifier(b.type, b.value)
    try:
        made = await service.judge(scope, verdict, *await service.normalise(scope, *typed), reason)
    except FieldInvalid as error:
        return refused(error)
    return Scoped(current_view(info, scope), made)


async def detach(
    info: Info, space: str, message_id: str, identifier: IdentifierInput, reason: str
) -> Scoped[services.Judged] | Refused:
    scope = require(info, space, access.Role.AGENT)
    typed = Identifier(identifier.type, identifier.value)
    try:
        made = await info.context.services.judgements.detach(scope, message_id, typed, reason)
    except FieldInvalid as error:
        return refused(error)
    return Scoped(current_view(info, scope), made)


async def withdraw_judgement(
    info: Info,
    space: str,
    id: ID,  # noqa: A002  (the name is the contract's)
    reason: str,
) -> Scoped[services.Judged] | Refused:
    scope = require(info, space, access.Role.AGENT)
    try:
        gone = await info.context.services.judgements.withdraw(scope, id, reason)
    except FieldInvalid as error:
        return refused(error)
    except NotFound as error:
        return refused_id(error)
    return Scoped(current_view(info, scope), gone)


@strawberry.type
class Mutation:
    create_space: CreateSpaceResult = by(
        create_space,
        description=(
            "Instance administrators only. Answers with the keys once; they are stored hashed."
        ),
    )
    delete_space: DeleteSpaceResult = by(
        space_deletions.delete_space,
        description=(
            "Delete a space and all that it holds, for good: from now on nobody can enter it, and "
            "the rest follows in the background. What destinations hold stays there. Asked once "
            "more, it answers how far that is. Instance administrators only."
        ),
    )
    create_source: CreateSourceResult = by(
        create_source,
        description=(
            "A sender. Its write key may only add observations. `region` (ISO 3166, `NL`) is the "
            "country of the national phone numbers that it sends, where the policy names none."
        ),
    )
    create_key: CreateKeyResult = by(create_key)
    revoke_key: RevokeKeyResult = by(
        revoke_key,
        description="By the name of a key, or of a source to revoke its write key.",
    )
    rotate_key: RotateKeyResult = by(keys.rotate_key)
    create_proof_secret: CreateProofSecretResult = by(
        create_proof_secret,
        description=(
            "The secret with which the team's server proves user ids of a source, in place of the "
            "one before. Answers with it once."
        ),
    )
    pause_source: ChangeSourceResult = by(
        sources.pause_source,
        description=(
            "Its senders are answered 503 with Retry-After, and keep their events. `space` is one "
            "that it feeds. A source that feeds several is the instance administrator's, here and "
            "in the next three."
        ),
    )
    resume_source: ChangeSourceResult = by(sources.resume_source)
    limit_source: ChangeSourceResult = by(
        sources.limit_source,
        description=(
            "How many events it may send in a second, to each process; beyond, it is answered 429 "
            "with Retry-After. Without a number: any."
        ),
    )
    rotate_source_key: RotateSourceKeyResult = by(
        sources.rotate_source_key,
        description=(
            "A new write key, shown once. Those before stay good for `graceSeconds`, 90 days at "
            "most. A source whose key was revoked has one again."
        ),
    )
    feed_spaces: ChangeSourceResult = by(
        sources.feed_spaces,
        description=(
            "Its events enter exactly these spaces from now on. `space` is one that it feeds now. "
            "The instance administrator only."
        ),
    )
    set_reading_rules: SetReadingRulesResult = by(
        sources.set_reading_rules,
        description=(
            "How what it sends from now on is read, as YAML; an empty text for as it is. Refused "
            "unless expectedVersion is the version in force, 0 where there are none."
        ),
    )
    resend_rejected_events: ResendResult = by(
        rejected.resend_rejected_events,
        description=(
            "Read again, repaired or as they were, as if their sources sent them, with the time of "
            "their first receipt; at most 500 at a time. Doing it twice makes one event. "
            "Administrators only, as in the next."
        ),
    )
    drop_rejected_events: DropResult = by(
        rejected.drop_rejected_events, description="At most 500 at a time, for good."
    )
    set_policy: SetPolicyResult = by(
        set_policy,
        description=(
            "Refused unless expectedVersion is the version in force. Customers are settled again "
            "in the background."
        ),
    )
    apply_profiles: ApplyProfilesResult = by(
        profiles.apply_profiles,
        description=(
            "What is computed of customers from now on: traits, features and audiences, as YAML. "
            "Refused unless expectedVersion is the version in force, 0 where there is none; "
            "applying an earlier text undoes what came after it. Administrators only."
        ),
    )
    judge: JudgeResult = by(judge)
    detach: JudgeResult = by(
        detach,
        description=(
            "On this event this identifier does not name the person: the event and its traits "
            "follow the others."
        ),
    )
    withdraw_judgement: JudgeResult = by(withdraw_judgement)
    retract: RetractResult = by(
        retractions.retract,
        description=(
            "What this source said does not count, of all that was received from `from` on and "
            "before `until`, which is past. Administrators only. Customers are settled again in "
            "the background."
        ),
    )
    withdraw_retraction: RetractResult = by(
        retractions.withdraw_retraction,
        description="It counts again. Administrators only; likewise in the background.",
    )
    create_webhook_source: CreateWebhookSourceResult = by(
        webhooks.create_webhook_source,
        description=(
            "A source that a vendor's webhook feeds. `secret` is the one that the vendor signs "
            "with: it is encrypted, and never shown again. `publicUrl`, for HubSpot behind a "
            "proxy: the whole address that HubSpot has. `livemode`: Stripe's live events, or "
            "those of its test mode. `noteAttribute`: under which name Shopify's orders carry "
            "the anonymous id of the browser."
        ),
    )
    rotate_webhook_secret: RotateWebhookSecretResult = by(
        webhooks.rotate_webhook_secret,
        description="The secret before stays good for a day.",
    )
    accept_merge: JudgeResult = by(
        upstream.accept_merge,
        description="Judge the two of an upstream merge the same.",
    )
    accept_all_merges: AcceptMergesResult = by(
        upstream.accept_all_merges, description=upstream.ACCEPT_ALL
    )
    dismiss_merge: DismissMergeResult = by(
        upstream.dismiss_merge, description="Nothing follows from it, also when it comes again."
    )
    mark_request_handled: HandleRequestResult = by(
        upstream.mark_request_handled,
        description="An administrator has dealt with an upstream request; `reason` says how.",
    )
    create_destination: ChangeDestinationResult = by(
        destinations.create_destination,
        description=(
            "Where customers are sent as they change; `syncDestination` sends all. `definition` is "
            "YAML. Secrets are encrypted, and never shown again. Administrators only, as all that "
            "is about destinations."
        ),
    )
    change_destination: ChangeDestinationResult = by(
        destinations.change_destination,
        description="Another definition, other secrets (all of them), or both.",
    )
    pause_destination: ChangeDestinationResult = by(
        destinations.pause_destination, description="What is due waits until it is resumed."
    )
    resume_destination: ChangeDestinationResult = by(destinations.resume_destination)
    sync_destination: ChangeDestinationResult = by(
        destinations.sync_destination,
        description="Look at every customer, and send what differs.",
    )
    delete_destination: DeleteDestinationResult = by(
        destinations.delete_destination,
        description="It is forgotten here; there nothing is deleted.",
    )
    send_again: SendAgainResult = by(
        destinations.send_again,
        description=(
            "Dead letters of a destination, as the customers are by now; all, or those of these "
            "`records`."
        ),
    )
    erase_at_destinations: EraseAtDestinationsResult = by(
        destinations.erase_at_destinations,
        description=(
            "Every destination erases what it holds of the customer, in its own terms, and is sent "
            "nothing of it afterwards."
        ),
    )
