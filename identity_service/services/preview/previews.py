"""Previews: what another policy would change in a space. Nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import parse_policy, parse_stored_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.reinstatement import observed_again
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.preview import PreviewRun
from identity_service.domain.preview.report import CustomerDifference, DecidingLink, Preview
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.recorded import DecidedLink, SeenIdentifier
from identity_service.domain.resolution.subgraph import NewEvidence, Span
from identity_service.domain.scoring.score import Score, Scoring
from identity_service.domain.scoring.truth import LabelledPair, PersonEvent, truth_of_pairs
from identity_service.graph.keys import identifier_key
from identity_service.graph.policies import PolicyStore
from identity_service.graph.snapshot import SnapshotReader
from identity_service.services.preview.time_limit import in_time
from identity_service.services.read.customers import Customers
from identity_service.services.read.presenters import identifier_kind, link_decision
from identity_service.services.spaces.access import SpaceScope

MAX_KEPT: Final = 8
"""Previews that are kept for their next pages, the latest asked for."""

KEEP_S: Final = 60.0
"""Milliseconds for which a preview is kept, if no customer changes before."""

_EVENTS_AT_ONCE: Final = 5_000
"""Events that are looked at in one reading for what was withheld from them."""

_AT_ONCE: Final = 2
"""Spaces of this process that are read at a time: a large one takes hundreds of megabytes."""

Step: TypeAlias = Literal["reading", "comparing"]

Progress: TypeAlias = Callable[[Step, int, int | None], None]
"""Called with the step, how many are done, and of how many (None: not known)."""


def no_progress(_step: Step, _done: int, _of: int | None) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """What a policy would change, and the text of that policy."""

    policy_text: str
    policy: Policy
    preview: Preview


@dataclass(frozen=True, slots=True)
class PairScore:
    """The score of a policy on labelled pairs.

    `unscored`: identifiers of the pairs that are in no customer that could be looked at. They were
    never seen, the policy blocks them, or their component is too large to be resolved.
    """

    score: Score
    unscored: Sequence[Identifier]


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A difference with identifiers and links as they are shown."""

    difference: CustomerDifference
    before: Sequence[Sequence[SeenIdentifier]]
    after: Sequence[Sequence[SeenIdentifier]]
    deciding_links: Sequence[DecidedLink]


class Previews:
    """Compares whole spaces with what policies would make of them.

    The comparing is done in a thread, some thousand identifiers at a time, so that the loop that
    serves others goes on.
    """

    def __init__(
        self,
        reader: SnapshotReader,
        policy_store: PolicyStore,
        customers: Customers,
        timeout: float | None,
    ) -> None:
        self._reader = reader
        self._policy_store = policy_store
        self._customers = customers
        self._timeout = timeout
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._spaces: dict[str, asyncio.Lock] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def preview(
        self, scope: SpaceScope, text: str, progress: Progress = no_progress
    ) -> PolicyPreview:
        """What putting a policy in force would change. Raises PolicyInvalid, and Unavailable.

        It is exact if nothing arrives while the space is read, which one page after the other
        is; what does arrive is seen in part or not at all. Kept for the next page until a
        customer, a judgement or the policy changes, at most KEEP_S.
        """
        policy = parse_policy(text)
        async with self._spaces.setdefault(scope.space, asyncio.Lock()):
            state = await self._reader.state(scope.space)
            kept = self._kept.get((scope.space, text))
            if kept and kept.state == state and time.monotonic() < kept.until:
                self._kept.move_to_end((scope.space, text))
                return kept.preview
            found = PolicyPreview(text, policy, await self.compare(scope, policy, progress))
            self._keep((scope.space, text), _Kept(state, time.monotonic() + KEEP_S, found))
            return found

    async def compare(
        self, scope: SpaceScope, policy: Policy, progress: Progress = no_progress
    ) -> Preview:
        """As `preview`, of a policy without a text, and not kept."""
        async with self._room, in_time(self._timeout):
            return await self._compared(scope, policy, progress)

    async def check(self, scope: SpaceScope, progress: Progress = no_progress) -> Preview:
        """Where the settled customers are not what the policy in force makes of the evidence.

        What a first reading finds is looked for again in a second: something that was settled
        while the space was read is no difference.
        """
        policy = parse_stored_policy((await self._policy_store.in_force(scope.space)).text)
        found = await self.compare(scope, policy, progress)
        if found.changes_nothing:
            return found
        again = await self.compare(scope, policy, progress)
        return again.found_before(found)

    async def shown(
        self, scope: SpaceScope, found: PolicyPreview, differences: Sequence[CustomerDifference]
    ) -> list[ShownDifference]:
        """Differences with all that is shown of their identifiers and links."""
        links = [link for each in differences for link in each.deciding_links]
        named = {i for d in differences for some in (*d.before, *d.after) for i in some}
        named |= {i for link in links for i in (link.a, link.b, *link.decision.conflict)}
        keys = [identifier_key(scope.space, identifier) for identifier in named]
        view = self._customers.current(scope)
        seen = {each.identifier: each for each in await view.identifiers(keys)}
        sources = await self._reader.link_sources(scope.space, {(link.a, link.b) for link in links})
        showing = _Showing(scope.space, found, seen, sources)
        return [showing.difference(each) for each in differences]

    async def score(
        self,
        scope: SpaceScope,
        policy: Policy,
        pairs: Sequence[LabelledPair],
        progress: Progress = no_progress,
    ) -> PairScore:
        """How the customers that a policy would make compare with labelled pairs.

        The space is read as for a preview. Raises BadInput where the pairs contradict each other
        under the policy's spelling of values, and Unavailable.
        """
        async with self._room, in_time(self._timeout):
            return await self._scored(scope, policy, pairs, progress)

    async def _scored(
        self,
        scope: SpaceScope,
        policy: Policy,
        pairs: Sequence[LabelledPair],
        progress: Progress,
    ) -> PairScore:
        truth = truth_of_pairs(pairs, ValueRules(policy))
        labelled = sorted(truth.person_of)
        keys = [identifier_key(scope.space, identifier) for identifier in labelled]
        counts = await self._reader.event_counts(keys)
        events = {
            identifier: PersonEvent(truth.person_of[identifier], [identifier], counts.get(key, 0))
            for identifier, key in zip(labelled, keys, strict=True)
        }
        run = await self._read(scope, policy, progress)
        scoring, scored = Scoring(policy, truth), set[Identifier]()
        done = 0
        for group in run.groups:
            scored |= await asyncio.to_thread(_add_group, run, group, scoring, events)
            done += len(group.members) + len(group.withheld)
            progress("comparing", done, run.size)
        named = {identifier for pair in pairs for identifier in (pair.a, pair.b)}
        spelled = ValueRules(policy).identifier
        unscored = sorted(identifier for identifier in named if spelled(identifier) not in scored)
        return PairScore(await asyncio.to_thread(scoring.result), unscored)

    async def _compared(self, scope: SpaceScope, policy: Policy, progress: Progress) -> Preview:
        run = await self._read(scope, policy, progress)
        done = 0
        for group in run.groups:
            await asyncio.to_thread(run.compare, group)
            done += len(group.members) + len(group.withheld)
            progress("comparing", done, run.size)
        return run.result()

    async def _read(self, scope: SpaceScope, policy: Policy, progress: Progress) -> PreviewRun:
        snapshot = await self._reader.read(
            scope.space,
            lambda done: progress("reading", done, None),
            with_claims=bool(policy.limited_sources),
        )
        values = ValueRules(policy)
        new = await self._reinstated(scope, values)
        return await asyncio.to_thread(_begin, snapshot, new, policy, values)

    async def _reinstated(self, scope: SpaceScope, values: ValueRules) -> NewEvidence:
        """What events would observe that was withheld from them."""
        new = NewEvidence()
        last: str | None = ""
        while last is not None:
            last, page = await self._policy_store.withheld(scope.space, last, _EVENTS_AT_ONCE)
            for event in page:
                if again := observed_again(event, values):
                    new.add_to_event(
                        event.observed, again.besides, event.at, event.source, proven=event.proven
                    )
        return new

    def _keep(self, key: tuple[str, str], kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A preview, the state of the space that it was made of, and until when (monotonic)."""

    state: tuple[int, ...]
    until: float
    preview: PolicyPreview


def _begin(snapshot: Snapshot, new: NewEvidence, policy: Policy, values: ValueRules) -> PreviewRun:
    snapshot.reinstate(new)
    return PreviewRun(snapshot, policy, values)


def _add_group(
    run: PreviewRun, group: Group, scoring: Scoring, events: Mapping[Identifier, PersonEvent]
) -> set[Identifier]:
    """Take a group into a score. Returns the identifiers with a label in it."""
    members = {run.identifier(position) for position in group.members}
    found = members & events.keys()
    if found:
        settlement = run.settle(group)
        scoring.add(
            settlement.evidence,
            settlement.resolution,
            len(group.members),
            [events[identifier] for identifier in sorted(found)],
        )
    return found


_NEVER: Final = Span(0, 0)
"""When something was seen that was erased since the space was read."""


class _Showing:
    """Puts what is stored of identifiers and links to what was found of them."""

    def __init__(
        self,
        space: str,
        found: PolicyPreview,
        seen: dict[Identifier, SeenIdentifier],
        sources: dict[frozenset[Identifier], list[str]],
    ) -> None:
        self._space = space
        self._policy = found.policy
        self._reinstated = found.preview.reinstated
        self._seen = seen
        self._sources = sources

    def difference(self, each: CustomerDifference) -> ShownDifference:
        return ShownDifference(
            difference=each,
            before=[self._identifiers(some) for some in each.before],
            after=[self._identifiers(some) for some in each.after],
            deciding_links=[self._link(link) for link in each.deciding_links],
        )

    def _identifiers(self, some: Sequence[Identifier]) -> list[SeenIdentifier]:
        return [self._identifier(identifier) for identifier in some]

    def _identifier(self, identifier: Identifier) -> SeenIdentifier:
        """As it is in the graph; one that events would give back is not there yet."""
        if identifier in self._seen:
            return self._seen[identifier]
        span = self._reinstated.identifiers.get(identifier, _NEVER)
        return SeenIdentifier(
            key=identifier_key(self._space, identifier),
            type=identifier.type,
            value=identifier.value,
            first_seen=span.first,
            last_seen=span.last,
            contested=False,
            super_connector=False,
            kind=identifier_kind(identifier.type, self._policy),
        )

    def _link(self, link: DecidingLink) -> DecidedLink:
        sources = set(self._sources.get(frozenset((link.a, link.b)), ()))
        a, b = sorted((link.a, link.b))
        if reinstated := self._reinstated.links.get((a, b)):
            sources |= reinstated.sources
        decision = link.decision
        return DecidedLink(
            a=self._identifier(link.a),
            b=self._identifier(link.b),
            first_seen=link.first_seen,
            last_seen=link.last_seen,
            times_seen=link.times_seen,
            sources=sorted(sources),
            decision=link_decision(decision, self._identifiers(decision.conflict)),
        )
