"""Rules as written in TOML: strictly loaded, and checked against the metric catalogue."""

import string
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import msgspec

from perftui.alerts.amount import Amount
from perftui.config.duration import Duration
from perftui.core.alert import Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import ConfigError
from perftui.core.metric import Metric
from perftui.core.text import did_you_mean

TEMPLATE_WORDS = frozenset({"value", "level", "source", "when", "error"})


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it becomes a warning, and where critical; strictly beyond the level."""

    warning: Amount | None = None
    critical: Amount | None = None


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second metric that must agree: of the same reading, from the series with the same attributes."""

    metric: str
    above: Amount | None = None
    below: Amount | None = None

    def holds(self, value: float) -> bool:
        """Return whether `value` is beyond the bounds that are given."""
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: a metric, the direction that hurts with its levels, and what to say and do about it."""

    name: str
    metric: str
    summary: str
    """What happened; `{value}`, `{level}`, `{source}`, `{when}`, `{error}` and attributes such as `{queue}`."""
    above: Levels | None = None
    below: Levels | None = None
    clear: Amount | None = None
    """Firing ends only on the good side of this (hysteresis)."""
    when: When | tuple[When, ...] = ()
    hold: Duration = msgspec.field(default=Duration(0), name="for")
    """It must be beyond the level for this long."""
    keep_firing_for: Duration = Duration(0)
    """It must be well for this long before it counts as resolved."""
    remedies: tuple[str, ...] = ()
    mark: bool = True
    """Mark the levels on bars and charts; not where they mean nothing without `when`."""

    @property
    def conditions(self) -> tuple[When, ...]:
        """Return what must hold besides, whether written as one table or as a list of them."""
        return self.when if isinstance(self.when, tuple) else (self.when,)

    @property
    def direction(self) -> str:
        """Return `above` or `below`."""
        return "above" if self.above else "below"

    @property
    def levels(self) -> Levels:
        """Return the levels of either direction."""
        return self.above or self.below or Levels()

    def level(self, severity: Severity) -> float | None:
        """Return where `severity` begins."""
        level = self.levels.critical if severity is Severity.CRITICAL else self.levels.warning
        return None if level is None else float(level)

    def severity(self, value: float, *, firing: bool) -> Severity | None:
        """Return how bad `value` is, None when it is well; one that fires is well only past `clear`."""
        if self._beyond(value, self.levels.critical):
            return Severity.CRITICAL
        if self._beyond(value, self.levels.warning):
            return Severity.WARNING
        if firing and self._beyond(value, self.clear):
            return Severity.CRITICAL if self.levels.warning is None else Severity.WARNING
        return None

    def _beyond(self, value: float, level: Amount | None) -> bool:
        return level is not None and (value > level if self.above else value < level)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rules: tuple[dict[str, Any], ...] = ()


def default_rules() -> tuple[Rule, ...]:
    """Return the rules that come with perftui."""
    text = resources.files("perftui.alerts").joinpath("default_rules.toml").read_text("utf-8")
    return load_rules(text, "default_rules.toml")


def load_rules(text: str, where: str, known: Mapping[str, Metric] = CATALOGUE) -> tuple[Rule, ...]:
    """Return the rules of a TOML `text`; `where` names it in errors. Raises ConfigError at the first mistake."""
    try:
        raw = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{where}: {error}") from error
    rules: dict[str, Rule] = {}
    for number, fields in enumerate(raw.rules, 1):
        place = f'{where}: rule {number} "{fields.get("name", "")}"'
        rule = _rule(fields, place)
        _check(rule, place, known)
        if rule.name in rules:
            raise ConfigError(f"{place}: there is another rule of that name")
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(fields: dict[str, Any], place: str) -> Rule:
    names = [field.encode_name for field in msgspec.structs.fields(Rule)]
    for key in fields:
        if key not in names:
            raise ConfigError(f'{place}: unknown key "{key}"{_hint(key, names)}')
    try:
        return msgspec.convert(fields, Rule, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}: {error}") from error


def _decode(kind: type, written: Any) -> Any:
    return Amount.parse(written) if kind is Amount else Duration.parse(str(written))


def _check(rule: Rule, place: str, known: Mapping[str, Metric]) -> None:
    for name in (rule.metric, *(condition.metric for condition in rule.conditions)):
        if name not in known:
            raise ConfigError(f'{place}: there is no metric "{name}"{_hint(name, known)}')
    if (rule.above is None) == (rule.below is None):
        raise ConfigError(f"{place}: give either above or below")
    _check_levels(rule, place)
    if any(condition.above is None and condition.below is None for condition in rule.conditions):
        raise ConfigError(f"{place}: when needs above or below")
    _check_summary(rule.summary, place)


def _check_levels(rule: Rule, place: str) -> None:
    warning, critical = rule.levels.warning, rule.levels.critical
    if warning is None and critical is None:
        raise ConfigError(f"{place}: {rule.direction} needs warning, critical or both")
    if warning is not None and critical is not None and not (critical == warning or rule._beyond(critical, warning)):
        raise ConfigError(f"{place}: critical ({critical:g}) must lie {rule.direction} warning ({warning:g})")
    first = warning if warning is not None else critical
    if rule.clear is not None and first is not None and rule._beyond(rule.clear, first):
        raise ConfigError(f"{place}: clear ({rule.clear:g}) must not lie {rule.direction} the level ({first:g})")


def _check_summary(summary: str, place: str) -> None:
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(summary) if name is not None]
    except ValueError as error:
        raise ConfigError(f"{place}: summary: {error}") from error
    for name in fields:
        if not name.isidentifier():
            words = ", ".join(sorted(TEMPLATE_WORDS))
            raise ConfigError(f'{place}: summary: "{{{name}}}" is neither an attribute nor one of {words}')


def _hint(name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return f"; {hint}" if hint else ""
