"""Journeys: questions about what customers do, in which order. Their definitions, in one place.

- **Step**: the name of an event in journeys (`steps.step_of`). An event without one does not count.
- **Customer**: a resolved customer, as settled now. Contested devices (kind `QUARANTINED`) belong
  to nobody in particular and are left out, unless `kinds` names them.
- **Clock**: event time, `at`. Customers are as they are now, whatever the time range.
- **Time range**: `since` is in it, `until` is not. Every event that is counted lies in it; only
  the touches of an attribution may lie before it.
- **Order**: by `at`; events of the same millisecond by receipt, place in the request, message id.
- **RequestCache**: a customer counts once in a figure, at the first occurrence in the range.
- **Segment**: which customers are counted: of some `kinds`, who in the range `did` a step, or had
  an event with a `property` of a `value`. Where both are given, one event has to fulfil both.
  A trait is a property of an identify call. Further: who is in an `audience`, or whose `feature`
  has a value, as they were computed last, whatever the time range.
- **Window**: `within`, counted from the first step; an event exactly at its end lies in it.
- **Session**: events of a customer with no pause longer than `session` between them.
- **Touch**: an event with a channel (`steps.channel_of`). The same channel again, after no more
  than the pause of a session, is the same touch.
- **Conversion**: a customer's first goal event in the range.
- **Share**: between 0 and 1; 0 where there is nobody to have a share of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from identity_service.domain.journeys.parameters import ALWAYS, Kind, Parameter
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import FieldInvalid, NotFound

SESSION: Final = "30m"
"""The longest pause inside a session, unless a question says otherwise."""

OTHER: Final = "(other)"
"""The steps or values that are not among the most frequent."""

NONE: Final = "(none)"
"""Customers without a value to be split by."""

DIRECT: Final = "(direct)"
"""The channel of a conversion that no touch came before, and of a subscription that has none."""

ANY: Final = "(any)"
"""Changes of identity of every kind."""

MAX_STEPS: Final = 20
"""Most steps of a funnel."""

Value: TypeAlias = str | int | float | list[str] | None
"""What a column holds; None where there is no value."""


class ColumnType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    IDENTIFIERS = "identifiers"
    """A list of `TYPE:VALUE`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer."""

    name: str
    type: ColumnType
    meaning: str


@dataclass(frozen=True, slots=True)
class Journey:
    """A question. Its statement is `journeys/` and its name."""

    name: str
    question: str
    own: tuple[Parameter, ...]
    columns: tuple[Column, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its own, then those that every journey takes, unless it has one of the same name."""
        own = {parameter.name for parameter in self.own}
        return (*self.own, *(each for each in RANGE_AND_SEGMENT if each.name not in own))

    def arguments(self, given: Mapping[str, Any], now: int) -> dict[str, Any]:
        """What the statement takes, from what a caller gave by name; what is None counts as absent.

        Moments are milliseconds or ISO 8601, durations text as in policies or milliseconds,
        identifiers `TYPE:VALUE`; those come back as an `Identifier`, spelled as they were given.
        Without `until` the range ends after `now`. Raises FieldInvalid.
        """
        known = {parameter.name for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise FieldInvalid(
                    name,
                    f"The journey {self.name} has no parameter “{name}”.",
                    remedy=f"It takes {', '.join(sorted(known))}.",
                )
        asked = {
            parameter.name: parameter.read(given.get(parameter.name), self.name)
            for parameter in self.parameters
        }
        if asked["since"] is None:
            asked["since"] = ALWAYS[0]
        if asked["until"] is None:
            asked["until"] = now + 1
        if (asked["property"] is None) != (asked["value"] is None):
            raise FieldInvalid(
                "property",
                "A segment needs a property and its value together.",
                remedy="Give both “property” and “value”, or neither.",
            )
        if (asked["feature"] is None) != (asked["feature_value"] is None):
            raise FieldInvalid(
                "feature",
                "A segment needs a feature and its value together.",
                remedy="Give both “feature” and “feature_value”, or neither.",
            )
        return asked

    def prepared(self, space: str, now: int) -> dict[str, Any]:
        """The `w` of its statement as far as nobody has to be asked: what it needs is missing.

        `now` ends the time range.
        """
        defaults = {p.name: p.read(None, self.name) for p in self.parameters if not p.required}
        return {"space": space, **defaults, "since": ALWAYS[0], "until": now + 1}


RANGE_AND_SEGMENT: Final = (
    Parameter("since", Kind.MOMENT, "the first moment that counts; without it, from the beginning"),
    Parameter("until", Kind.MOMENT, "the moment before which events count; without it, now"),
    Parameter(
        "kinds",
        Kind.KINDS,
        "the kinds of customers that count",
        default=(CustomerKind.KNOWN, CustomerKind.ANONYMOUS),
        most=len(CustomerKind),
    ),
    Parameter("did", Kind.TEXT, "count only customers who did this step"),
    Parameter(
        "property", Kind.PROPERTY, "count only customers who had an event with this property"
    ),
    Parameter("value", Kind.TEXT, "the value of that property, as text"),
    Parameter("audience", Kind.TEXT, "count only customers who are in this audience now"),
    Parameter("feature", Kind.FEATURE, "count only customers whose feature has a value now"),
    Parameter("feature_value", Kind.TEXT, "the value of that feature, as text"),
)
"""What every journey takes: the time range and the segment."""


def _first(default: int, meaning: str = "the most rows") -> Parameter:
    return Parameter("first", Kind.COUNT, meaning, default=default)


def _within(default: str = "30d") -> Parameter:
    return Parameter(
        "within", Kind.DURATION, "the window, counted from the first step", default=default
    )


def _text(name: str, meaning: str) -> Column:
    return Column(name, ColumnType.TEXT, meaning)


def _integer(name: str, meaning: str) -> Column:
    return Column(name, ColumnType.INTEGER, meaning)


def _number(name: str, meaning: str) -> Column:
    return Column(name, ColumnType.NUMBER, meaning)


_STEPS: Final = Parameter("steps", Kind.TEXTS, "the steps, in order", required=True, most=MAX_STEPS)
_FUNNEL: Final = (
    _text("event", "the step"),
    _integer("customers", "customers who reached it"),
    _number("share", "of the customers of the first step"),
    _number("median_seconds", "since the step before; none for the first step"),
)

JOURNEYS: Final[Mapping[str, Journey]] = {
    journey.name: journey
    for journey in (
        Journey(
            "last_page_before",
            "Which page did customers see last before they first did something?",
            (
                Parameter("event", Kind.TEXT, "the step that they did", required=True),
                _first(20),
            ),
            (
                _text("page", "the page or screen"),
                _integer("customers", "customers who saw it last"),
                _number("share", "of all customers who did the step, those who saw no page too"),
            ),
        ),
        Journey(
            "flows",
            "Which steps follow on which?",
            (
                Parameter("start_event", Kind.TEXT, "where a path begins; else at the first step"),
                Parameter(
                    "end_event", Kind.TEXT, "where a path ends; customers without it do not count"
                ),
                Parameter(
                    "depth", Kind.COUNT, "the most transitions of a path", default=5, most=MAX_STEPS
                ),
                Parameter(
                    "names",
                    Kind.COUNT,
                    f"how many of the most frequent steps keep their name; others are {OTHER}",
                    default=20,
                    most=1_000,
                ),
                _first(200),
            ),
            (
                _integer("step", "the place of the transition in the path, from 1"),
                _text("from", "the step before"),
                _text("to", "the step after"),
                _integer("customers", "customers whose path has it there"),
            ),
        ),
        Journey(
            "funnel",
            "How many customers did these steps in this order?",
            (_STEPS, _within()),
            _FUNNEL,
        ),
        Journey(
            "funnel_by",
            "How many customers did these steps in this order, by a property or trait?",
            (
                _STEPS,
                _within(),
                Parameter("by", Kind.PROPERTY, "the property or trait to split by", required=True),
                _first(10, f"how many of the most frequent values stand alone; others are {OTHER}"),
            ),
            (_text("value", "the value, as text"), *_FUNNEL),
        ),
        Journey(
            "correlation",
            "Which steps go together with reaching a goal?",
            (
                Parameter("goal", Kind.TEXT, "the step to be reached", required=True),
                _first(20),
            ),
            (
                _text("event", "the step"),
                _number("phi", "-1 to 1; 0 where all or none did the step or the goal"),
                _integer("both", "customers who did both"),
                _integer("event_only", "customers who did the step alone"),
                _integer("goal_only", "customers who did the goal alone"),
                _integer("neither", "customers who did neither"),
            ),
        ),
        Journey(
            "drop_off",
            "What did customers do last who have been silent since?",
            (
                Parameter(
                    "silent_for", Kind.DURATION, "how long before “until”, at least", default="30d"
                ),
                _first(20),
            ),
            (
                _text("event", "the last step"),
                _integer("customers", "silent customers whose last step it was"),
                _number("share", "of all silent customers"),
            ),
        ),
        Journey(
            "retention",
            "How many customers come back, by the week in which they came first?",
            (
                Parameter("start_event", Kind.TEXT, "what makes a customer begin; else any step"),
                Parameter("return_event", Kind.TEXT, "what counts as coming back; else any step"),
                Parameter(
                    "weeks", Kind.COUNT, "how many weeks to follow a cohort", default=12, most=104
                ),
                _first(1_000),
            ),
            (
                _text("cohort", "the Monday of the first week, in UTC"),
                _integer("week", "weeks after it"),
                _integer("customers", "customers of the cohort who came back then"),
                _number("share", "of the cohort"),
            ),
        ),
        Journey(
            "time_to_convert",
            "How long does it take from one step to another?",
            (
                Parameter("start_event", Kind.TEXT, "where the time begins", required=True),
                Parameter("goal", Kind.TEXT, "where it ends", required=True),
                _within("90d"),
            ),
            (
                _integer("from_seconds", "it took at least as long"),
                _integer("to_seconds", "and less than this; none in the last row"),
                _integer("customers", "customers who took as long"),
                _number("share", "of all customers who began"),
            ),
        ),
        Journey(
            "attribution",
            "Which channels bring conversions?",
            (
                Parameter("goal", Kind.TEXT, "the step that is a conversion", required=True),
                Parameter(
                    "within", Kind.DURATION, "how long before it a touch may lie", default="30d"
                ),
                Parameter(
                    "session", Kind.DURATION, "the longest pause inside a session", default=SESSION
                ),
                Parameter("half_life", Kind.DURATION, "how soon a touch weighs half", default="7d"),
                _first(50),
            ),
            (
                _text("channel", f"the channel; {DIRECT} where there was no touch"),
                _integer("customers", "customers with a touch of it before the conversion"),
                _number("first_touch", "conversions, each given to its first touch"),
                _number("last_touch", "conversions, each given to its last touch"),
                _number("linear", "conversions, each shared equally by its touches"),
                _number("time_decay", "conversions, shared by touches that weigh more the later"),
            ),
        ),
        Journey(
            "customer_path",
            "What did one customer do, on every device, session by session?",
            (
                Parameter(
                    "identifier", Kind.IDENTIFIER, "any identifier of the customer", required=True
                ),
                Parameter(
                    "session", Kind.DURATION, "the longest pause inside a session", default=SESSION
                ),
                Parameter(
                    "first",
                    Kind.COUNT,
                    "the most steps, the newest of all",
                    default=200,
                    most=1_000,
                ),
            ),
            (
                _integer("session", "counted from 1, of the steps that are shown"),
                _text("at", "when, in UTC"),
                _text("event", "the step"),
                _text("source", "who sent it"),
                Column("identifiers", ColumnType.IDENTIFIERS, "all that the event carries"),
            ),
        ),
        Journey(
            "hidden_by_quarantine",
            "What was done on contested devices, so by nobody in particular?",
            (
                Parameter(
                    "kinds",
                    Kind.KINDS,
                    "the kinds of customers that count; no other holds a contested device",
                    default=(CustomerKind.QUARANTINED,),
                    most=len(CustomerKind),
                ),
                _first(50),
            ),
            (
                _text("identifier", "what the events belong to: the device or what it came with"),
                _text("event", "the step"),
                _integer("events", "how often it was done there"),
                _number("share", "of all events of that step, on whatever device"),
            ),
        ),
        Journey(
            "cross_app_users",
            "How many customers use two apps?",
            (_first(50),),
            (
                _text("source", "a source"),
                _text("other_source", "another one, later in text order"),
                _integer("customers", "customers with a step in both"),
                _number("share", "of the customers with a step in either"),
            ),
        ),
        Journey(
            "accounts",
            "Which accounts have members who did all of these steps, whoever did which?",
            (
                Parameter(
                    "steps", Kind.TEXTS, "the steps, in any order", required=True, most=MAX_STEPS
                ),
                _first(50),
            ),
            (
                _text("account", "the id of the account"),
                _integer("customers", "members who did one of the steps"),
                _integer("events", "how often they did them"),
            ),
        ),
        Journey(
            "newsletter_to_customer",
            "How many newsletter subscribers become customers, and how fast, by channel?",
            (
                Parameter(
                    "subscribed", Kind.TEXT, "the step that is a subscription", required=True
                ),
                Parameter("goal", Kind.TEXT, "the step that makes a customer", required=True),
                _within("90d"),
                _first(50),
            ),
            (
                _text("channel", f"that of the subscription; {DIRECT} where it has none"),
                _integer("subscribers", "customers whose first subscription came by it"),
                _integer("customers", "subscribers who reached the goal"),
                _number("share", "of the subscribers"),
                _number("median_seconds", "from the subscription to the goal"),
            ),
        ),
        Journey(
            "changed_identities",
            "Whose identity changed since a date, and how much of a figure is theirs?",
            (
                Parameter(
                    "changed_since", Kind.MOMENT, "the first moment of a change", required=True
                ),
                Parameter("event", Kind.TEXT, "the step that the figure counts", required=True),
                Parameter(
                    "kinds",
                    Kind.KINDS,
                    "the kinds of customers that count; all, as to be contested is a change too",
                    default=tuple(CustomerKind),
                    most=len(CustomerKind),
                ),
            ),
            (
                _text("kind", f"the kind of change; {ANY} for all customers, each once"),
                _integer("customers", "customers of today that such a change named"),
                _integer("customers_with_step", "those of them who did the step"),
                _integer("events", "how often they did it"),
                _number("share", "of all events of that step, whoever did it"),
            ),
        ),
    )
}
"""Every journey by its name."""


def journey(name: str) -> Journey:
    """The journey of that name. Raises NotFound."""
    found = JOURNEYS.get(name)
    if found is None:
        raise NotFound(
            f"There is no journey “{name}”.", remedy=f"There are {', '.join(sorted(JOURNEYS))}."
        )
    return found
