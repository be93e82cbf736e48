"""Keys and the instance administrator, below every API."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator

import pytest
from pydantic import SecretStr

from identity_service.errors import Forbidden
from identity_service.graph.access import AccessStore, NewKey
from identity_service.graph.database import Database
from identity_service.graph.spaces import SpaceStore
from identity_service.services.spaces import access as access_module
from identity_service.services.spaces.access import (
    KEY_CACHE_S,
    KEY_REFRESH_S,
    Access,
    Role,
    ensure_admin_key,
    hash_key,
    new_key,
)
from identity_service.services.spaces.spaces import CreatedSpace, Spaces
from identity_service.services.wiring import assemble
from tests.support.elapsed import Elapsed
from tests.support.statements import writing
from tests.support.waiting import until

SET_ASIDE = writing(
    "MATCH (k:ApiKey {role: 'INSTANCE'}) WHERE k.revoked_at IS NULL"
    " SET k.revoked_at = 0 RETURN collect(k.hash) AS hashes",
    "tests/set_aside",
)
PUT_BACK = writing(
    "MATCH (k:ApiKey {role: 'INSTANCE'}) SET k.revoked_at = CASE WHEN k.hash IN $hashes THEN null"
    " ELSE 0 END",
    "tests/put_back",
)


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def timer() -> Elapsed:
    return Elapsed()


@pytest.fixture
def store(database: Database) -> AccessStore:
    return AccessStore(database)


@pytest.fixture
def access(store: AccessStore, timer: Elapsed) -> Access:
    return Access(store, timer)


@pytest.fixture
async def instance_key(database: Database, store: AccessStore, time: Time) -> AsyncGenerator[str]:
    """A key as of a first start; those that others use are put back afterwards."""
    row = await database.write_one(SET_ASIDE)
    assert row is not None
    key = await ensure_admin_key(store, None, time)
    assert key is not None
    yield key
    await database.write_one(PUT_BACK, hashes=row["hashes"])


@pytest.fixture
async def space(
    database: Database, store: AccessStore, access: Access, time: Time, instance_key: str
) -> CreatedSpace:
    spaces = Spaces(store, SpaceStore(database), access, time)
    caller = await access.authenticate(instance_key)
    return await spaces.create_space(caller, f"test-{secrets.token_hex(8)}", None)


async def role_of(access: Access, key: str) -> Role | None:
    caller = await access.authenticate(key)
    return caller.role if caller else None


async def test_the_first_start_makes_a_key_and_the_next_does_not(
    store: AccessStore, access: Access, time: Time, instance_key: str
) -> None:
    assert await role_of(access, instance_key) is Role.INSTANCE
    assert await ensure_admin_key(store, None, time) is None
    assert await role_of(access, instance_key) is Role.INSTANCE


async def test_a_configured_key_becomes_the_only_one(
    store: AccessStore, time: Time, instance_key: str
) -> None:
    first, second = new_key(Role.INSTANCE), new_key(Role.INSTANCE)

    for configured in (first, second, second):
        assert await ensure_admin_key(store, SecretStr(configured), time) is None

    roles = [await role_of(Access(store), key) for key in (instance_key, first, second)]
    assert roles == [None, None, Role.INSTANCE]


async def test_a_key_that_was_configured_before_is_valid_again_when_it_is_again(
    store: AccessStore, access: Access, time: Time, instance_key: str
) -> None:
    assert instance_key
    first, second = new_key(Role.INSTANCE), new_key(Role.INSTANCE)

    for configured in (first, second, first):
        await ensure_admin_key(store, SecretStr(configured), time)

    assert await role_of(access, first) is Role.INSTANCE


async def test_a_key_revoked_elsewhere_is_trusted_a_few_seconds_at_most(
    store: AccessStore, access: Access, timer: Elapsed, space: CreatedSpace
) -> None:
    await access.authenticate(space.reader_key)
    await store.revoke_key(space.scope.space, "reader", 1_000_000)

    timer.now += KEY_REFRESH_S - 0.001
    before = await role_of(access, space.reader_key)
    timer.now += KEY_CACHE_S - KEY_REFRESH_S + 0.001
    after = await role_of(access, space.reader_key)

    assert (before, after) == (Role.READER, None)


async def test_a_clock_that_is_set_back_prolongs_no_key(
    database: Database, space: CreatedSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "KEY_CACHE_S", 0.05)
    clock = Time()
    elsewhere = assemble(database, 1, clock=clock).access
    await elsewhere.authenticate(space.reader_key)
    clock.now -= 3_600_000
    await AccessStore(database).revoke_key(space.scope.space, "reader", clock())

    async def is_revoked() -> bool:
        return await role_of(elsewhere, space.reader_key) is None

    await until(is_revoked, seconds=10)


async def test_a_key_made_elsewhere_opens_at_once(
    store: AccessStore, access: Access, time: Time, space: CreatedSpace
) -> None:
    key = new_key(Role.AGENT)
    before = await role_of(access, key)
    await store.create_key(NewKey(hash_key(key), Role.AGENT, "late", space.scope.space), time())

    assert (before, await role_of(access, key)) == (None, Role.AGENT)


async def test_nobody_makes_a_key_above_their_own_role(
    database: Database, store: AccessStore, access: Access, time: Time, space: CreatedSpace
) -> None:
    spaces = Spaces(store, SpaceStore(database), access, time)
    key = await spaces.create_key(space.scope, Role.AGENT, "agent")
    agent = access.require(await access.authenticate(key), space.scope.space, Role.AGENT)

    with pytest.raises(Forbidden):
        await spaces.create_key(agent, Role.ADMIN, "more")
    with pytest.raises(Forbidden):
        await spaces.create_key(space.scope, Role.INSTANCE, "all")
    with pytest.raises(Forbidden):
        await spaces.create_key(space.scope, Role.WRITE, "events")


async def test_a_write_key_sends_and_reads_nothing(access: Access, space: CreatedSpace) -> None:
    caller = await access.authenticate(space.write_key)

    sender = access.sender(caller)

    assert sender is not None
    assert [scope.space for scope in sender.scopes] == [space.scope.space]
    assert not sender.scopes[0].allows(Role.READER)
    assert access.enter(caller, space.scope.space) is None
    assert access.sender(await access.authenticate(space.admin_key)) is None
