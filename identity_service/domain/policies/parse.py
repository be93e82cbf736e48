"""The text of a policy: YAML in, a `Policy` or every mistake out.

A text stands on its own or extends a preset (`presets/*.yaml`, texts of the same kind). A type
that it names replaces the preset's rule of that type, whole; its `blocked` adds to the preset's;
its `order`, `other`, `max_component` and `max_identifiers` replace the preset's. No preset limits a
source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from identity_service.domain.events import MAX_IDENTIFIERS
from identity_service.domain.identifiers import MAX_VALUE_BYTES, IdentifierKind
from identity_service.domain.policies.field_reader import FieldReader, join, meant, plain, shown
from identity_service.domain.policies.normalise import is_region
from identity_service.domain.policies.policy import (
    MAX_PRIORITY,
    TYPE_NAME_HELP,
    Blocked,
    Normaliser,
    Order,
    Policy,
    Rule,
    Sharing,
    is_type_name,
)
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.errors import PolicyInvalid

DEFAULT_POLICY_TEXT = "extends: quarantine\n"
"""The policy of a space that names none."""

MAX_POLICY_BYTES = 256 * 1024
"""Longest text that is read."""

MAX_LIMIT = 100_000
"""Largest `limit` of a type."""
MAX_OWNERS = 10_000
"""Largest `owners` of a type."""
MAX_LINKS = 1_000_000
"""Largest `max_links` of a type."""
MAX_COMPONENT = 1_000_000
"""Largest `max_component`."""
MAX_PER_EVENT = MAX_IDENTIFIERS
"""Largest `per_event` of a type."""
MAX_PATTERNS = 100
"""Most blocked patterns: each is tried on every value of its types."""

MAX_LIMITED_SOURCES = 1_000
"""Most sources that a policy limits."""

_POLICY_KEYS = (
    "extends",
    "order",
    "types",
    "other",
    "max_component",
    "max_identifiers",
    "limited_sources",
    "blocked",
)
_RULE_KEYS = (
    "priority",
    "kind",
    "limit",
    "within",
    "shared",
    "owners",
    "dominance",
    "max_links",
    "per_event",
    "ttl",
    "normalise",
    "format",
    "allow",
)
_BLOCKED_KEYS = ("value", "pattern", "types")
_PHONE_OF = re.compile(r"phone\(\s*(\w+)\s*\)")
_SHARED_BY_TIME = (Sharing.MERGE, Sharing.FIRST, Sharing.ISOLATE)


def parse_policy(text: str) -> Policy:
    """Read a policy text that may be put in force.

    Raises PolicyInvalid with every mistake, each at its path. A `ttl` is one: nothing expires.
    """
    return _parse(text, takes_ttl=False)


def parse_stored_policy(text: str) -> Policy:
    """Read a policy text that was put in force, maybe when `ttl` was still accepted.

    Raises PolicyInvalid for every other mistake.
    """
    return _parse(text, takes_ttl=True)


def parse_policy_mapping(data: object) -> Policy:
    """Read a policy that stands inside other YAML, as in a case. Raises PolicyInvalid.

    A `ttl` is read: a case is put in force nowhere.
    """
    return _read(data, _Reading())


def preset_names() -> tuple[str, ...]:
    """The presets that `extends` may name, in alphabetical order."""
    folder = files("identity_service.domain.policies").joinpath("presets")
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def preset_text(name: str) -> str:
    """The text of a preset, comments and all. Raises FileNotFoundError for an unknown name."""
    return (
        files("identity_service.domain.policies")
        .joinpath("presets", f"{name}.yaml")
        .read_text(encoding="utf-8")
    )


@lru_cache(maxsize=64)
def preset(name: str) -> Policy:
    """A preset, read once. Raises FileNotFoundError for an unknown name."""
    return parse_policy(preset_text(name))


def _parse(text: str, *, takes_ttl: bool) -> Policy:
    data, slips = read_yaml(text, name="policy", max_bytes=MAX_POLICY_BYTES)
    if data is None and slips:
        raise PolicyInvalid(tuple(slips))
    return _read(data, _Reading(problems=slips, takes_ttl=takes_ttl))


def _read(data: object, reading: _Reading) -> Policy:
    policy = reading.policy(data)
    if reading.problems:
        raise PolicyInvalid(tuple(reading.problems))
    return policy


@dataclass(slots=True)
class _Reading(FieldReader):
    """One pass over one policy: what is wrong is collected, and reading goes on.

    The methods answer something usable even after a mistake, so that later mistakes are found.
    """

    whole_text = "policy"

    takes_ttl: bool = True

    def policy(self, data: object) -> Policy:
        if data is None:
            self.note("policy", f"is empty; the shortest one is `{DEFAULT_POLICY_TEXT.strip()}`")
            return Policy(rules={})
        fields = self.mapping(data, "", _POLICY_KEYS)
        if not isinstance(data, dict):
            return Policy(rules={})
        base = self.preset_of(fields)
        own = self.types(fields, must_be_there=base is None)
        base = base or Policy(rules={})
        other = self.other(fields, base)
        policy = Policy(
            rules={**base.rules, **own},
            order=self.choice(fields, "order", "", Order) or base.order,
            other=other,
            max_component=self.whole(fields, "max_component", "", 1, MAX_COMPONENT)
            or base.max_component,
            max_identifiers=self.whole(fields, "max_identifiers", "", 1, MAX_COMPONENT)
            or base.max_identifiers,
            blocked=(*base.blocked, *self.blocked(fields)),
            limited_sources=self.limited_sources(fields),
        )
        named = frozenset((*(f"types.{name}" for name in own), *fields.keys() & {"other"}))
        self.check_priorities(policy, named)
        self.check_order(policy, named)
        return policy

    # The parts of a policy

    def preset_of(self, fields: Mapping[str, Any]) -> Policy | None:
        if "extends" not in fields:
            return None
        name = fields["extends"]
        names = preset_names()
        if isinstance(name, str) and name in names:
            return preset(name)
        self.note("extends", f"there is no preset {shown(name)}{meant(name, names)}")
        return Policy(rules={})

    def types(self, fields: Mapping[str, Any], *, must_be_there: bool) -> dict[str, Rule]:
        value: object = fields.get("types")
        named = self.mapping({} if value is None else value, "types", None)
        if must_be_there and not named:
            self.note("types", "is missing: name a type, or extend a preset")
        rules: dict[str, Rule] = {}
        for name, value in named.items():
            path = f"types.{name}"
            if not is_type_name(name):
                self.note(path, f"is no name of a type: {TYPE_NAME_HELP}")
            rules[name] = self.rule(value, path)
        return rules

    def other(self, fields: Mapping[str, Any], base: Policy) -> Rule | None:
        if "other" not in fields:
            return base.other
        return None if fields["other"] is None else self.rule(fields["other"], "other")

    def rule(self, value: object, path: str) -> Rule:
        fields = self.mapping(value, path, _RULE_KEYS)
        if isinstance(value, dict):
            self.require(fields, "priority", path, "1 is the strongest")
            self.require(fields, "kind", path, "person or device")
        normalise, region = self.normaliser(fields, path)
        rule = Rule(
            priority=self.whole(fields, "priority", path, 1, MAX_PRIORITY) or 0,
            kind=self.choice(fields, "kind", path, IdentifierKind) or IdentifierKind.DEVICE,
            limit=self.whole(fields, "limit", path, 1, MAX_LIMIT),
            within=self.duration(fields, "within", path),
            shared=self.choice(fields, "shared", path, Sharing) or Sharing.FIRST,
            owners=self.whole(fields, "owners", path, 1, MAX_OWNERS) or 1,
            dominance=self.share(fields, "dominance", path),
            max_links=self.whole(fields, "max_links", path, 1, MAX_LINKS),
            per_event=self.whole(fields, "per_event", path, 1, MAX_PER_EVENT),
            ttl=self.duration(fields, "ttl", path),
            normalise=normalise,
            region=region,
            format=self.regex(fields, "format", path),
            allow=frozenset(self.texts(fields, "allow", path)),
        )
        self.check_rule(fields, rule, path)
        return rule

    def normaliser(self, fields: Mapping[str, Any], path: str) -> tuple[Normaliser, str | None]:
        """What `normalise` says, and the country of `phone(NL)`."""
        found = _PHONE_OF.fullmatch(str(fields.get("normalise")))
        if found is None:
            return self.choice(fields, "normalise", path, Normaliser) or Normaliser.NONE, None
        if not is_region(found[1]):
            self.note(
                join(path, "normalise"),
                f"knows no country {shown(found[1])}: write its two letters, as in phone(NL)",
            )
        return Normaliser.PHONE, found[1]

    def check_rule(self, fields: Mapping[str, Any], rule: Rule, path: str) -> None:
        if rule.ttl is not None and not self.takes_ttl:
            self.note(
                join(path, "ttl"),
                "has no effect, nothing expires by it: leave it out. For values that come and go,"
                " `limit` with `within` counts only those first seen within a time",
            )
        if fields.get("within") is not None and fields.get("limit") is None:
            self.note(join(path, "within"), "needs a limit: it says inside what time that counts")
        if fields.get("shared") not in (None, *Sharing) or rule.shared is Sharing.QUARANTINE:
            return
        for key in ("owners", "dominance"):
            if fields.get(key) is not None:
                self.note(
                    join(path, key),
                    f"speaks only with `shared: quarantine`, and shared is {rule.shared}:"
                    f" leave out {key}, or quarantine what is shared",
                )

    def blocked(self, fields: Mapping[str, Any]) -> tuple[Blocked, ...]:
        entries: list[Blocked] = []
        for at, value in enumerate(self.sequence(fields, "blocked", "")):
            path = f"blocked.{at}"
            entry = self.mapping(value, path, _BLOCKED_KEYS)
            if isinstance(value, dict) and ("value" in entry) == ("pattern" in entry):
                self.note(path, "needs either a value or a pattern")
            types = self.texts(entry, "types", path)
            for position, name in enumerate(types):
                if not is_type_name(name):
                    self.note(f"{path}.types.{position}", f"is no type: {TYPE_NAME_HELP}")
            if entry.get("types") == []:
                self.note(f"{path}.types", "names no type: leave it out to block for every type")
            entries.append(
                Blocked(
                    value=self.text(entry, "value", path),
                    pattern=self.regex(entry, "pattern", path),
                    types=frozenset(types) or None,
                )
            )
        if sum(entry.pattern is not None for entry in entries) > MAX_PATTERNS:
            hint = "block values, which cost nothing, or join patterns with “|”"
            self.note("blocked", f"holds too many patterns, at most {MAX_PATTERNS}: {hint}")
        return tuple(entries)

    def limited_sources(self, fields: Mapping[str, Any]) -> frozenset[str]:
        names = self.texts(fields, "limited_sources", "")
        if len(names) > MAX_LIMITED_SOURCES:
            self.note("limited_sources", f"names more than {MAX_LIMITED_SOURCES:,} sources")
        return frozenset(names)

    # Rules over several types. `named` are the paths of the rules that the text itself holds.

    def check_priorities(self, policy: Policy, named: frozenset[str]) -> None:
        rules = {path: rule for path, rule in _rules_by_path(policy).items() if rule.priority}
        taken = {rule.priority for rule in rules.values()}
        holders: dict[int, str] = {}
        for path in sorted(rules, key=lambda path: path in named):
            priority = rules[path].priority
            holder = holders.setdefault(priority, path)
            if holder == path:
                continue
            free = next(n for n in range(priority, priority + len(taken) + 1) if n not in taken)
            self.note(
                f"{path}.priority",
                f"{priority} is the priority of both {_name(holder)}"
                f"{'' if holder in named else ' (of the preset)'} and {_name(path)}, and each"
                f" needs its own: the next free one is {free}",
            )

    def check_order(self, policy: Policy, named: frozenset[str]) -> None:
        if policy.order is not Order.TIME:
            return
        allowed = ", ".join(_SHARED_BY_TIME)
        rules = _rules_by_path(policy)
        unfit = [path for path, rule in rules.items() if rule.shared not in _SHARED_BY_TIME]
        for path in (path for path in unfit if path in named):
            self.note(
                f"{path}.shared",
                f"{rules[path].shared} needs the levels of `order: priority`;"
                f" `order: time` goes with {allowed}",
            )
        if inherited := [_name(path) for path in unfit if path not in named]:
            self.note(
                "order",
                f"time goes with `shared: {allowed}` only, and the preset has others for"
                f" {', '.join(inherited)}: use `order: priority`, or name these types",
            )

    # Single values, as in `FieldReader`.

    def texts(self, fields: Mapping[str, Any], key: str, path: str) -> list[str]:
        found: list[str] = []
        for at, value in enumerate(self.sequence(fields, key, path)):
            text = self.text({str(at): value}, str(at), join(path, key))
            if value is None:
                self.note(join(path, key, str(at)), 'is empty; text goes in quotes: "null"')
            if text is not None:
                found.append(text)
        return found

    def text(self, fields: Mapping[str, Any], key: str, path: str) -> str | None:
        value = fields.get(key)
        if value is None:
            if key == "value" and key in fields:
                self.note(join(path, key), 'is empty; text goes in quotes: "null"')
            return None
        if not isinstance(value, str):
            self.note(join(path, key), f'must be text: put it in quotes, "{plain(value)}"')
            return None
        if not value.strip():
            self.note(join(path, key), "is empty; an empty value is never an identifier anyhow")
        if len(value.encode(errors="surrogatepass")) > MAX_VALUE_BYTES:
            self.note(join(path, key), f"is too long: at most {MAX_VALUE_BYTES} bytes")
        return value

    def share(self, fields: Mapping[str, Any], key: str, path: str) -> float | None:
        value = fields.get(key)
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0.5 < value <= 1:
            self.note(join(path, key), f"{shown(value)} is not a share above 0.5 and at most 1")
            return None
        return float(value)


def _rules_by_path(policy: Policy) -> dict[str, Rule]:
    rules = {f"types.{name}": rule for name, rule in policy.rules.items()}
    return {**rules, "other": policy.other} if policy.other else rules


def _name(path: str) -> str:
    return path.removeprefix("types.")
