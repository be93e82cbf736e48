"""Records as JSON objects: what `--json` prints, under the names that GraphQL has.

What is the same in both, a test asks of both and compares.
"""

from __future__ import annotations

import json
from typing import Any

from identity_service.domain.explain.explanation import Decision
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement, Detachment
from identity_service.domain.preview.report import (
    CustomerDifference,
    DecidingLink,
    Preview,
    PreviewSummary,
)
from identity_service.domain.profiles.comparison import AudienceDifference, FeatureDifference
from identity_service.domain.profiles.definitions import Of
from identity_service.domain.profiles.recorded import Member, RecordedMembershipChange
from identity_service.domain.profiles.values import json_text
from identity_service.domain.recorded import (
    DecidedLink,
    LinkDecision,
    PolicyVersion,
    ProfilesVersion,
    RecordedChange,
    RecordedRejection,
    RolloutProgress,
    SeenIdentifier,
)
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.retractions import RetractionProgress
from identity_service.domain.scoring.score import EventCounts, Score
from identity_service.domain.sources import RulesVersion, Source, SourceStatistics
from identity_service.domain.timestamps import iso
from identity_service.domain.upstream import RecordedNotice
from identity_service.graph.keys import identifier_of
from identity_service.services.preview.profile_previews import ProfilesPreview
from identity_service.services.preview.retraction_previews import RetractionPreview
from identity_service.services.preview.rule_previews import ReadEvent, RulesPreview
from identity_service.services.read.explanations import ExplainedPair
from identity_service.services.write.rejected_events import Resent


def identifier(named: Identifier | SeenIdentifier) -> dict[str, Any]:
    """`Identifier`: its type and value."""
    return {"type": named.type, "value": named.value}


def score(policy: str, found: Score) -> dict[str, Any]:
    """The score of a policy, named as it was given."""
    return {
        "policy": policy,
        "people": found.people,
        "peopleSplit": found.people_split,
        "customersOfTwo": found.customers_of_two,
        "events": event_counts(found.events),
        "anonymousEvents": event_counts(found.anonymous_events),
        "suggested": found.suggested,
        "suggestions": [
            {
                "a": identifier(each.a),
                "b": identifier(each.b),
                "person": each.person,
                "events": each.events,
                "moved": each.moved,
                "reason": each.reason,
            }
            for each in found.suggestions
        ],
    }


def event_counts(events: EventCounts) -> dict[str, int]:
    """Events by whether they reach the right person."""
    return {"right": events.right, "wrong": events.wrong, "nobody": events.nobody}


def change(recorded: RecordedChange) -> dict[str, Any]:
    """`Change`."""
    # Strawberry, which comes with it, takes a tenth of a second.
    from identity_service.api.graphql.ledger import cursor_of

    return {
        "cursor": cursor_of(recorded),
        "kind": recorded.kind.value,
        "at": iso(recorded.at),
        "customerId": recorded.customer_id,
        "otherCustomerId": recorded.other_customer_id,
        "identifiers": [identifier(identifier_of(key)) for key in recorded.identifier_keys],
        "cause": recorded.cause,
        "policyVersion": recorded.policy_version,
    }


def judgement(made: AnyJudgement) -> dict[str, Any]:
    """`Judgement`."""
    return {
        "id": made.id,
        "verdict": made.verdict.name,
        "a": identifier(made.a),
        "b": None if made.b is None else identifier(made.b),
        "event": {"messageId": made.message_id} if isinstance(made, Detachment) else None,
        "author": made.author,
        "reason": made.reason,
        "madeAt": iso(made.made_at),
        "withdrawnAt": None if made.withdrawn_at is None else iso(made.withdrawn_at),
        "withdrawnBy": made.withdrawn_by,
        "withdrawnReason": made.withdrawn_reason,
    }


def upstream_merge(found: RecordedNotice) -> dict[str, Any]:
    """`UpstreamMerge`."""
    kept, merged = map(identifier, found.notice.identifiers)
    named = {"kept": kept, "merged": merged}
    return {**_notice(found), **named, **_decided(found), "judgementId": found.judgement}


def upstream_request(found: RecordedNotice) -> dict[str, Any]:
    """`UpstreamRequest`."""
    about = {
        "kind": found.notice.kind.value,
        "identifiers": [identifier(each) for each in found.notice.identifiers],
    }
    return {**_notice(found), **about, **_decided(found)}


def _notice(found: RecordedNotice) -> dict[str, Any]:
    at = found.notice.at
    return {
        "id": found.id,
        "source": found.source,
        "topic": found.notice.topic,
        "reportedAt": None if at is None else iso(at),
        "receivedAt": iso(found.received_at),
    }


def _decided(found: RecordedNotice) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "decidedAt": None if found.decided_at is None else iso(found.decided_at),
        "decidedBy": found.decided_by,
        "reason": found.reason,
    }


def retraction(found: RetractionProgress) -> dict[str, Any]:
    """`Retraction`."""
    return {
        "id": found.id,
        "source": found.source,
        "from": iso(found.begin),
        "until": iso(found.until),
        "author": found.author,
        "reason": found.reason,
        "madeAt": iso(found.made_at),
        "withdrawnAt": None if found.withdrawn_at is None else iso(found.withdrawn_at),
        "withdrawnBy": found.withdrawn_by,
        "withdrawnReason": found.withdrawn_reason,
        "events": found.events,
        "skipped": found.skipped,
        "share": found.share,
        "done": found.done,
    }


def source(found: Source) -> dict[str, Any]:
    """`Source`."""
    return {
        "name": found.name,
        "spaces": list(found.spaces),
        "region": found.region,
        "snowplowAppId": found.snowplow_app_id,
        "createdAt": iso(found.created_at),
        "pausedAt": None if found.paused_at is None else iso(found.paused_at),
        "pausedBy": found.paused_by,
        "eventsPerSecond": found.events_per_s,
        "rulesVersion": found.rules_version,
        "vendor": None if found.vendor is None else found.vendor.upper(),
        "lastSeenAt": None if found.last_seen is None else iso(found.last_seen),
        "keys": [
            {
                "createdAt": iso(key.created_at),
                "goodUntil": None if key.good_until is None else iso(key.good_until),
            }
            for key in found.keys
        ],
    }


def source_statistics(found: SourceStatistics) -> dict[str, Any]:
    """`SourceStatistics`."""
    mean, longest = found.mean_lag_ms, found.longest_lag_ms
    return {
        "received": found.received,
        "accepted": found.accepted,
        "known": found.known,
        "dropped": found.dropped,
        "rejected": [{"code": code, "events": number} for code, number in found.rejected.items()],
        "collisions": found.collisions,
        "meanLagSeconds": None if mean is None else mean / 1_000,
        "longestLagSeconds": None if longest is None else longest / 1_000,
    }


def rules_version(found: RulesVersion) -> dict[str, Any]:
    """`ReadingRules`."""
    return {
        "version": found.version,
        "text": found.text,
        "createdAt": iso(found.created_at),
        "author": found.author,
    }


def rules_preview(found: RulesPreview) -> dict[str, Any]:
    """`RulesPreview`."""
    return {
        "events": found.events,
        "differences": [
            {
                "messageId": each.message_id,
                "before": _read_event(each.before),
                "after": _read_event(each.after),
            }
            for each in found.differences
        ],
    }


def _read_event(found: ReadEvent | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "name": found.name,
        "identifiers": [identifier(each) for each in found.identifiers],
        "at": iso(found.at),
    }


def rejected_event(found: RecordedRejection) -> dict[str, Any]:
    """`RejectedEvent`."""
    return {
        "id": found.id,
        "messageId": found.message_id,
        "receivedAt": iso(found.received_at),
        "source": found.source,
        "code": found.code,
        "message": found.message,
        "body": None if found.body_json is None else json.loads(found.body_json),
    }


def resent(found: Resent) -> dict[str, Any]:
    """`RejectedEventsResent`."""
    return {
        "accepted": list(found.accepted),
        "refused": [
            {"id": each.id, "code": each.code, "message": each.message} for each in found.refused
        ],
        "gone": list(found.gone),
    }


def retraction_preview(found: RetractionPreview) -> dict[str, Any]:
    """`RetractionPreview`."""
    comparison = found.comparison
    return {
        "events": found.events,
        "more": found.more,
        "identifiers": found.identifiers,
        "unseen": found.unseen,
        "links": found.links,
        "customers": None if comparison is None else preview(comparison.preview),
        "message": found.message,
    }


def link(decided: DecidedLink | DecidingLink) -> dict[str, Any]:
    """`Link`; `sources` only of a link that was read with them."""
    sources = {"sources": list(decided.sources)} if isinstance(decided, DecidedLink) else {}
    return {
        "a": identifier(decided.a),
        "b": identifier(decided.b),
        "firstSeen": iso(decided.first_seen),
        "lastSeen": iso(decided.last_seen),
        "timesSeen": decided.times_seen,
        **sources,
        "decision": _decision(decided.decision),
    }


def _decision(made: Decision | LinkDecision) -> dict[str, Any]:
    return {
        "joined": made.joined,
        "reason": made.reason.value if made.reason else None,
        "type": made.type,
        "conflict": [identifier(each) for each in made.conflict],
        "message": made.message,
    }


def explanation(found: ExplainedPair) -> dict[str, Any]:
    """`Explanation`; `a` and `b` also have the id of their customer."""
    return {
        "sameCustomer": found.same_customer,
        "message": found.message,
        "a": identifier(found.a) | {"customerId": found.customer_a},
        "b": identifier(found.b) | {"customerId": found.customer_b},
        "path": [link(each) for each in found.path],
        "refusals": [link(each) for each in found.refusals],
        "judgement": judgement(found.judgement) if found.judgement else None,
    }


def preview(found: Preview) -> dict[str, Any]:
    """The summary and all differences of a `PolicyPreview`."""
    return {
        "summary": summary(found.summary),
        "differences": [difference(each) for each in found.differences],
    }


def summary(numbers: PreviewSummary) -> dict[str, int]:
    """`PreviewSummary`."""
    return {
        "customersBefore": numbers.customers_before,
        "customersAfter": numbers.customers_after,
        "unchanged": numbers.unchanged,
        "kindChanged": numbers.kind_changed,
        "merged": numbers.ledger[ChangeKind.MERGED],
        "split": numbers.ledger[ChangeKind.SPLIT],
        "created": numbers.ledger[ChangeKind.CREATED],
        "quarantined": numbers.ledger[ChangeKind.QUARANTINED],
        "released": numbers.ledger[ChangeKind.RELEASED],
        "identifiersMoved": numbers.identifiers_moved,
        "identifiersBlocked": numbers.identifiers_blocked,
        "overConnected": numbers.over_connected,
        "differences": numbers.differences.total(),
    }


def difference(found: CustomerDifference) -> dict[str, Any]:
    """`CustomerDifference`."""
    return {
        "kind": found.kind.value,
        "before": [[identifier(each) for each in some] for some in found.before],
        "after": [[identifier(each) for each in some] for some in found.after],
        "customerIds": list(found.customer_ids),
        "decidingLinks": [link(each) for each in found.deciding_links],
    }


def policy(version: PolicyVersion) -> dict[str, Any]:
    """`Policy` without its text."""
    return {
        "version": version.version,
        "createdAt": iso(version.created_at),
        "author": version.author,
        "note": version.note,
    }


def profiles_version(version: ProfilesVersion) -> dict[str, Any]:
    """`ProfilesText` without its text."""
    return {
        "version": version.version,
        "appliedAt": iso(version.applied_at),
        "author": version.author,
        "reason": version.reason,
    }


def membership_change(found: RecordedMembershipChange) -> dict[str, Any]:
    """`MembershipChange`."""
    from identity_service.api.graphql.audiences import cursor_of

    return {
        "cursor": cursor_of(found),
        "audience": found.audience,
        "version": found.version,
        **member_ids(found),
        "change": found.change.name,
        "at": iso(found.at),
        "cause": found.cause.value,
        "causeRef": found.cause_ref,
        "fromCustomer": found.from_customer,
        "first": found.first,
        "startsCampaigns": found.starts_campaigns,
    }


def member_ids(found: Member | RecordedMembershipChange) -> dict[str, str | None]:
    """Of a member of an audience, which is a customer or an account."""
    ids = {Of.CUSTOMERS: "customerId", Of.ACCOUNTS: "accountId"}
    return {name: found.member_id if found.of is of else None for of, name in ids.items()}


def profiles_preview(found: ProfilesPreview) -> dict[str, Any]:
    """`ProfilesPreview`; samples are ids of customers, or of accounts."""
    of_accounts = found.of_accounts
    return {
        "customers": found.customers,
        "skipped": found.skipped,
        "audiences": list(map(_audience_difference, found.audiences)),
        "features": [_feature_difference(each, "customerId") for each in found.features],
        "ofAccounts": {
            "accounts": of_accounts.accounts,
            "skipped": of_accounts.skipped,
            "audiences": list(map(_audience_difference, of_accounts.audiences)),
            "features": [_feature_difference(each, "accountId") for each in of_accounts.features],
        },
        "warnings": [{"path": each.path, "message": each.message} for each in found.warnings],
    }


def _audience_difference(found: AudienceDifference) -> dict[str, Any]:
    return {
        "name": found.name,
        "before": found.before,
        "after": found.after,
        "enter": found.enter,
        "leave": found.leave,
        "sample": list(found.sample),
        "entering": list(found.entering),
        "leaving": list(found.leaving),
    }


def _feature_difference(found: FeatureDifference, id_name: str) -> dict[str, Any]:
    return {
        "name": found.name,
        "changed": found.changed,
        "sample": [
            {id_name: each.id, "before": _plain(each.before), "after": _plain(each.after)}
            for each in found.sample
        ],
    }


def _plain(value: Any) -> Any:
    """A value of a feature as JSON that Python's library writes."""
    return json.loads(json_text(value))


def rollout(progress: RolloutProgress) -> dict[str, Any]:
    """`Settlement`."""
    return {
        "policyVersion": progress.policy_version,
        "customersToSettle": progress.customers_to_settle,
        "settled": progress.settled,
        "done": progress.done,
    }
