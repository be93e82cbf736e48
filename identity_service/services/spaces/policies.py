"""Policies: the one in force in each space, read once and prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import parse_policy, parse_stored_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.recorded import PolicyVersion
from identity_service.domain.retractions import RetractedRange
from identity_service.errors import FieldInvalid, VersionConflict
from identity_service.graph.policies import PolicyStore
from identity_service.services.kit.lru_cache import LruCache
from identity_service.services.spaces.access import SpaceScope

MAX_NOTE = 2_000
"""Longest note of a policy version, in characters."""

MAX_PAST_BYTES = 4_000_000
"""Texts of the policies of the past that are kept prepared."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What a space decides by.

    `retracted` are the retractions in force, as of `retractions_rev`, which counts how often one
    was made or withdrawn.
    """

    version: int
    policy: Policy
    values: ValueRules
    retractions_rev: int = 0
    retracted: Sequence[RetractedRange] = ()
    _values_of: dict[str, ValueRules] = field(default_factory=dict[str, ValueRules], compare=False)

    def values_of(self, region: str | None) -> ValueRules:
        """The rules for values of a source whose national phone numbers are of that country."""
        if region is None:
            return self.values
        found = self._values_of.get(region)
        if found is None:
            found = self._values_of[region] = ValueRules(self.policy, region)
        return found

    def normalised(self, path: str, given: Identifier) -> Identifier:
        """An identifier that somebody typed, as events would bring it.

        Raises FieldInvalid, at `path`, for one that the policy withholds.
        """
        found = self.values.identifier(given)
        if isinstance(found, WithheldValue):
            raise FieldInvalid(path, str(found))
        return found


class Policies:
    """The policies in force, kept until somebody finds that one no longer is."""

    def __init__(self, store: PolicyStore) -> None:
        self._store = store
        self._in_force: dict[str, PolicyInForce] = {}
        self._past: LruCache[tuple[int, str], PolicyInForce] = LruCache(MAX_PAST_BYTES)
        self._forgotten = 0

    async def in_force(self, scope: SpaceScope) -> PolicyInForce:
        """The policy of a space. Raises NotFound where there is no such space."""
        found = self._in_force.get(scope.space)
        if found is None:
            forgotten = self._forgotten
            stored = await self._store.in_force(scope.space)
            policy = parse_stored_policy(stored.text)
            found = PolicyInForce(
                stored.version,
                policy,
                ValueRules(policy),
                stored.retractions_rev,
                stored.retracted,
            )
            if forgotten == self._forgotten:  # else another may have come while we read
                self._in_force[scope.space] = found
        return found

    async def at(self, scope: SpaceScope, moment: int) -> PolicyInForce | int:
        """The policy that was in force at a moment, or since when the space has had one.

        Raises NotFound where there is no such space.
        """
        stored = await self._store.at(scope.space, moment)
        if stored.version is None:
            return stored.since
        key = (stored.version, stored.text)
        found = self._past.get(key)
        if found is None:
            policy = parse_stored_policy(stored.text)
            found = PolicyInForce(stored.version, policy, ValueRules(policy))
            self._past.put(key, found, len(stored.text))
        return found

    async def put_in_force(
        self, scope: SpaceScope, text: str, expected_version: int, note: str | None, now: int
    ) -> PolicyVersion:
        """Put a new version of the policy in force.

        Raises PolicyInvalid, and VersionConflict when `expected_version` is not in force.
        Customers are settled by it only afterwards (`PolicyRollout`).
        """
        parse_policy(text)
        if note is not None and len(note) > MAX_NOTE:
            raise FieldInvalid("note", f"The note is longer than {MAX_NOTE:,} characters.")
        put, version = await self._store.put_in_force(
            scope.space, text, expected_version, scope.author, note, now
        )
        self.forget(scope)
        if not put:
            raise VersionConflict(version)
        return PolicyVersion(version, text, now, scope.author, note)

    def forget(self, scope: SpaceScope) -> None:
        """Read the policy again when it is asked for next."""
        self._in_force.pop(scope.space, None)
        self._forgotten += 1
