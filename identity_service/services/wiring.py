"""The use cases over one database, each made once for a process."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from pydantic import SecretStr

from identity_service.domain.profiles.recorded import RecordedMembershipChange
from identity_service.domain.recorded import RecordedChange
from identity_service.graph.access import AccessStore
from identity_service.graph.accounts import AccountReader
from identity_service.graph.copies import CopyReader
from identity_service.graph.customers import CustomerReader
from identity_service.graph.database import Database
from identity_service.graph.destinations import DestinationStore
from identity_service.graph.detachments import DetachmentStore
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.exports import ExportReader
from identity_service.graph.feature_search import FeatureSearchReader
from identity_service.graph.history import HistoryReader
from identity_service.graph.inboxes import InboxReader
from identity_service.graph.journeys import JourneyReader
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.ledger import LedgerReader
from identity_service.graph.links import LinkReader
from identity_service.graph.memberships import MembershipReader
from identity_service.graph.mirrors import MirrorStore
from identity_service.graph.mpids import MpidStore
from identity_service.graph.policies import PolicyStore
from identity_service.graph.polls import PollStore
from identity_service.graph.profile_events import ProfileEventReader
from identity_service.graph.profile_evidence import ProfileEvidenceReader
from identity_service.graph.profile_texts import ProfileTextStore
from identity_service.graph.profiles import ProfileStore
from identity_service.graph.rejected import RejectedStore
from identity_service.graph.replays import ReplayStore
from identity_service.graph.retractions import RetractionStore
from identity_service.graph.rollouts import RolloutStore
from identity_service.graph.search import SearchReader
from identity_service.graph.snapshot import SnapshotReader
from identity_service.graph.sources import SourceStore
from identity_service.graph.space_deletions import SpaceDeletionStore
from identity_service.graph.spaces import SpaceStore
from identity_service.graph.stored_profiles import StoredProfileReader
from identity_service.graph.upstream import UpstreamStore
from identity_service.graph.webhooks import WebhookStore
from identity_service.services.activation.channels import Channels
from identity_service.services.activation.customer_states import CustomerStates
from identity_service.services.activation.destinations import Destinations
from identity_service.services.activation.engine import ActivationEngine
from identity_service.services.activation.guard import AddressGuard
from identity_service.services.changes.feed import Feed
from identity_service.services.changes.ledger import Ledger
from identity_service.services.export.export import Exporter
from identity_service.services.export.space_copy import SpaceCopier
from identity_service.services.export.training_set import TrainingSets
from identity_service.services.imports.polls import Polls
from identity_service.services.journeys.journeys import Journeys
from identity_service.services.kit.clock import Clock, Ids, system_clock
from identity_service.services.kit.vault import Vault
from identity_service.services.limits import DEFAULT_LIMITS, Limits
from identity_service.services.preview.blast_radius import BlastRadius
from identity_service.services.preview.judgement_previews import JudgementPreviews
from identity_service.services.preview.previews import Previews
from identity_service.services.preview.profile_previews import ProfilePreviews
from identity_service.services.preview.retraction_previews import RetractionPreviews
from identity_service.services.preview.rule_previews import RulePreviews
from identity_service.services.profiles.account_batches import AccountBatches
from identity_service.services.profiles.batches import Batches
from identity_service.services.profiles.check import ProfileChecks
from identity_service.services.profiles.worker import ProfileWorker
from identity_service.services.read.account_profiles import AccountProfiles
from identity_service.services.read.accounts import Accounts
from identity_service.services.read.as_of.component_walk import HistoricalComponents
from identity_service.services.read.as_of.view import HistoricalReads
from identity_service.services.read.audiences import Audiences
from identity_service.services.read.current import CurrentReads
from identity_service.services.read.customer_profiles import CustomerProfiles
from identity_service.services.read.customers import Customers
from identity_service.services.read.explanations import Explanations
from identity_service.services.read.inboxes import Inboxes
from identity_service.services.read.live import LiveResolution
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.read.search import Search
from identity_service.services.resolution.component_resolver import ComponentResolver
from identity_service.services.spaces.access import Access
from identity_service.services.spaces.access_tokens import AccessTokens
from identity_service.services.spaces.deletions import SpaceDeletions
from identity_service.services.spaces.keys import Keys
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfileTexts
from identity_service.services.spaces.sources import Sources
from identity_service.services.spaces.spaces import Spaces
from identity_service.services.spaces.webhooks import Webhooks
from identity_service.services.write.corrections import Corrections
from identity_service.services.write.deferred_settlement import DeferredSettlement
from identity_service.services.write.detachments import Detachments
from identity_service.services.write.event_batch import BatchWriter
from identity_service.services.write.evidence_cache import EvidenceCache
from identity_service.services.write.intake import Ingest
from identity_service.services.write.judgements import Judgements
from identity_service.services.write.lanes import Writers
from identity_service.services.write.notice_recorder import NoticeRecorder
from identity_service.services.write.policy_rollout import PolicyRollout
from identity_service.services.write.property_names import PropertyNames
from identity_service.services.write.rejected_events import RejectedEvents
from identity_service.services.write.rejected_retention import RejectedRetention
from identity_service.services.write.repair import Repair
from identity_service.services.write.repeats import RepeatWriter
from identity_service.services.write.replays import Replays
from identity_service.services.write.retraction_steps import RetractionSteps
from identity_service.services.write.retractions import Retractions
from identity_service.services.write.rollout_phases import RolloutPhases
from identity_service.services.write.settler import Settler
from identity_service.services.write.source_counts import SourceCounts
from identity_service.services.write.space_locks import SpaceLocks
from identity_service.services.write.upstream import UpstreamNotices
from identity_service.settings import Settings, parse_networks


@dataclass(frozen=True, slots=True)
class Reach:
    """Where destinations may be: networks that are not public, and what files are written below."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    files: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        """As the operator has set it."""
        return cls(parse_networks(settings.destination_networks), settings.destination_files)


@dataclass(frozen=True, slots=True)
class UseCases:
    """All that the API and the command line can have done. To be closed."""

    access: Access
    access_tokens: AccessTokens
    spaces: Spaces
    space_deletions: SpaceDeletions
    keys: Keys
    sources: Sources
    ingest: Ingest
    rule_previews: RulePreviews
    rejected: RejectedEvents
    replays: Replays
    rejected_retention: RejectedRetention
    source_counts: SourceCounts
    deferred: DeferredSettlement
    customers: Customers
    accounts: Accounts
    mpids: MpidStore
    explanations: Explanations
    previews: Previews
    ledger: Ledger
    following: Feed[RecordedChange]
    following_memberships: Feed[RecordedMembershipChange]
    blast_radius: BlastRadius
    judgement_previews: JudgementPreviews
    inboxes: Inboxes
    journeys: Journeys
    judgements: Judgements
    retractions: Retractions
    retraction_previews: RetractionPreviews
    policy_rollout: PolicyRollout
    repair: Repair
    exporting: Exporter
    training_sets: TrainingSets
    copying: SpaceCopier
    webhooks: Webhooks
    upstream: UpstreamNotices
    polls: Polls
    profile_texts: ProfileTexts
    account_profiles: AccountProfiles
    customer_profiles: CustomerProfiles
    audiences: Audiences
    search: Search
    profile_previews: ProfilePreviews
    profiles: ProfileWorker
    profile_checks: ProfileChecks
    destinations: Destinations
    activation: ActivationEngine

    async def finish(self) -> None:
        """As `close`, when all that was put off is settled too."""
        try:
            await self.ingest.close()
            await self.deferred.settle_all()
            await self.rejected_retention.done()
            await self.profiles.done()
        finally:
            await self.close()

    async def close(self) -> None:
        """End what runs in the background, then write what waits; the one even if the other fails.

        Raises what failed.
        """
        async with AsyncExitStack() as ending:
            for each in (
                self.profiles,
                self.deferred,
                self.rejected_retention,
                self.source_counts,
                self.ingest,
                self.policy_rollout,
                self.retractions,
                self.space_deletions,
                self.polls,
                self.activation,
            ):
                ending.push_async_callback(each.close)  # the last one first


def assemble(
    database: Database,
    max_queue: int,
    *,
    clock: Clock = system_clock,
    preview_timeout: float | None = None,
    secrets_key: SecretStr | None = None,
    limits: Limits = DEFAULT_LIMITS,
    reach: Reach = Reach(),
) -> UseCases:
    """The use cases over an open database; at most `max_queue` events may wait to be written.

    `preview_timeout`: seconds that a preview may take, None for any time. `secrets_key` is that of
    the settings, and so is `reach`.
    """
    ids, locks = Ids(clock), SpaceLocks()
    ledger_reader, judgement_store = LedgerReader(database), JudgementStore(database)
    following, membership_reader = Feed(ledger_reader), MembershipReader(database)
    following_memberships = Feed(membership_reader)
    keys, policy_store = AccessStore(database), PolicyStore(database)
    access, policies = Access(keys), Policies(policy_store)
    worker = ids("wrk")
    profile_texts = ProfileTexts(ProfileTextStore(database), clock)
    history_reader, profile_reader = HistoryReader(database), ProfileEvidenceReader(database)
    profile_evidence = ProfileEvidence(profile_reader, ProfileEventReader(database), history_reader)
    profile_store = ProfileStore(database, worker, following_memberships.wake)
    computing = policies, profile_reader, profile_evidence, profile_store, clock
    profiles = ProfileWorker(
        access,
        profile_texts,
        policy_store,
        Batches(*computing, limits.profiles),
        AccountBatches(*computing, limits.profiles),
        profile_store,
        clock,
        limits.profiles,
    )
    evidence = EvidenceStore(database, following.wake, profiles.wake)
    vault = Vault(secrets_key)
    resolver = ComponentResolver(evidence, limits)
    detachment_store = DetachmentStore(database)
    corrections = Corrections(evidence, detachment_store)
    detachments = Detachments(detachment_store, corrections)
    retraction_store = RetractionStore(database, worker)
    settler = Settler(evidence, resolver, policies, locks, clock, ids)
    retraction_steps = RetractionSteps(retraction_store, corrections, settler, limits.retraction)
    retractions = Retractions(
        access,
        retraction_store,
        policies,
        policy_store,
        retraction_steps,
        clock,
        ids,
        limits.retraction,
    )
    customer_reader, link_reader = CustomerReader(database), LinkReader(database)
    space_store = SpaceStore(database)
    inbox_reader = InboxReader(database)
    deferred = DeferredSettlement(access, policy_store, policies, customer_reader, settler, limits)
    property_names, cache = PropertyNames(evidence), EvidenceCache(limits.cached_evidence_bytes)
    ledger = Ledger(ledger_reader, judgement_store)
    live = LiveResolution(evidence, judgement_store, resolver)
    walk = ExportReader(database)
    spaces = Spaces(keys, space_store, access, clock)
    source_store, rejected_store = SourceStore(database), RejectedStore(database)
    upstream_store = UpstreamStore(database)
    rejected_retention = RejectedRetention(rejected_store, clock, ids, limits.rejected)
    source_counts = SourceCounts(source_store, limits.source_counts_interval_s)
    ingest = Ingest(
        Writers(
            evidence,
            RepeatWriter(evidence, policies, property_names, cache, clock),
            BatchWriter(evidence, settler, deferred, property_names, cache, source_counts),
            rejected_retention,
            source_counts,
        ),
        NoticeRecorder(upstream_store, ids),
        max_queue,
    )
    customers = Customers(
        CurrentReads(
            customer_reader,
            space_store,
            link_reader,
            inbox_reader,
            ledger,
            policies,
            live,
            profile_evidence,
            clock,
        ),
        HistoricalReads(
            history_reader,
            HistoricalComponents(history_reader),
            customer_reader,
            ledger,
            profile_evidence,
            limits.shared_by_components,
        ),
    )
    destination_store = DestinationStore(database, worker)
    channels = Channels(vault, AddressGuard(reach.networks), reach.files, clock)
    activation = ActivationEngine(
        access,
        destination_store,
        CustomerStates(customers, destination_store, clock),
        channels,
        clock,
        limits.activation,
    )
    judgements = Judgements(
        evidence, judgement_store, policy_store, policies, settler, detachments, clock, ids
    )
    return UseCases(
        access=access,
        access_tokens=AccessTokens(access, vault, clock),
        spaces=spaces,
        space_deletions=SpaceDeletions(
            SpaceDeletionStore(database, worker), access, clock, limits.space_deletion
        ),
        keys=Keys(keys, access),
        sources=Sources(source_store, access, clock),
        rule_previews=RulePreviews(source_store),
        ingest=ingest,
        rejected=RejectedEvents(rejected_store, source_store, access, policies, ingest),
        replays=Replays(ReplayStore(database), access, ingest),
        rejected_retention=rejected_retention,
        source_counts=source_counts,
        deferred=deferred,
        customers=customers,
        accounts=Accounts(AccountReader(database)),
        mpids=MpidStore(database),
        explanations=Explanations(link_reader),
        previews=Previews(SnapshotReader(database), policy_store, customers, preview_timeout),
        ledger=ledger,
        following=following,
        following_memberships=following_memberships,
        audiences=Audiences(profile_texts, membership_reader, FeatureSearchReader(database)),
        search=Search(SearchReader(database), customers),
        blast_radius=BlastRadius(evidence, policy_store, limits.blast_radius_identifiers),
        judgement_previews=JudgementPreviews(
            evidence, policy_store, detachments, resolver, clock, preview_timeout
        ),
        inboxes=Inboxes(inbox_reader, customers),
        journeys=Journeys(JourneyReader(database), policies, profile_texts, spaces, clock),
        judgements=judgements,
        retractions=retractions,
        retraction_previews=RetractionPreviews(
            retractions, retraction_steps, policy_store, resolver, preview_timeout
        ),
        policy_rollout=PolicyRollout(
            access,
            SpaceStore(database),
            RolloutStore(database, worker),
            policies,
            RolloutPhases(policy_store, settler, locks, limits),
            clock,
            limits.rollout,
        ),
        repair=Repair(evidence, policy_store, settler),
        exporting=Exporter(walk, spaces, profile_texts, StoredProfileReader(database), clock),
        training_sets=TrainingSets(profile_texts, policies, customers, profile_evidence),
        copying=SpaceCopier(CopyReader(database), walk),
        webhooks=Webhooks(WebhookStore(database), access, vault, clock),
        upstream=UpstreamNotices(upstream_store, judgements, clock),
        polls=Polls(
            access,
            source_store,
            ingest,
            PollStore(database, worker),
            MirrorStore(database),
            clock,
            limits.poll,
        ),
        profile_texts=profile_texts,
        account_profiles=AccountProfiles(profile_texts, policies, profile_evidence, clock),
        customer_profiles=CustomerProfiles(profile_texts, StoredProfileReader(database), clock),
        profile_previews=ProfilePreviews(
            walk, profile_evidence, profile_texts, policies, clock, preview_timeout
        ),
        profiles=profiles,
        profile_checks=ProfileChecks(profile_texts, *computing),
        destinations=Destinations(
            destination_store, channels, activation, customers, profile_texts, clock
        ),
        activation=activation,
    )
