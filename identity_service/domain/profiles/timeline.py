"""The events of a customer or account in their order: which of them count at one instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from identity_service.domain.profiles.definitions import Selection
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.profiles.predicates import Occurrence, predicate
from identity_service.domain.profiles.values import read_json

NO_PROPERTIES: Final[Mapping[str, Any]] = {}


class Horizon:
    """The first moment after `now` at which something may change without an event."""

    __slots__ = ("at", "now")

    def __init__(self, now: int) -> None:
        self.now = now
        self.at: int | None = None

    def may_change(self, at: int) -> None:
        """Something may change at that moment; past ones say nothing."""
        if at > self.now and (self.at is None or at < self.at):
            self.at = at


class Reader:
    """A selection, made ready. `reads_properties`: so does what is computed of it."""

    __slots__ = ("fulfils", "reads_properties", "selection")

    def __init__(self, selection: Selection, *, reads_properties: bool) -> None:
        self.selection = selection
        self.fulfils: Callable[[Occurrence], bool] | None = (
            predicate(selection.where) if selection.where else None
        )
        self.reads_properties = reads_properties or bool(selection.where or selection.each)


class Timeline:
    """Events in their order, each once, found by step; properties are read once, when needed."""

    __slots__ = ("_ats", "_by_step", "_events", "_horizon", "_read", "_steps", "_unread")

    def __init__(self, events: Mapping[str, Sequence[ProfileEvent]], horizon: Horizon) -> None:
        """`events` are by the customer whose they are."""
        if len(events) == 1:
            ((customer, only),) = events.items()
            found = sorted([(event.order, event, customer) for event in only])
        else:
            found = sorted(
                (event.order, event, customer)
                for customer, some in events.items()
                for event in some
            )
        if len({order.key for order, _, _ in found}) < len(found):
            found = list({order.key: (order, e, c) for order, e, c in reversed(found)}.values())
            found.reverse()
        self._events = found
        self._horizon = horizon
        self._ats = [order.at for order, _, _ in found]
        self._unread: list[Occurrence] = [(event, NO_PROPERTIES, c) for _, event, c in found]
        self._read: list[Occurrence | None] = [None] * len(found)
        self._by_step: dict[str, list[int]] = {}
        self._steps: list[int] = []
        for position, (_, event, _) in enumerate(found):
            step = event.step
            if step is None:
                continue
            self._steps.append(position)
            there = self._by_step.get(step)
            if there is None:
                self._by_step[step] = [position]
            else:
                there.append(position)

    @property
    def now(self) -> int:
        """The instant at which is asked."""
        return self._horizon.now

    def select(self, reader: Reader) -> list[Occurrence]:
        """The occurrences that count now, in order; the horizon learns when others will."""
        window = reader.selection.window
        positions, at = self._positions(reader.selection), self._ats.__getitem__
        begin = 0 if window.since is None else bisect_left(positions, window.since, key=at)
        if window.oldest is not None:
            begin = max(begin, bisect_right(positions, self.now - window.oldest, key=at))
        end = bisect_right(positions, self.now - window.newest, key=at)
        found = list(self._occurrences(positions[begin:end], reader))
        if found and window.oldest is not None:
            self._horizon.may_change(found[0][0].order.at + window.oldest)
        following = next(iter(self._occurrences(positions[max(begin, end) :], reader)), None)
        if following is not None:
            self._horizon.may_change(following[0].order.at + window.newest)
        return found

    def _positions(self, selection: Selection) -> Sequence[int]:
        if selection.call is not None:
            return [p for p, (_, e, _) in enumerate(self._events) if e.type == selection.call]
        if selection.steps is None:
            return self._steps
        if len(selection.steps) == 1:
            (step,) = selection.steps
            return self._by_step.get(step, ())
        return sorted(p for step in selection.steps for p in self._by_step.get(step, ()))

    def _occurrences(self, positions: Sequence[int], reader: Reader) -> Iterable[Occurrence]:
        if reader.reads_properties:
            found = self._with_properties(positions, reader.selection.each)
        else:
            found = map(self._unread.__getitem__, positions)
        sources, types = reader.selection.sources, reader.selection.types
        if sources is not None:
            found = (each for each in found if each[0].source in sources)
        if types is not None:
            found = (each for each in found if each[0].type in types)
        return found if reader.fulfils is None else filter(reader.fulfils, found)

    def _with_properties(self, positions: Sequence[int], each: str | None) -> Iterator[Occurrence]:
        """The occurrences at these positions; `each`: every element of that property is one."""
        for position in positions:
            occurrence = self._read[position]
            if occurrence is None:
                _, event, customer = self._events[position]
                occurrence = self._read[position] = (event, properties_of(event), customer)
            if each is None:
                yield occurrence
            else:
                yield from _elements(occurrence, each)


def _elements(occurrence: Occurrence, each: str) -> Iterator[Occurrence]:
    event, properties, customer = occurrence
    elements = properties.get(each)
    for element in cast("list[Any]", elements) if isinstance(elements, list) else ():
        own = cast("dict[str, Any]", element) if isinstance(element, dict) else None
        yield event, {**properties, **({each: element} if own is None else own)}, customer


def properties_of(event: ProfileEvent) -> Mapping[str, Any]:
    """The properties of an event; of a call that is no step, the traits that it reports too."""
    properties = cast("dict[str, Any]", read_json(event.properties_json))
    if event.step is None and event.traits_json:
        return {**cast("dict[str, Any]", read_json(event.traits_json)), **properties}
    return properties
