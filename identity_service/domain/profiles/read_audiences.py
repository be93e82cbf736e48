# ruff: noqa: D102  (a method reads the part of the text that it is named for)
"""Audiences and their conditions, as a text of profiles says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from identity_service.domain.policies.field_reader import (
    join,
    shown,
)
from identity_service.domain.policies.policy import TYPE_NAME_HELP, is_type_name
from identity_service.domain.profiles.definitions import (
    CAMPAIGN_CAUSES,
    Aggregate,
    AllConditions,
    AnyCondition,
    Audience,
    By,
    CauseKind,
    Comparison,
    Condition,
    Consents,
    Did,
    Feature,
    FeatureIs,
    FollowUp,
    Function,
    HasIdentifier,
    InAudience,
    Members,
    NotCondition,
    Of,
    Operator,
    Quantifier,
    Times,
    TraitIs,
)
from identity_service.domain.profiles.read_features import FeatureReader
from identity_service.domain.profiles.read_selections import MAX_TIMES, meant_name
from identity_service.domain.profiles.vocabulary import (
    AUDIENCE,
    CONDITIONS,
    FOLLOW_UP,
)
from identity_service.domain.resolution.id_register import CustomerKind

MAX_AUDIENCES: Final = 500
"""Most audiences."""

_DID_KEYS: Final = (
    *("did", "where", "within", "between", "since", "sources", "kinds_of_events"),
    *("times", "then", "then_not"),
)
_NOBODY: Final = AnyCondition(())
"""Stands for a condition with a mistake."""


@dataclass(slots=True)
class AudienceReader(FeatureReader):
    """Reads audiences; as `FeatureReader` in all else. The features are known by then."""

    features_of: dict[Of, Mapping[str, Feature]] = field(
        default_factory=dict[Of, Mapping[str, Feature]]
    )
    audience_of: dict[str, Of] = field(default_factory=dict[str, Of])

    def audiences(self, fields: Mapping[str, Any]) -> dict[str, Audience]:
        found: dict[str, Audience] = {}
        section = self.section(fields, "audiences", MAX_AUDIENCES)
        for name, value in section.items():
            of_accounts = (
                isinstance(value, dict) and cast("dict[str, Any]", value).get("of") == Of.ACCOUNTS
            )
            self.audience_of[name] = Of.ACCOUNTS if of_accounts else Of.CUSTOMERS
        for name, value in section.items():
            path = f"audiences.{name}"
            self.name(name, path)
            found[name] = self.audience(value, path)
        return found

    def audience(self, value: object, path: str) -> Audience:
        fields = self.mapping(value, path, tuple(AUDIENCE))
        of = self.choice(fields, "of", path, Of) or Of.CUSTOMERS
        if isinstance(value, dict):
            self.require(fields, "who", path, "say who is in it, as in who: {did: Order Completed}")
        who = _NOBODY
        if fields.get("who") is not None:
            who = self.condition(fields["who"], f"{path}.who", of)
            self.warn_unknown(who, f"{path}.who", of, frozenset(), negated=False)
        kinds = self.listed(fields, "kinds", path, CustomerKind)
        if kinds is not None and of is Of.ACCOUNTS:
            self.note(f"{path}.kinds", "speaks of customers, and this audience holds accounts")
        causes = self.listed(fields, "starts_campaigns", path, CauseKind)
        enabled = fields.get("enabled", True)
        if not isinstance(enabled, bool):
            self.note(f"{path}.enabled", f"{shown(enabled)} is neither true nor false")
        return Audience(
            who=who,
            of=of,
            kinds=frozenset({CustomerKind.KNOWN}) if kinds is None else kinds,
            enabled=enabled is True,
            campaign_causes=CAMPAIGN_CAUSES if causes is None else causes,
        )

    def condition(self, value: object, path: str, of: Of) -> Condition:
        fields = self.mapping(value, path, None)
        if not isinstance(value, dict):
            return _NOBODY
        # `in` and `not` are comparisons too.
        heads = [key for key in ("did", "feature", "trait") if key in fields] or [
            key for key in fields if key in CONDITIONS
        ]
        if len(heads) != 1:
            self.note_head(fields, heads, path, tuple(CONDITIONS), "condition")
            return _NOBODY
        head = heads[0]
        match head:
            case "did":
                return self.did(fields, path, of)
            case "feature":
                return self.feature_is(fields, path, of)
            case "trait":
                name = self.property_name(fields, "trait", path) or ""
                return TraitIs(name, self.compared(fields, "trait", path))
            case _:
                self.mapping(dict(fields), path, (head,))
                return self.simple(head, fields, path, of)

    def simple(self, head: str, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        """A condition of one key."""
        value, where = fields[head], join(path, head)
        match head:
            case "all" | "any":
                given = self.several(fields, head, path, "conditions")
                parts = tuple(self.condition(v, f"{where}.{n}", of) for n, v in enumerate(given))
                return AllConditions(parts) if head == "all" else AnyCondition(parts)
            case "not":
                return NotCondition(self.condition(value, where, of))
            case "in":
                return self.in_audience(value, where, of)
            case "members":
                return self.members(value, where, of)
            case "has":
                self.only_of(Of.CUSTOMERS, of, where)
                if not isinstance(value, str) or not is_type_name(value):
                    self.note(where, f"{shown(value)} is no identifier type: {TYPE_NAME_HELP}")
                return HasIdentifier(str(value))
            case _:
                self.only_of(Of.CUSTOMERS, of, where)
                consent = self.mapping(value, where, ("purpose",))
                if isinstance(value, dict):
                    self.require(consent, "purpose", where, "as in consent: {purpose: marketing}")
                return Consents(self.property_name(consent, "purpose", where) or "")

    def only_of(self, needed: Of, of: Of, path: str) -> None:
        if needed is of:
            return
        if needed is Of.CUSTOMERS:
            self.note(path, "is asked of customers: of an account, ask it of its `members`")
        else:
            self.note(path, "is asked of accounts: the audience needs `of: accounts`")

    def in_audience(self, value: object, path: str, of: Of) -> Condition:
        name = value if isinstance(value, str) else ""
        if name not in self.audience_of:
            nearest = meant_name(value, self.audience_of)
            self.note(path, f"there is no audience {shown(value)}{nearest}")
        elif of is Of.ACCOUNTS and self.audience_of[name] is Of.CUSTOMERS:
            self.note(path, f"{name} holds customers, not accounts: ask it of `members`")
        return InAudience(name)

    def members(self, value: object, path: str, of: Of) -> Condition:
        self.only_of(Of.ACCOUNTS, of, path)
        fields = self.mapping(value, path, tuple(Quantifier))
        if isinstance(value, dict) and len(fields) != 1:
            self.note(path, f"takes one of {', '.join(Quantifier)}, with a condition")
        for quantifier in Quantifier:
            if quantifier in fields:
                inner = self.condition(fields[quantifier], join(path, quantifier), Of.CUSTOMERS)
                return Members(quantifier, inner)
        return _NOBODY

    def did(self, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        self.mapping(dict(fields), path, (*_DID_KEYS, "by") if of is Of.ACCOUNTS else _DID_KEYS)
        by = self.choice(fields, "by", path, By) or By.EVENT
        followed = [key for key in ("then", "then_not") if fields.get(key) is not None]
        if len(followed) > 1:
            self.note(path, "has then and then_not: write two conditions")
        if followed and fields.get("times") is not None:
            self.note(join(path, "times"), f"does not go with {followed[0]}: write two conditions")
        did = Did(
            selection=replace(self.selection(fields, "did", path), by=by),
            times=self.times(fields, path),
            then=self.follow_up(fields, "then", path, by),
            then_not=self.follow_up(fields, "then_not", path, by),
        )
        within, oldest = did.then_not and did.then_not.within, did.selection.window.oldest
        if within and oldest is not None and oldest <= within:
            self.warn(path, "never holds: its window is over before the time of then_not is")
        return did

    def times(self, fields: Mapping[str, Any], path: str) -> Times:
        value, where = fields.get("times"), join(path, "times")
        if value is None:
            return Times(least=1)
        if not isinstance(value, dict):
            exactly = self.whole(fields, "times", path, 0, MAX_TIMES)
            return Times(exactly, exactly)
        bounds = self.mapping(cast("object", value), where, ("gte", "lte"))
        least = self.whole(bounds, "gte", where, 0, MAX_TIMES)
        most = self.whole(bounds, "lte", where, 0, MAX_TIMES)
        if least is None and most is None:
            self.note(where, "needs gte, lte or both")
        elif least is not None and most is not None and least > most:
            self.note(where, "is impossible: gte is larger than lte")
        return Times(least, most)

    def follow_up(self, fields: Mapping[str, Any], key: str, path: str, by: By) -> FollowUp | None:
        if fields.get(key) is None:
            return None
        where = join(path, key)
        said = self.mapping(fields[key], where, tuple(FOLLOW_UP))
        within = self.duration(said, "within", where)
        if key == "then_not":
            self.require(said, "within", where, "say how long to wait for it, as in within: 2h")
        # Its window is `within`, counted from what came before.
        later = {name: value for name, value in said.items() if name != "within"}
        selection = replace(self.selection(later, "did", where), by=by)
        return FollowUp(selection, within, self.property_name(said, "same", where))

    def feature_is(self, fields: Mapping[str, Any], path: str, of: Of) -> Condition:
        name, known = fields["feature"], self.features_of[of]
        if not isinstance(name, str) or name not in known:
            section = "features" if of is Of.CUSTOMERS else "account_features"
            missing = (
                f"there is no such feature among {section}: {shown(name)}{meant_name(name, known)}"
            )
            self.note(join(path, "feature"), missing)
            name = ""
        return FeatureIs(name, self.compared(fields, "feature", path))

    def compared(self, fields: Mapping[str, Any], head: str, path: str) -> tuple[Comparison, ...]:
        self.mapping(dict(fields), path, (head, *Operator))
        comparisons = self.comparisons(fields, path)
        if len(fields) == 1:
            self.note(path, f"compares nothing. Possible: {', '.join(Operator)}")
        return comparisons

    def warn_unknown(
        self, condition: Condition, path: str, of: Of, guarded: frozenset[str], *, negated: bool
    ) -> None:
        """Under `not`, what has no value is unknown, which is rarely meant."""
        match condition:
            case AllConditions(parts) | AnyCondition(parts):
                key = "all" if isinstance(condition, AllConditions) else "any"
                seen = guarded | {_named(part) for part in parts if _asks_existence(part)}
                for at, part in enumerate(parts):
                    self.warn_unknown(part, f"{path}.{key}.{at}", of, seen, negated=negated)
            case NotCondition(part):
                self.warn_unknown(part, f"{path}.not", of, guarded, negated=True)
            case Members(quantifier, part):
                inner = f"{path}.members.{quantifier}"
                self.warn_unknown(part, inner, Of.CUSTOMERS, frozenset(), negated=False)
            case FeatureIs() | TraitIs():
                self.warn_negated(condition, path, of, guarded, negated=negated)
            case _:
                pass

    def warn_negated(
        self,
        condition: FeatureIs | TraitIs,
        path: str,
        of: Of,
        guarded: frozenset[str],
        *,
        negated: bool,
    ) -> None:
        if not negated or _asks_existence(condition) or _named(condition) in guarded:
            return
        if isinstance(condition, FeatureIs):
            feature = self.features_of[of].get(condition.name)
            if isinstance(feature, Aggregate) and feature.function in _NEVER_NULL:
                return
        said = _named(condition)
        self.warn(
            path,
            f"is unknown of who has no {said.replace(': ', ' ')}, and so is its `not`: to let them"
            f" in, write any: [{{{said}, exists: false}}, {{not: …}}]; to keep them out,"
            f" all: [{{{said}, exists: true}}, {{not: …}}]",
        )


_NEVER_NULL: Final = frozenset(
    {
        Function.COUNT,
        Function.SUM,
        Function.DISTINCT,
        Function.DAYS,
        Function.LIST,
        Function.COUNTS,
    }
)


def _named(condition: Condition) -> str:
    match condition:
        case FeatureIs(name):
            return f"feature: {name}"
        case TraitIs(name):
            return f"trait: {name}"
        case _:
            return ""


def _asks_existence(condition: Condition) -> bool:
    return isinstance(condition, FeatureIs | TraitIs) and any(
        comparison.operator is Operator.EXISTS for comparison in condition.comparisons
    )
