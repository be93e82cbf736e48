"""`identity-service resolve`: who is this?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from identity_service import session
from identity_service.cli import arguments, customers
from identity_service.cli.output import print_json, results
from identity_service.domain.identifiers import Identifier
from identity_service.errors import IdentityServiceError, NotFound, TooLarge
from identity_service.session import Session


def resolve(
    identifier: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: Annotated[str, typer.Option(help="The space to look in.")],
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="As it was then: 2026-03-01T12:00Z, or 2026-03-01 for the end of that day (UTC).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the customer that an identifier belongs to."""
    asked = arguments.identifier(identifier)
    moment = arguments.moment(as_of) if as_of else None

    async def work(opened: Session) -> customers.CustomerJson:
        return await _find(opened, space, asked, moment)

    customer = session.run(work)
    if customer["__typename"] == "NotFound":
        raise NotFound(customer["message"], remedy=f"Nobody was found in the space “{space}”.")
    if customer["__typename"] == "OverConnected":
        raise TooLarge(customer["message"])
    if as_json:
        print_json(customer)
    else:
        results().print(customers.panel(customer, moment))


async def _find(
    opened: Session, space: str, asked: Identifier, moment: int | None
) -> customers.CustomerJson:
    """What GraphQL answers to the explorer's first query."""
    from identity_service.api.graphql.context import Context
    from identity_service.api.graphql.execution import GraphQL
    from identity_service.api.graphql.requests import Request
    from identity_service.api.graphql.schema import build_schema

    await opened.space(space)
    cases = opened.cases
    context = Context(cases, cases.access.operator(space))
    variables = customers.variables(space, asked, moment)
    request = Request(customers.who_is_this(), variables, None)
    answer: Any = await GraphQL(build_schema()).run(request, context)
    if errors := answer.get("errors"):
        raise IdentityServiceError(errors[0]["message"])
    return _as_json(answer["data"]["space"]["customer"])


def _as_json(value: Any) -> Any:
    """GraphQL's answer as it would be over HTTP."""
    import orjson

    return orjson.loads(orjson.dumps(value))
