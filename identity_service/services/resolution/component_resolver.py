"""Resolving components: what a decision rests on is loaded, and resolved with new evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.resolution.boundary import boundary_is_stable, boundary_unchanged
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.id_register import RegisteredId, standing
from identity_service.domain.resolution.resolve import Resolution, resolve
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    Correction,
    NewEvidence,
    ResolutionInput,
    StoredIdentifier,
    Subgraph,
    corrected,
    merge_evidence,
)
from identity_service.errors import TooLarge
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.resolution.subgraph_loader import beyond_the_walk, load_until_closed
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class Starts:
    """Known identifiers to begin at, by how the walk treats them."""

    plain: frozenset[Identifier] = frozenset()
    contested: frozenset[Identifier] = frozenset()
    super_connectors: frozenset[Identifier] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.plain or self.contested or self.super_connectors)

    @classmethod
    def of(
        cls, known: Mapping[Identifier, StoredIdentifier], others: Iterable[Identifier] = ()
    ) -> Starts:
        """Where to begin so that all these identifiers are resolved, also `others` if they exist.

        One identifier of each customer is enough, since the identifiers of a customer are
        connected.
        """
        plain: dict[str | Identifier, Identifier] = {other: other for other in others}
        contested: set[Identifier] = set()
        super_connectors: set[Identifier] = set()
        for identifier, stored in known.items():
            if stored.super_connector:
                super_connectors.add(identifier)
            elif stored.contested:
                contested.add(identifier)
            else:
                plain[stored.customer or identifier] = identifier
        return cls(frozenset(plain.values()), frozenset(contested), frozenset(super_connectors))


@dataclass(frozen=True, slots=True)
class ResolutionRequest:
    """What is to be resolved: all that is connected with `starts`, together with `new`.

    `withdrawn` is the id of a judgement to leave out. `correction` is what events lose; what is
    loaded with its identifiers is resolved without that. `returning` are identifiers of `new` that
    the graph holds as unseen. Unless `cross_boundary`, the walk ends at
    contested identifiers where it can be shown that nothing beyond them changes.
    """

    starts: Starts
    new: NewEvidence = field(default_factory=NewEvidence)
    withdrawn: str | None = None
    correction: Correction | None = None
    returning: Collection[Identifier] = ()
    cross_boundary: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """Components as they were loaded and resolved.

    `component_of` has the component of each identifier by its position in the evidence.
    `blocked` are identifiers that were left out, since the policy blocks them. `gone` are those
    that no event carries any more, each with its customer.
    """

    subgraph: Subgraph
    resolution_input: ResolutionInput
    resolution: Resolution
    component_of: list[int]
    blocked: list[Identifier]
    gone: Sequence[tuple[Identifier, str | None]] = ()


def too_much(limit: int) -> TooLarge:
    """The error where a component holds more identifiers than it may."""
    return TooLarge(
        f"More than {limit:,} identifiers are connected here.",
        remedy="Block the identifiers that have the most links.",
    )


class ComponentResolver:
    """Loads components of a space and resolves them. Writes nothing."""

    def __init__(self, store: EvidenceStore, spare_identifiers: int) -> None:
        """`spare_identifiers` may be loaded beyond the bound of one component, for several."""
        self._store = store
        self._spare_identifiers = spare_identifiers

    async def resolve(
        self, scope: SpaceScope, in_force: PolicyInForce, request: ResolutionRequest
    ) -> Resolved | None:
        """Resolve what a request names.

        None: a component holds more identifiers than the policy's `max_component`, or all
        components together hold so many that they must be resolved one by one.
        """
        if not request.cross_boundary and _may_end_at_contested(in_force.policy):
            resolved = await self._attempt(scope, in_force, request)
            if resolved:
                return resolved
        return await self._attempt(scope, in_force, replace(request, cross_boundary=True))

    async def _attempt(
        self, scope: SpaceScope, in_force: PolicyInForce, request: ResolutionRequest
    ) -> Resolved | None:
        policy, new = in_force.policy, request.new
        loaded = await self._load(scope, in_force, request)
        if loaded is None:
            return None
        # A customer of an older policy may hold what is blocked now, and the nodes at the
        # boundary may be contested or super-connectors by that policy only.
        outdated = loaded.settled_under is not None and loaded.settled_under < in_force.version
        if not request.cross_boundary and (outdated or not boundary_is_stable(loaded, new, policy)):
            return None
        blocked = _blocked(loaded, in_force.values) if outdated else []
        placed = _with_ids_that_stand_here(loaded, in_force, outdated=outdated)
        subgraph = _leave_out(placed, blocked, request.withdrawn)
        gone: list[tuple[Identifier, str | None]] = []
        if request.correction:
            nodes = subgraph.nodes
            subgraph = corrected(subgraph, request.correction)
            gone = [(i, nodes[i].customer) for i in sorted(subgraph.unseen) if i in nodes]
        subgraph = await self._with_ids_of(scope, request.returning, subgraph)

        def resolved() -> Resolved | None:
            resolution_input = merge_evidence(subgraph, new)
            component_of = components(resolution_input.evidence)
            if _largest(component_of) > policy.max_component:
                return None
            resolution = resolve(resolution_input.evidence, policy, resolution_input.outside)
            if not request.cross_boundary and not boundary_unchanged(
                subgraph, resolution_input, resolution, policy
            ):
                return None
            return Resolved(subgraph, resolution_input, resolution, component_of, blocked, gone)

        return await offload_if_large(len(subgraph.nodes), resolved)

    async def _with_ids_of(
        self, scope: SpaceScope, returning: Collection[Identifier], subgraph: Subgraph
    ) -> Subgraph:
        """The subgraph with the ids that were left at identifiers which no event carried."""
        if not returning:
            return subgraph
        found = await self._store.ids_anchored_at(scope.space, returning)
        return replace(subgraph, register=[*subgraph.register, *found])

    async def _load(
        self, scope: SpaceScope, in_force: PolicyInForce, request: ResolutionRequest
    ) -> Subgraph | None:
        starts, cross_boundary = request.starts, request.cross_boundary
        if not starts:
            return EMPTY_SUBGRAPH

        def missing(subgraph: Subgraph) -> set[Identifier]:
            # With `cross_boundary` a node counts as loaded only once it was walked itself.
            loaded = (
                subgraph.interior | subgraph.boundary.keys()
                if cross_boundary
                else subgraph.nodes.keys()
            )
            return beyond_the_walk(subgraph, _counts(subgraph, in_force)) - loaded

        return await load_until_closed(
            self._store,
            scope.space,
            in_force.policy,
            in_force.version,
            starts=starts.plain | starts.contested if cross_boundary else starts.plain,
            boundary=(
                starts.super_connectors
                if cross_boundary
                else starts.super_connectors | starts.contested
            ),
            cross_boundary=cross_boundary,
            most=in_force.policy.max_component + self._spare_identifiers,
            missing=missing,
        )


def _blocked(subgraph: Subgraph, values: ValueRules) -> list[Identifier]:
    return [i for i in subgraph.nodes if isinstance(values.identifier(i), WithheldValue)]


def _counts(subgraph: Subgraph, in_force: PolicyInForce) -> Callable[[Identifier], bool]:
    """What the policy lets through; what it settled itself does not have to be asked for again."""
    lets_through = in_force.values.lets_through
    if subgraph.settled_under != in_force.version:
        return lets_through
    return lambda identifier: identifier in subgraph.nodes or lets_through(identifier)


def _with_ids_that_stand_here(
    subgraph: Subgraph, in_force: PolicyInForce, *, outdated: bool
) -> Subgraph:
    """The subgraph with the anchors at which ids stand, and only ids that these customers need.

    What falls back in an `outdated` subgraph is written as if it forwarded to nobody: whoever
    takes the blocked anchor out takes that away too.
    """
    stands = standing(subgraph.register, _counts(subgraph, in_force))
    found: list[RegisteredId] = []
    for entry, placed in zip(subgraph.register, stands, strict=True):
        if placed.id in subgraph.revisions or placed.anchor in subgraph.nodes:
            moved = placed.anchor != entry.anchor
            found.append(replace(placed, forwards_to=None) if moved and outdated else placed)
    return replace(subgraph, register=found)


def _leave_out(
    subgraph: Subgraph, identifiers: Iterable[Identifier], judgement: str | None
) -> Subgraph:
    """The subgraph without these nodes and without the judgement of this id."""
    gone = frozenset(identifiers)
    if not gone and judgement is None:
        return subgraph
    return replace(
        subgraph,
        nodes={i: node for i, node in subgraph.nodes.items() if i not in gone},
        judgements=[made for made in subgraph.judgements if made.id != judgement],
    )


def _largest(component_of: list[int]) -> int:
    return max(Counter(component_of).values(), default=0)


def _may_end_at_contested(policy: Policy) -> bool:
    """Whether a subgraph may end at contested identifiers under this policy.

    It may not with dominance, which counts the sightings of all owners; nor where a person's type
    falls under `other`, since owners that lie outside are asked for by type.
    """
    rules = policy.rules.values()
    unnamed_person = policy.other and policy.other.kind is IdentifierKind.PERSON
    return not unnamed_person and not any(rule.dominance for rule in (*rules, policy.other) if rule)
