"""Bounds and intervals of the use cases, in one place so that tests can make them smaller."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.settings import Settings


@dataclass(frozen=True, slots=True)
class RolloutLimits:
    """How a policy rollout goes through a space.

    It is taken for abandoned when it made no step for `lease_ms`. A process looks every
    `look_interval_s` for rollouts that nobody is at, counts the customers that are left every
    `count_interval_ms`, and reads the progress of a rollout that another process makes every
    `progress_interval_s`. The others bound what one step looks at; `customers_per_step` are
    resolved, while `bumped_per_step` only take over the version of the policy.
    """

    lease_ms: int = 15_000
    look_interval_s: float = 5.0
    progress_interval_s: float = 1.0
    count_interval_ms: int = 1_000
    identifiers_per_step: int = 2_000
    events_per_step: int = 500
    customers_per_step: int = 40
    bumped_per_step: int = 2_000


@dataclass(frozen=True, slots=True)
class DeferralLimits:
    """How what was put off is settled.

    After each component, `rest` times as long as it took goes to others. A component that cannot
    be settled is tried again after `retry_interval_s`, then later and later; every
    `look_interval_s` a process looks for what others have left.
    """

    rest: float = 3.0
    retry_interval_s: float = 1.0
    look_interval_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RetractionLimits:
    """How a retraction goes through the events of a source.

    The first three are as those of a policy rollout. One step looks at `events_per_page` events,
    those of other sources too; one transaction takes out or gives back at most
    `events_per_transaction`, or `links_per_transaction` links where these have many identifiers.
    `component_identifiers` may be connected with them: far more than a policy lets be resolved,
    since retracting junk is what frees a component that holds too many.
    """

    lease_ms: int = 15_000
    look_interval_s: float = 5.0
    progress_interval_s: float = 1.0
    events_per_page: int = 2_000
    events_per_transaction: int = 200
    links_per_transaction: int = 5_000
    component_identifiers: int = 100_000


@dataclass(frozen=True, slots=True)
class SpaceDeletionLimits:
    """How a space is deleted.

    The first three are as those of a policy rollout. One transaction deletes at most
    `nodes_per_step`, and of what an identifier is connected with ten times as many. The name is
    free after `keys_forgotten_ms` at the earliest: for so long a process may take a key for good,
    or keep a connection open with it.
    """

    lease_ms: int = 15_000
    look_interval_s: float = 5.0
    progress_interval_s: float = 1.0
    nodes_per_step: int = 1_000
    keys_forgotten_ms: int = 8_000


@dataclass(frozen=True, slots=True)
class RejectedLimits:
    """How many rejected events of a space are kept, of how many bytes together, and how long.

    Each process looks every `look_interval_s` for those that have become too old.
    """

    events: int = 10_000
    bytes: int = 64 * 1024 * 1024
    age_ms: int = 30 * 86_400_000
    look_interval_s: float = 600.0


@dataclass(frozen=True, slots=True)
class PollLimits:
    """How databases are read as sources.

    A process that reads one is taken for dead when it has recorded nothing for `lease_ms` beyond
    the time-out of a statement. Every `look_interval_s` a process looks which sources are due.
    """

    lease_ms: int = 60_000
    look_interval_s: float = 5.0


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """How profiles are computed.

    The first two are as those of a policy rollout. At most `customers_per_step` are read together,
    and `events_per_step` of theirs. A customer of more than `large_events` is computed at most
    every `large_interval_ms`, one of more than `most_events` not at all. Values that tick are
    stored anew after `ticks_interval_ms`. After a step of few customers more are waited for,
    `gather_s`.
    """

    lease_ms: int = 30_000
    look_interval_s: float = 1.0
    progress_interval_s: float = 1.0
    gather_s: float = 0.1
    customers_per_step: int = 500
    events_per_step: int = 50_000
    large_events: int = 10_000
    large_interval_ms: int = 60_000
    most_events: int = 100_000
    ticks_interval_ms: int = 3_600_000


@dataclass(frozen=True, slots=True)
class ActivationLimits:
    """How destinations are served.

    A process that serves one, or that has taken customers up for it, is taken for dead after
    `lease_ms`. Every `look_interval_s` a process looks which destinations have something to send;
    between two looks at one it waits `gather_s` for more, unless there is a full batch or a sync
    goes on, which marks `customers_marked` at a time. What was not taken for `give_up_ms` becomes a
    dead letter.
    """

    lease_ms: int = 60_000
    look_interval_s: float = 1.0
    gather_s: float = 1.0
    give_up_ms: int = 3 * 86_400_000
    customers_marked: int = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits.

    `spare_identifiers` may be loaded beyond the bound of one component, where several are
    resolved at once. A component of more than `prompt_identifiers` is not resolved while senders
    of its space wait. `blast_radius_identifiers` may be connected with the one whose blast radius
    is asked for: far more than a policy lets be resolved, since a value that connects too many is
    the first to be blocked. `shared_by_components` may be loaded to find who shared an identifier
    as of a moment. `cached_evidence_bytes` hold what is known of the identifiers and links of all
    spaces that were met last, some 50,000 people with two identifiers each. What sources send is
    counted in memory, and written every `source_counts_interval_s`.
    """

    spare_identifiers: int = 10_000
    prompt_identifiers: int = 1_000
    blast_radius_identifiers: int = 100_000
    shared_by_components: int = 200
    cached_evidence_bytes: int = 128 * 1024 * 1024
    source_counts_interval_s: float = 5.0
    rollout: RolloutLimits = RolloutLimits()
    deferred: DeferralLimits = DeferralLimits()
    retraction: RetractionLimits = RetractionLimits()
    space_deletion: SpaceDeletionLimits = SpaceDeletionLimits()
    poll: PollLimits = PollLimits()
    rejected: RejectedLimits = RejectedLimits()
    profiles: ProfileLimits = ProfileLimits()
    activation: ActivationLimits = ActivationLimits()

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """With those that an operator may set."""
        rejected = RejectedLimits(
            events=settings.rejected_events,
            bytes=settings.rejected_bytes,
            age_ms=round(settings.rejected_days * 86_400_000),
        )
        return cls(rejected=rejected)


DEFAULT_LIMITS = Limits()
