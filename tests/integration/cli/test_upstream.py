"""Webhooks' sources and upstream notices on the command line."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from tests.support.command import Command
from tests.support.service import RunningService, Space
from tests.support.webhooks import SHOP, Hook

pytestmark = pytest.mark.neo4j

SECRET = "shpss_of_a_test"


@pytest.fixture
def shop(
    command: Command,
    keys: dict[str, str],
    service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
) -> Hook:
    """A shop whose webhooks feed a space of its own."""
    name = f"shop-{keys['space']}"
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    about = ("--vendor", "shopify", "--space", keys["space"])
    made = command("source", "webhook", "create", name, *about, "--note-attribute", "aid")
    assert made.code == 0, made.err
    assert json.loads(made.out) == {
        "name": name,
        "vendor": "SHOPIFY",
        "spaces": [keys["space"]],
        "path": f"/hooks/{name}",
    }
    space = Space(
        keys["space"], keys["writeKey"], keys["readerKey"], keys["adminKey"], service.settings
    )
    return Hook(service, space, "SHOPIFY", name, SECRET)


def send(shop: Hook, topic: str, body: dict[str, Any], **signed: Any) -> int:
    headers = {
        **SHOP,
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": f"{topic}-{len(str(body))}",
    }
    return shop.send(body, headers, **signed).status_code


def merge(shop: Hook, gone: int) -> None:
    gid = "gid://shopify/Customer/"
    body = {
        "admin_graphql_api_customer_kept_id": f"{gid}1",
        "admin_graphql_api_customer_deleted_id": f"{gid}{gone}",
        "status": "completed",
    }
    assert send(shop, "customers/merge", body) == 200


def listed(command: Command, shop: Hook, inbox: str, *options: str) -> list[dict[str, Any]]:
    ended = command("upstream", inbox, "--space", shop.space.name, "--json", *options)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    [name] = found.keys() - {"more"}
    return found[name]


def decided(command: Command, shop: Hook, *arguments: str) -> str:
    by = ("--space", shop.space.name, "--reason", "The shop knows.", "--as", "Mia")
    ended = command("upstream", *arguments, *by)
    assert ended.code == 0, ended.err
    return ended.out


def test_merges_are_listed_accepted_and_dismissed(command: Command, shop: Hook) -> None:
    for gone in (2, 3, 4, 5):
        merge(shop, gone)
    [newest, _, _, oldest] = listed(command, shop, "merges")

    accepted = decided(command, shop, "accept", newest["id"])
    dismissed = decided(command, shop, "dismiss", oldest["id"])
    rest = decided(command, shop, "accept-all", shop.name)

    assert "On record as jdg_" in accepted
    assert dismissed == f"{oldest['id']} is dismissed.\n"
    assert rest == "2 merges accepted, 0 stay open.\n"
    assert command("upstream", "merges", "--space", shop.space.name).out == (
        "There are no such merges.\n"
    )
    shown = command("upstream", "merges", "--space", shop.space.name, "--state", "dismissed")
    assert "by Mia: The shop knows." in shown.out
    assert oldest["id"] in shown.out
    [found] = listed(command, shop, "merges", "--state", "dismissed", "--source", shop.name)
    assert (found["merged"]["value"], found["decidedBy"]) == ("s.myshopify.com/2", "Mia")


def test_requests_are_listed_and_marked_as_handled(command: Command, shop: Hook) -> None:
    body = {"customer": {"id": 7, "email": "a@x.org"}}
    assert send(shop, "customers/redact", body) == 200
    [found] = listed(command, shop, "requests")
    assert "customers/redact" in command("upstream", "requests", "--space", shop.space.name).out

    handled = decided(command, shop, "handled", found["id"])

    assert handled == f"{found['id']} is handled.\n"
    assert listed(command, shop, "requests") == []
    [done] = listed(command, shop, "requests", "--state", "handled")
    assert (done["kind"], done["reason"]) == ("ERASURE", "The shop knows.")
    again = ("--space", shop.space.name, "--reason", "Again.")
    assert "already, by Mia" in command.complains(
        "upstream", "handled", found["id"], *again, code=1
    )


def test_a_secret_is_rotated(command: Command, shop: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"email": "a@x.org"}
    monkeypatch.setattr(sys, "stdin", io.StringIO("shpss_another"))

    rotated = command("source", "webhook", "rotate-secret", shop.name, "--space", shop.space.name)

    assert json.loads(rotated.out)["source"] == shop.name
    statuses = [
        send(shop, "orders/create", order, secret=each)
        for each in (SECRET, "shpss_another", "shpss_third")
    ]
    assert statuses == [200, 200, 401]


def test_a_paused_shop_is_asked_to_come_back(command: Command, shop: Hook) -> None:
    assert "fed by webhooks of shopify" in command("source", "pause", shop.name).out
    paused = send(shop, "orders/create", {"email": "a@x.org"})
    assert command("source", "resume", shop.name).code == 0
    resumed = send(shop, "orders/create", {"email": "a@x.org"})

    assert (paused, resumed) == (503, 200)
    assert len(shop.space.events()) == 1


def test_an_empty_secret_makes_no_source(
    command: Command, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    line = command.complains(
        *("source", "webhook", "create", "x", "--vendor", "stripe", "--space", keys["space"]),
        code=1,
    )

    assert "secret" in line
