"""`identity-service check --space`: are the settled customers what the evidence says?"""

from __future__ import annotations

from identity_service import session
from identity_service.cli import differences, json_objects
from identity_service.cli.output import print_error, print_json, results
from identity_service.domain.preview.report import Preview
from identity_service.domain.recorded import RolloutProgress
from identity_service.errors import IdentityServiceError
from identity_service.session import Session


def check_space(space: str, *, as_json: bool) -> None:
    """Resolve a whole space anew and compare; raises IdentityServiceError for a difference."""

    async def work(opened: Session) -> tuple[Preview, RolloutProgress]:
        with differences.watched() as progress:
            scope = await opened.space(space)
            found = await opened.cases.previews.check(scope, progress)
            return found, await opened.cases.spaces.rollout_progress(scope)

    found, progress = session.run(work)
    summary = found.summary
    if as_json:
        print_json(
            {
                "customers": summary.customers_before,
                "settled": progress.done,
                "overConnected": summary.over_connected,
                "kindChanged": summary.kind_changed,
                "marksChanged": summary.remarked,
                "differences": [json_objects.difference(each) for each in found.differences],
            }
        )
    else:
        results().print(differences.drawing(found))
        if summary.over_connected:
            results().print(f"{summary.over_connected:,} components are too large to be resolved.")
    if not progress.done:
        print_error(
            f"Version {progress.policy_version} of the policy is still being settled: "
            f"{progress.settled:,} of {progress.customers_to_settle:,} customers."
        )
    if not found.changes_nothing:
        raise IdentityServiceError(
            f"{summary.differences.total():,} differences, {summary.kind_changed:,} wrong kinds,"
            f" {summary.remarked:,} wrong marks among {summary.customers_before:,} customers.",
            remedy="Wait for the settlement, and look again."
            if not progress.done
            else "Please report it; putting the policy in force again settles the space anew.",
        )
    if not as_json:
        results().print(f"{summary.customers_before:,} customers, all as the evidence says.")
