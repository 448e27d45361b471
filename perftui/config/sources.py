"""The `[sources.NAME]` tables, each decoded by itself, so that a mistake in one leaves the others standing."""

import re
from typing import Any

import msgspec

from perftui.config.address import address_of
from perftui.config.checks import INTERVALS, TIMEOUTS, check_duration, check_options, check_secrets
from perftui.config.decode import Problems, Where, decode, unknown
from perftui.config.duration import Duration
from perftui.config.kinds import DEFAULT_INTERVAL, KINDS, MySQLOptions, Options
from perftui.config.mycnf import read_client_defaults
from perftui.config.paths import expanded
from perftui.config.settings import SourceSettings
from perftui.config.tables import SOURCE_KEYS, SOURCE_NAME, STANDARD_INTERVAL, SourceTable, TopTable
from perftui.core.errors import ConfigError

ALWAYS = ("system", "agent")
"""The kinds that are there whether configured or not, each under its own name."""


def default_sources(interval: float, configured: tuple[SourceSettings, ...] = ()) -> tuple[SourceSettings, ...]:
    """Return the sources that are always there, this host and the agent, except those configured already."""
    there = {source.kind for source in configured}
    return tuple(
        SourceSettings(name=kind, kind=kind, options=KINDS[kind](), interval=interval)
        for kind in ALWAYS
        if kind not in there
    )


def interval_of(kind: str, interval: float) -> float:
    """Return how often a source is polled that says nothing of it: as the rest, but no oftener than suits its kind."""
    calm = DEFAULT_INTERVAL[kind]
    return max(interval, calm) if calm > STANDARD_INTERVAL else interval


def read_sources(tables: object, top: TopTable, mode: int, problems: Problems) -> tuple[SourceSettings, ...]:
    """Return the sources that are right, those always there first; `mode` is the file's, for literal secrets."""
    if not isinstance(tables, dict):
        problems.add((), "sources must be tables: write [sources.NAME] for each")
        tables = {}
    found = (_source(name, table, top, mode, problems) for name, table in tables.items())
    configured = tuple(source for source in found if source is not None)
    return default_sources(top.interval, configured) + configured


def _source(name: str, table: object, top: TopTable, mode: int, problems: Problems) -> SourceSettings | None:
    where, before = ("sources", name), len(problems.lines)
    kind = _kind(name, table, where, problems)
    if kind is None or not isinstance(table, dict):
        return None
    own = {key: value for key, value in table.items() if key not in SOURCE_KEYS}
    common = decode(SourceTable, {key: table[key] for key in table if key in SOURCE_KEYS}, where, problems)
    options = decode(KINDS[kind], own, where, problems, SOURCE_KEYS)
    if common is not None:
        _check_times(common, where, problems)
    if options is not None:
        check_secrets(options, mode, where, problems)
        options = _filled(options, own, where, problems)
        check_options(options, where, problems)
    if common is None or options is None or len(problems.lines) > before:
        return None
    return SourceSettings(
        name=name,
        kind=kind,
        options=options,
        interval=common.interval or interval_of(kind, top.interval),
        timeout=common.timeout or None,
        production=common.production,
        read_only=common.read_only,
        address=address_of(options),
    )


def _kind(name: str, table: object, where: Where, problems: Problems) -> str | None:
    """Return the kind of a source, once its name and kind are such as can be."""
    kind = table.get("kind") if isinstance(table, dict) else None
    if not isinstance(table, dict):
        problems.add(where, 'must be a table with a "kind" in it')
    elif not re.fullmatch(SOURCE_NAME, name):
        problems.add(where, "a source's name is letters, digits, dots, dashes and underscores, 63 at most")
    elif kind is None:
        problems.add(where, f'missing key "kind"; allowed: {", ".join(KINDS)}')
    elif not isinstance(kind, str):
        problems.add(where, f"kind must be one of {', '.join(KINDS)}, in quotes")
    elif kind not in KINDS:
        problems.add(where, unknown("kind", kind, KINDS))
    elif kind in ALWAYS and name != kind:
        problems.add(where, f'the source of kind "{kind}" is always there and named so; write [sources.{kind}]')
    elif name in ALWAYS and name != kind:
        problems.add(where, f'this name is kept for the kind "{name}"')
    else:
        return kind
    return None


def _check_times(common: SourceTable, where: Where, problems: Problems) -> None:
    if isinstance(common.interval, Duration):
        check_duration("interval", common.interval, INTERVALS, where, problems)
    if isinstance(common.timeout, Duration):
        check_duration("timeout", common.timeout, TIMEOUTS, where, problems)


def _filled(options: Options, written: dict[str, Any], where: Where, problems: Problems) -> Options:
    """Return the options with what a `defaults_file` adds to those that are written."""
    if not (isinstance(options, MySQLOptions) and options.defaults_file):
        return options
    try:
        defaults = read_client_defaults(expanded(options.defaults_file))
    except ConfigError as error:
        problems.add(where, f"defaults_file {error}")
        return options
    if defaults is None:
        problems.add(where, f"defaults_file: there is no {options.defaults_file}")
        return options
    added = {key: value for key, value in msgspec.structs.asdict(defaults).items() if value and key not in written}
    if "host" in written:
        added.pop("socket", None)
    return msgspec.structs.replace(options, **added)
