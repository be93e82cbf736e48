"""Case files: the tests of a text of profiles.

::

    id: cart
    title: "A cart on the phone, the order on the laptop a minute too late"
    profiles: shop.yaml            # a file beside this one, or the text itself
    customers:
      ann:
        identifiers: [email]       # the types that she has
        consents: {marketing: true}
        events:
          - {at: 2026-03-01T12:00:00Z, did: Product Added, properties: {cart_id: c1}}
          - {at: 2026-03-01T12:00:00Z, call: identify, traits: {plan: gold}, source: crm}
    accounts:                      # optional
      acme: {traits: {seats: 80}, members: [ann]}
    expected:
      - {customer: ann, at: 2026-03-01T14:00:00Z, audiences: [abandoned_cart]}
      - {customer: ann, at: 2026-03-02T00:00:00Z, features: {orders: 1}, traits: {plan: gold}}
      - {account: acme, at: 2026-03-02T00:00:00Z, audiences: []}

An event is `did`, a step, or a `call`; it may have an `id` (two events with one id are one event),
`properties`, `traits`, a `source`, a `channel` and an `account` that it names. Of events at the
same time the order of the file decides. `kind` of a customer is KNOWN unless it says otherwise.
`features` and `traits` are compared by name, `audiences` as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from identity_service.domain.events import EventOrder
from identity_service.domain.policies.field_reader import FieldReader, join, meant, shown
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.evaluate import evaluate, evaluate_account
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
    ReportedValue,
)
from identity_service.domain.profiles.parse import parse_profiles, parse_profiles_mapping
from identity_service.domain.profiles.traits_by_rule import choose_traits
from identity_service.domain.profiles.values import json_text, read_json
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.timestamps import iso, read_moment
from identity_service.errors import BadInput, ProfilesInvalid

MAX_CASE_BYTES: Final = 1024 * 1024
SOURCE: Final = "case"
"""Who sent an event that names no source."""

_REQUIRED: Final = ("id", "title", "profiles", "customers", "expected")
_CUSTOMER_KEYS: Final = ("kind", "identifiers", "consents", "events")
_EVENT_KEYS: Final = (
    *("at", "did", "call", "id", "properties", "traits", "source", "channel", "account"),
)
_EXPECTED_KEYS: Final = ("customer", "account", "at", "features", "traits", "audiences")


class Expected(NamedTuple):
    """What must come out for a customer or an account at one instant; None is not checked."""

    who: str
    of_account: bool
    at: int
    features: Mapping[str, Any]
    traits: Mapping[str, Any]
    audiences: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ProfileCase:
    """What happened, under which text, and what must come out."""

    id: str
    title: str
    profiles: Profiles
    customers: Mapping[str, CustomerEvidence]
    accounts: Mapping[str, AccountEvidence]
    expected: Sequence[Expected]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something came out otherwise. `what`: `features.orders`, or `audiences`; values are JSON."""

    who: str
    at: int
    what: str
    expected: Any
    found: Any


def load_profile_case(path: Path) -> ProfileCase:
    """Read a case file. Raises BadInput with every mistake, or when a file cannot be read."""
    text = _read(path)
    data, problems = read_yaml(text, name="case", max_bytes=MAX_CASE_BYTES, exact=True)
    reading = _Reading(problems=problems, folder=path.parent)
    case = reading.case(data) if data is not None or not problems else None
    if case is None or reading.problems:
        found = "; ".join(f"{problem.path}: {problem.message}" for problem in reading.problems)
        raise BadInput(
            f"The case {path} has mistakes. {found}.",
            remedy="The format is described in the documentation, on the page about profiles.",
        )
    return case


def check_profile_case(case: ProfileCase) -> list[Difference]:
    """Compute what a case describes, and name everything that comes out otherwise."""
    return [each for expected in case.expected for each in _differences(case, expected)]


def _differences(case: ProfileCase, expected: Expected) -> Iterator[Difference]:
    who, at = expected.who, expected.at
    if expected.of_account:
        account = case.accounts[who]
        evaluation, traits = evaluate_account(case.profiles, account, at), account.traits
    else:
        customer = case.customers[who]
        evaluation = evaluate(case.profiles, customer, at)
        chosen = choose_traits(case.profiles.traits, customer.traits, at)
        traits = {name: trait.value for name, trait in chosen.items()}
    values = {name: feature.value for name, feature in evaluation.features.items()}
    for what, wanted, found in (
        ("features", expected.features, values),
        ("traits", expected.traits, traits),
    ):
        for name, value in wanted.items():
            if json_text(value) != json_text(found.get(name)):
                yield Difference(who, at, f"{what}.{name}", value, found.get(name))
    if expected.audiences is not None and expected.audiences != evaluation.audiences:
        yield Difference(
            who, at, "audiences", sorted(expected.audiences), sorted(evaluation.audiences)
        )


def difference_text(difference: Difference) -> str:
    """A difference in two lines, one below the other."""
    heading = f"{difference.who} at {iso(difference.at)}, {difference.what}"
    return (
        f"  {heading}\n"
        f"    expected  {json_text(difference.expected)}\n"
        f"    found     {json_text(difference.found)}"
    )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as mistake:
        raise BadInput(
            f"{path} cannot be read: {mistake}.", remedy="Name a file that is written in YAML."
        ) from mistake


@dataclass(slots=True)
class _Reading(FieldReader):
    """One pass over one case: what is wrong is collected, and reading goes on."""

    whole_text = "case"

    folder: Path = field(default_factory=Path)

    def case(self, data: object) -> ProfileCase:
        fields = self.mapping({} if data is None else data, "", (*_REQUIRED, "accounts"))
        for key in _REQUIRED:
            self.require(fields, key, "", "a case has " + ", ".join(_REQUIRED))
        profiles = self.profiles(fields.get("profiles"))
        customers = {
            name: self.customer(name, value, f"customers.{name}")
            for name, value in self.named(fields, "customers", "").items()
        }
        accounts = {
            name: self.account(name, value, f"accounts.{name}", customers)
            for name, value in self.named(fields, "accounts", "").items()
        }
        in_accounts = {
            name: replace(
                customer, accounts=[each for each in accounts.values() if customer in each.members]
            )
            for name, customer in customers.items()
        }
        expected = [
            self.expectation(value, f"expected.{at}", profiles, in_accounts, accounts)
            for at, value in enumerate(self.sequence(fields, "expected", ""))
        ]
        return ProfileCase(
            id=str(fields.get("id")),
            title=str(fields.get("title")),
            profiles=profiles,
            customers=in_accounts,
            accounts=accounts,
            expected=[each for each in expected if each is not None],
        )

    def profiles(self, said: object) -> Profiles:
        try:
            if isinstance(said, str):
                return parse_profiles(_read(self.folder / said))
            return parse_profiles_mapping({} if said is None else said)
        except ProfilesInvalid as mistakes:
            for problem in mistakes.problems:
                inside = "" if problem.path == "profiles" else problem.path
                self.note(join("profiles", inside), problem.message)
        except BadInput as mistake:
            self.note("profiles", mistake.message)
        return parse_profiles("")

    def named(self, fields: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
        """The mapping at a key; an empty one where there is none."""
        value: object = fields.get(key)
        return self.mapping({} if value is None else value, join(path, key), None)

    def customer(self, name: str, value: object, path: str) -> CustomerEvidence:
        fields = self.mapping(value, path, _CUSTOMER_KEYS)
        consents = self.named(fields, "consents", path)
        for purpose, given in consents.items():
            if not isinstance(given, bool):
                self.note(f"{path}.consents.{purpose}", f"{shown(given)} is neither true nor false")
        events: list[ProfileEvent] = []
        traits: dict[str, list[ReportedValue]] = {}
        for position, said in enumerate(self.sequence(fields, "events", path)):
            event = self.event(said, position, f"{path}.events.{position}", name)
            events.append(event)
            if event.traits_json is not None:
                reported = cast("dict[str, Any]", read_json(event.traits_json))
                for trait, trait_value in reported.items():
                    traits.setdefault(trait, []).append(
                        ReportedValue(event.order, event.source, trait_value)
                    )
        identifiers = self.sequence(fields, "identifiers", path)
        return CustomerEvidence(
            customer_id=name,
            kind=self.choice(fields, "kind", path, CustomerKind) or CustomerKind.KNOWN,
            events=events,
            traits=traits,
            identifier_types=frozenset(map(str, identifiers)),
            consents={purpose: given is True for purpose, given in consents.items()},
        )

    def event(self, value: object, position: int, path: str, customer: str) -> ProfileEvent:
        fields = self.mapping(value, path, _EVENT_KEYS)
        step, call = fields.get("did"), fields.get("call")
        if isinstance(value, dict) and step is None and call is None:
            self.note(path, "says neither what was done (did) nor which call it is (call)")
        key = str(fields.get("id", f"{customer} {position + 1}"))
        at = self.moment(fields, "at", path)
        return ProfileEvent(
            order=EventOrder(at, at, position, key),
            message_id=key,
            type="track" if call is None else str(call),
            step=None if step is None else str(step),
            name=None if step is None else str(step),
            properties_json=json_text(self.named(fields, "properties", path)),
            traits_json=json_text(self.named(fields, "traits", path))
            if "traits" in fields
            else None,
            source=str(fields.get("source", SOURCE)),
            channel=self.text(fields, "channel"),
            account_id=self.text(fields, "account"),
        )

    def text(self, fields: Mapping[str, Any], key: str) -> str | None:
        return None if fields.get(key) is None else str(fields[key])

    def moment(self, fields: Mapping[str, Any], key: str, path: str) -> int:
        value: Any = fields.get(key)
        try:
            return read_moment(value)
        except (ValueError, TypeError, OverflowError):
            self.note(join(path, key), f"{shown(value)} is no time: write 2026-01-31T12:00:00Z")
            return 0

    def account(
        self, name: str, value: object, path: str, customers: Mapping[str, CustomerEvidence]
    ) -> AccountEvidence:
        fields = self.mapping(value, path, ("traits", "members"))
        names = [str(each) for each in self.sequence(fields, "members", path)]
        for at, member in enumerate(names):
            if member not in customers:
                self.note(
                    f"{path}.members.{at}",
                    f"there is no customer {shown(member)}{meant(member, tuple(customers))}",
                )
        return AccountEvidence(
            account_id=name,
            events={
                each.customer_id: [event for event in each.events if event.account_id == name]
                for each in customers.values()
            },
            traits=dict(self.named(fields, "traits", path)),
            members=[customers[member] for member in names if member in customers],
        )

    def expectation(
        self,
        value: object,
        path: str,
        profiles: Profiles,
        customers: Mapping[str, CustomerEvidence],
        accounts: Mapping[str, AccountEvidence],
    ) -> Expected | None:
        fields = self.mapping(value, path, _EXPECTED_KEYS)
        if not isinstance(value, dict):
            return None
        of_account = "account" in fields
        key, known = ("account", accounts) if of_account else ("customer", customers)
        who = self.text(fields, key) or (next(iter(known)) if len(known) == 1 else "")
        if who not in known or ("customer" in fields and of_account):
            self.note(path, f"speaks of one customer or one account{meant(who, tuple(known))}")
            return None
        features = self.named(fields, "features", path)
        of_profiles = profiles.account_features if of_account else profiles.features
        for name in features:
            if name not in of_profiles:
                self.note(
                    f"{path}.features.{name}",
                    f"there is no such feature{meant(name, tuple(of_profiles))}",
                )
        audiences = fields.get("audiences")
        names = [str(each) for each in self.sequence(fields, "audiences", path)]
        for at, name in enumerate(names):
            if name not in profiles.audiences:
                self.note(
                    f"{path}.audiences.{at}",
                    f"there is no such audience{meant(name, tuple(profiles.audiences))}",
                )
        return Expected(
            who=who,
            of_account=of_account,
            at=self.moment(fields, "at", path),
            features=features,
            traits=self.named(fields, "traits", path),
            audiences=None if audiences is None else frozenset(names),
        )
