"""`identity-service space …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from identity_service import session
from identity_service.cli.output import notices, print_error, print_json, results
from identity_service.cli.policy import read_policy_file
from identity_service.domain.events import property_key
from identity_service.domain.recorded import SpaceDeletion
from identity_service.graph import schema
from identity_service.services.spaces.spaces import CreatedSpace
from identity_service.session import Session

SpaceOption = Annotated[str, typer.Option("--space", help="The space.")]

app = typer.Typer(help="Spaces: isolated worlds, each with its policy and keys.")


@app.callback(no_args_is_help=True, invoke_without_command=True)
def spaces() -> None:
    """Spaces: isolated worlds, each with its policy and keys."""


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, “-” and “_”, 1 to 63 of them.")],
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its policy; default: the preset."),
    ] = None,
) -> None:
    """Create a space and print its keys, which are shown only now, as JSON."""
    text = None if policy is None else read_policy_file(policy)

    async def work(opened: Session) -> CreatedSpace:
        await schema.apply(opened.database)
        return await opened.cases.spaces.create_space(opened.cases.access.operator(), name, text)

    created = session.run(work)
    print_json(
        {
            "space": created.scope.space,
            "adminKey": created.admin_key,
            "readerKey": created.reader_key,
            "writeKey": created.write_key,
        }
    )


@app.command("delete")
def delete_command(
    name: Annotated[str, typer.Argument(help="The space.")],
    again: Annotated[
        str | None, typer.Option(help="Its name once more. Default: you are asked for it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Delete a space and all that it holds, for good. What destinations hold stays there.

    From the first moment nobody can enter it. Ctrl-C leaves the rest of the work to a service that
    runs, or to the next one that starts. Once it is done, the name is free.
    """
    typed = typer.prompt("The name of the space once more", err=True) if again is None else again

    async def work(opened: Session) -> SpaceDeletion:
        await schema.apply(opened.database)
        deletions = opened.cases.space_deletions
        begun = await deletions.delete(opened.cases.access.operator(), name, typed)
        deletions.look_after_all()
        return await _followed(opened, begun)

    last = session.run(work)
    if as_json:
        print_json({"space": last.space, "deleted": last.deleted, "done": last.done})
    else:
        results().print(f"The space {last.space} is deleted.", markup=False)


async def _followed(opened: Session, begun: SpaceDeletion) -> SpaceDeletion:
    """Show how far it is until it is done; returns the last that was read."""
    last, console = begun, notices()
    columns = (TextColumn("deleting", markup=False), BarColumn(), TextColumn("{task.completed:,}"))
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)
            async for last in opened.cases.space_deletions.progress(begun):
                bar.update(task, completed=last.deleted)
    finally:
        if not last.done:
            print_error(
                f"The space {last.space} is being deleted. A service that runs, or the next one"
                " that starts, goes on with it."
            )
    return last


@app.command("properties")
def properties_command(space: SpaceOption) -> None:
    """List the properties that events can be filtered by, with the source that took each, as JSON.

    A source may take 500 names, and a space have 2,000 in use.
    """

    async def work(opened: Session) -> dict[str, str | None]:
        return await opened.cases.spaces.property_names(await opened.space(space))

    found = session.run(work)
    print_json({key.removeprefix("p_"): source for key, source in sorted(found.items())})


@app.command("release-properties")
def release_properties_command(
    names: Annotated[list[str], typer.Argument(help="Properties, as they are listed.")],
    space: SpaceOption,
) -> None:
    """Give names of properties back, so that there is room for others.

    Events keep their properties, and a name that is sent again comes into use again while there
    is room. A service that runs takes note within a minute.
    """

    async def work(opened: Session) -> list[str]:
        keys = [property_key(name) for name in names]
        return await opened.cases.spaces.release_property_names(await opened.space(space), keys)

    released = session.run(work)
    print_json([key.removeprefix("p_") for key in released])
