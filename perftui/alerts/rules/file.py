"""Rules and inhibitions out of TOML: the defaults, what perftui.toml says instead, and its own; checked strictly.

A mistake costs what it is in and nothing else: a wrong rule is left out, and of a default the default stays.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec

from perftui.alerts.rules.check import check_inhibition, check_rule
from perftui.alerts.rules.rule import Inhibition, Rule, RuleBook
from perftui.alerts.rules.tables import Table, laid_over, plain
from perftui.alerts.rules.words import rule_info
from perftui.config.checks import check_name
from perftui.config.decode import Problems, Where, decode, unknown
from perftui.config.kinds import HttpOptions
from perftui.config.load import parsed, tables_of
from perftui.config.settings import Settings
from perftui.core.alert import RuleInfo
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import ConfigError
from perftui.core.metric import Metric
from perftui.core.text import did_you_mean

DEFAULTS = "default_rules.toml"
_LISTS = ("rules", "inhibitions")
Entry = TypeVar("Entry", Rule, Inhibition)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says: its tables by name, those of rules plain, and what they mean."""

    rule_tables: dict[str, Table]
    inhibition_tables: dict[str, Table]
    rules: dict[str, Rule]
    inhibitions: dict[str, Inhibition]


_NOTHING = Written(rule_tables={}, inhibition_tables={}, rules={}, inhibitions={})


def rule_book(settings: Settings) -> RuleBook:
    """Return the rules in force, with a line for each mistake in those of the settings."""
    problems = Problems(Path(settings.path).name)
    own = written(settings, problems)
    return RuleBook(
        rules=_in_force({**defaults().rules, **own.rules}),
        inhibitions=_in_force({**defaults().inhibitions, **own.inhibitions}),
        problems=tuple(problems.lines),
    )


def written(settings: Settings, problems: Problems) -> Written:
    """Return what the settings say that is right, laid over the defaults; the rest is added to `problems`."""
    base = defaults()
    return _read(settings.rules, settings.inhibitions, base, known_metrics(settings), settings.notify.keys(), problems)


def rule_infos(settings: Settings) -> tuple[RuleInfo, ...]:
    """Return every rule with its figures as they are written, those included that are switched off."""
    file = Path(settings.path).name
    base, own = defaults(), written(settings, Problems(file))
    infos = []
    for name, rule in {**base.rules, **own.rules}.items():
        is_own = name in own.rules
        table = own.rule_tables[name] if is_own else base.rule_tables[name]
        changed = is_own and table != base.rule_tables.get(name)
        infos.append(rule_info(rule, table, origin=file if changed else DEFAULTS, changed=changed))
    return tuple(infos)


def known_metrics(settings: Settings) -> dict[str, Metric]:
    """Return the metrics that a rule can look at: those of the catalogue, and those that http sources declare."""
    declared = (source.options.metrics for source in settings.sources if isinstance(source.options, HttpOptions))
    return CATALOGUE | {name: metric.metric(name) for metrics in declared for name, metric in metrics.items()}


def book_alone(
    rules: Sequence[Table], inhibitions: Sequence[Table], known: Mapping[str, Metric], problems: Problems
) -> RuleBook:
    """Return what these tables say without the defaults; mistakes are added to `problems`."""
    found = _read(rules, inhibitions, _NOTHING, known, None, problems)
    return RuleBook(rules=_in_force(found.rules), inhibitions=_in_force(found.inhibitions))


def default_rules() -> tuple[Rule, ...]:
    """Return the rules that come with perftui."""
    return _in_force(defaults().rules)


def default_inhibitions() -> tuple[Inhibition, ...]:
    """Return the inhibitions that come with perftui."""
    return _in_force(defaults().inhibitions)


@cache
def defaults() -> Written:
    """Return what the file of the defaults says."""
    return _strictly(resources.files("perftui.alerts.rules").joinpath(DEFAULTS).read_text("utf-8"), DEFAULTS, CATALOGUE)


def _strictly(text: str, where: str, known: Mapping[str, Metric]) -> Written:
    problems = Problems(where)
    document = parsed(text.encode(), problems)
    for key in document:
        if key not in _LISTS:
            problems.add((), unknown("key", key, _LISTS))
    rules, inhibitions = (tables_of(document, name, problems) for name in _LISTS)
    found = _read(rules, inhibitions, _NOTHING, known, None, problems)
    if problems.lines:
        raise ConfigError("\n".join(problems.lines))
    return found


def _read(
    rules: Sequence[Table],
    inhibitions: Sequence[Table],
    base: Written,
    known: Mapping[str, Metric],
    routes: Collection[str] | None,
    problems: Problems,
) -> Written:
    found = Written(rule_tables={}, inhibition_tables={}, rules={}, inhibitions={})
    for name, where, table in _named(rules, "rules", problems):
        whole = laid_over(base.rule_tables[name], table) if name in base.rule_tables else plain(table)
        before = len(problems.lines)
        rule = _rule(name, whole, base, where, problems)
        if rule is not None:
            check_rule(rule, known, routes, where, problems, is_whole=len(problems.lines) == before)
            if len(problems.lines) == before:
                found.rules[name], found.rule_tables[name] = rule, whole
    for name, where, table in _named(inhibitions, "inhibitions", problems):
        whole = {**base.inhibition_tables.get(name, {}), **table}
        before = len(problems.lines)
        inhibition = decode(Inhibition, whole, where, problems)
        if inhibition is not None:
            check_inhibition(inhibition, where, problems)
            if len(problems.lines) == before:
                found.inhibitions[name], found.inhibition_tables[name] = inhibition, whole
    return found


def _rule(name: str, table: Table, base: Written, where: Where, problems: Problems) -> Rule | None:
    near = did_you_mean(name, base.rules) if "metric" not in table else ""
    if near:  # more likely a slip in the name than a rule without what it looks at
        problems.add(where, f"is no rule that comes with perftui, and has no metric; {near}")
        return None
    return decode(Rule, dict(table), where, problems)


def _named(tables: Sequence[Table], kind: str, problems: Problems) -> list[tuple[str, Where, Table]]:
    """Return each table with its name and place; those without a name of their own are problems."""
    found: dict[str, tuple[str, Where, Table]] = {}
    for number, table in enumerate(tables, 1):
        name = table.get("name")
        where = (f'[[{kind}]] "{name}"' if isinstance(name, str) and name else f"[[{kind}]] number {number}",)
        if not isinstance(name, str):
            problems.add(where, 'missing key "name"' if name is None else "name must be text in quotes")
        elif name in found:
            problems.add(where, "stands here twice; only the first counts")
        else:
            before = len(problems.lines)
            check_name(kind.removesuffix("s"), name, where, problems)
            if len(problems.lines) == before:
                found[name] = (name, where, table)
    return list(found.values())


def _in_force(entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries.values() if entry.enabled)
