"""`identity-service check --space`: are customers and their profiles what the evidence says?"""

from __future__ import annotations

from dataclasses import dataclass

from identity_service import session
from identity_service.cli import differences, json_objects
from identity_service.cli.output import print_error, print_json, results
from identity_service.domain.identifiers import Identifier
from identity_service.domain.preview.report import Preview
from identity_service.domain.recorded import RolloutProgress
from identity_service.errors import IdentityServiceError
from identity_service.services.profiles.check import ProfileCheck
from identity_service.services.spaces.access import SpaceScope
from identity_service.session import Session

_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """`lost` are identifiers that belong to a retired id; `waiting` counts those put off.

    `profiles` is None where the space computes none.
    """

    lost: list[Identifier]
    waiting: int
    compared: Preview
    rollout: RolloutProgress
    profiles: ProfileCheck | None

    @property
    def is_sound(self) -> bool:
        return not self.lost and self.compared.changes_nothing


def check_space(space: str, *, repair: bool, as_json: bool) -> None:
    """Resolve a whole space anew and compare; raises IdentityServiceError for a difference.

    `repair`: settle anew what is not as it should be, and compare again.
    """

    async def work(opened: Session) -> tuple[_Found, int]:
        scope = await opened.space(space)
        found = await _look(opened, scope)
        if found.is_sound or not repair:
            return found, 0
        wrong = _wrong(found)
        await opened.cases.repair.settle_anew(scope, wrong)
        return await _look(opened, scope), len(wrong)

    found, repaired = session.run(work)
    _print(found, as_json=as_json)
    summary, rollout = found.compared.summary, found.rollout
    if repaired:
        print_error(f"{repaired:,} identifiers were settled anew.")
    if not rollout.done:
        print_error(
            f"Version {rollout.policy_version} of the policy is still being settled: "
            f"{rollout.settled:,} of {rollout.customers_to_settle:,} customers."
        )
    if found.waiting:
        print_error(f"{found.waiting:,} identifiers wait: their components are large.")
    if found.lost:
        named = ", ".join(map(str, found.lost[:_NAMED]))
        print_error(f"{len(found.lost):,} identifiers belong to retired ids: {named}.")
    if not found.is_sound:
        raise IdentityServiceError(
            f"{summary.differences.total():,} differences, {summary.kind_changed:,} wrong kinds,"
            f" {summary.remarked:,} wrong marks among {summary.customers_before:,} customers.",
            remedy="Wait for the settlement, and look again."
            if found.waiting or not rollout.done
            else "Please report it; `check --space NAME --repair` settles anew what is named.",
        )
    if not as_json:
        results().print(f"{summary.customers_before:,} customers, all as the evidence says.")
    if found.profiles is not None:
        _judge_profiles(found.profiles, as_json=as_json)


def _judge_profiles(found: ProfileCheck, *, as_json: bool) -> None:
    """Say how profiles and memberships are; raises IdentityServiceError for a difference."""
    if found.waiting:
        print_error("Profiles wait to be computed.")
    if not found.is_sound:
        named = ", ".join(found.profiles[:_NAMED])
        raise IdentityServiceError(
            f"{len(found.profiles):,} profiles differ{f' ({named})' if named else ''},"
            f" {len(found.memberships):,} memberships, and {len(found.stream):,} of them from"
            " their changes.",
            remedy="Wait until they are computed, and look again."
            if found.waiting
            else "Please report it.",
        )
    if not as_json:
        accounts = f" and {found.accounts:,} of accounts" if found.accounts else ""
        results().print(f"{found.customers:,} profiles{accounts}, all as the evidence says.")


async def _look(opened: Session, scope: SpaceScope) -> _Found:
    cases = opened.cases
    with differences.watched() as progress:
        lost = await cases.repair.lost(scope)
        compared = await cases.previews.check(scope, progress)
    waiting = await cases.deferred.waiting(scope)
    rollout = await cases.spaces.rollout_progress(scope)
    profiles = await cases.profile_checks.check(scope)
    return _Found(lost, waiting, compared, rollout, profiles)


def _profiles(found: ProfileCheck) -> dict[str, object]:
    return {
        "customers": found.customers,
        "accounts": found.accounts,
        "waiting": found.waiting,
        "differing": found.profiles,
        "memberships": [list(each) for each in found.memberships],
        "changes": [list(each) for each in found.stream],
    }


def _wrong(found: _Found) -> list[Identifier]:
    """The identifiers that are lost, and those of the customers that differ."""
    return sorted(
        {
            *found.lost,
            *(
                identifier
                for each in found.compared.differences
                for some in (*each.before, *each.after)
                for identifier in some
            ),
        }
    )


def _print(found: _Found, *, as_json: bool) -> None:
    summary = found.compared.summary
    if as_json:
        print_json(
            {
                "customers": summary.customers_before,
                "settled": found.rollout.done,
                "overConnected": summary.over_connected,
                "kindChanged": summary.kind_changed,
                "marksChanged": summary.remarked,
                "waiting": found.waiting,
                "lost": list(map(str, found.lost)),
                "profiles": None if found.profiles is None else _profiles(found.profiles),
                "differences": [
                    json_objects.difference(each) for each in found.compared.differences
                ],
            }
        )
        return
    results().print(differences.drawing(found.compared))
    if summary.over_connected:
        results().print(f"{summary.over_connected:,} components are too large to be resolved.")
