"""Written cases for rules: a TOML file says what comes in, and what must fire at given times.

A mistake in the file is a line that names the place and what would be right; there may be many.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from perftui.alerts.cases.notation import Value, parse
from perftui.alerts.rules.file import book_alone, known_metrics, rule_book
from perftui.alerts.rules.rule import RuleBook
from perftui.config.checks import check_duration
from perftui.config.decode import Problems, Where, decode, unknown
from perftui.config.duration import Duration
from perftui.config.load import LARGEST, parsed, read, tables_of
from perftui.config.settings import Settings
from perftui.core.alert import Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import ConfigError
from perftui.core.metric import Metric
from perftui.core.series import SeriesId, attributes
from perftui.core.text import clean, did_you_mean

DEFAULT = "default"
INTERVAL = Duration(1.0)
MOST_STEPS = 200_000
_INTERVALS = (Duration(0.1), Duration(86400))
_KEYS = ("rules", "inhibitions", "interval", "tests")
_TIMES = (Duration(0), Duration(366 * 86400))


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One alert that there must be; what is not given may be anything."""

    rule: str
    source: str
    attributes: dict[str, str] = {}
    state: Literal["pending", "firing", "unknown", "resolved"] = "firing"
    severity: Severity | None = None
    summary: str | None = None
    muted: bool | None = None


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is so at one time: exactly these alerts (with `includes` these at least), so many notifications by then."""

    at: Duration
    alerts: tuple[Expected, ...] = ()
    includes: bool = False
    notifications: int | None = None


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One series, its values in the notation of `cases.notation`."""

    source: str
    metric: str
    values: str
    attributes: dict[str, str] = {}

    @property
    def series(self) -> SeriesId:
        """Return which series it is."""
        return SeriesId(self.source, self.metric, attributes(self.attributes))


class Case(NamedTuple):
    """One test: the values of each series, one each `interval` seconds, and what must be, in the order of time."""

    name: str
    interval: float
    values: Mapping[SeriesId, list[Value]]
    expect: tuple[Expectation, ...]


class CaseFile(NamedTuple):
    """A file of cases with the rules that they are about."""

    path: Path
    book: RuleBook
    known: Mapping[str, Metric]
    cases: tuple[Case, ...]


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    interval: Duration = INTERVAL


class _Test(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    interval: Duration | None = None


def load_cases(path: Path) -> CaseFile:
    """Return the cases of a file. Raises ConfigError, one line a mistake."""
    problems = Problems(str(path))
    document = parsed(_content(path), problems)
    head = decode(_Head, document, (), problems, [key for key in _KEYS if key != "interval"]) or _Head()
    check_duration("interval", head.interval, _INTERVALS, (), problems)
    book, known = _rules(document, path, problems)
    reader = _Reader(book, known, head.interval, problems)
    cases = reader.read(tables_of(document, "tests", problems))
    if not cases and not problems.lines:
        problems.add((), "has no [[tests]]")
    if problems.lines:
        raise ConfigError("\n".join(problems.lines))
    return CaseFile(path, book, known, cases)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(clean(f"{path}: cannot be read: {error.strerror or type(error).__name__}")) from error
    if len(content) > LARGEST:
        raise ConfigError(clean(f"{path}: is larger than 1 MiB; is it the right file?"))
    return content


def _rules(document: dict[str, Any], path: Path, problems: Problems) -> tuple[RuleBook, Mapping[str, Metric]]:
    """Return the rules that the cases are about, and the metrics that there are."""
    written = document.get("rules", DEFAULT)
    inhibitions = tables_of(document, "inhibitions", problems)
    if isinstance(written, list) and written and all(isinstance(entry, dict) for entry in written):
        return book_alone(written, inhibitions, CATALOGUE, problems), CATALOGUE
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        problems.add((), 'rules must be "default", the path of a file, a list of them, or [[rules]] tables')
        return RuleBook(), CATALOGUE
    settings = _settings([path.parent / name for name in names if name != DEFAULT], inhibitions, problems)
    known = known_metrics(settings)
    if DEFAULT not in names:
        of_files = Problems(Path(settings.path).name)
        book = book_alone(settings.rules, settings.inhibitions, known, of_files)
        problems.lines += of_files.lines
    else:
        book = rule_book(settings)
        problems.lines += book.problems
    return book, known


def _settings(paths: Sequence[Path], inhibitions: tuple[dict[str, Any], ...], problems: Problems) -> Settings:
    """Return what the files say together: each may be a whole perftui.toml, or rules alone."""
    every = [read(path, must_exist=True) for path in paths]
    problems.lines += [line for loaded in every for line in loaded.problems]
    return Settings(
        sources=tuple(source for loaded in every for source in loaded.settings.sources),
        rules=tuple(rule for loaded in every for rule in loaded.settings.rules),
        inhibitions=(*(each for loaded in every for each in loaded.settings.inhibitions), *inhibitions),
        notify={name: route for loaded in every for name, route in loaded.settings.notify.items()},
        path=str(paths[0] if len(paths) == 1 else problems.file),
    )


class _Reader:
    """Reads the tests of one file."""

    def __init__(self, book: RuleBook, known: Mapping[str, Metric], interval: Duration, problems: Problems) -> None:
        self._rules = {rule.name for rule in book.rules}
        self._known = known
        self._interval = interval
        self._problems = problems

    def read(self, tables: Sequence[dict[str, Any]]) -> tuple[Case, ...]:
        """Return all tests; what is wrong with any is added to the problems."""
        cases = []
        names: set[str] = set()
        for number, table in enumerate(tables, 1):
            name = table.get("name")
            where = (f'[[tests]] "{name}"' if isinstance(name, str) and name else f"[[tests]] number {number}",)
            test = decode(_Test, table, where, self._problems, ("input", "expect"))
            if test is None:
                continue
            if test.name in names:
                self._problems.add(where, "stands here twice; give each a name of its own")
            names.add(test.name)
            cases.append(self._case(test, table, where))
        return tuple(cases)

    def _case(self, test: _Test, table: dict[str, Any], where: Where) -> Case:
        interval = self._interval if test.interval is None else test.interval
        check_duration("interval", interval, _INTERVALS, where, self._problems)
        values = dict(self._inputs(table, where))
        sources = {series.source for series in values}
        expect = sorted(self._expectations(table, sources, where), key=lambda each: each.at)
        if expect and expect[-1].at > MOST_STEPS * interval > 0:
            self._problems.add(where, f"takes more than {MOST_STEPS} steps of {interval.text}; take a longer interval")
        return Case(test.name, float(interval), values, tuple(expect))

    def _inputs(self, table: dict[str, Any], where: Where) -> Iterator[tuple[SeriesId, list[Value]]]:
        seen = set()
        for place, entry in self._entries(table, "input", where):
            given = decode(Input, entry, place, self._problems)
            if given is None:
                continue
            if given.series in seen:
                self._problems.add(place, f"is the same series of {given.metric} a second time")
            seen.add(given.series)
            self._check_metric(given.metric, place)
            try:
                yield given.series, parse(given.values)
            except ValueError as error:
                self._problems.add(place, f"values {error}")

    def _check_metric(self, metric: str, where: Where) -> None:
        if metric.startswith("source."):
            self._problems.add(
                where, f'{metric} comes from the source itself: write "failing" or "stale" among the values of another'
            )
        elif metric not in self._known:
            hint = did_you_mean(metric, self._known) or "`perftui metrics` lists them"
            self._problems.add(where, f'there is no metric "{metric}"; {hint}')

    def _expectations(self, table: dict[str, Any], sources: set[str], where: Where) -> Iterator[Expectation]:
        for place, entry in self._entries(table, "expect", where):
            found = decode(Expectation, entry, place, self._problems)
            if found is None:
                continue
            check_duration("at", found.at, _TIMES, place, self._problems)
            if not {"alerts", "notifications"} & entry.keys():
                self._problems.add(place, "expects nothing; give alerts, notifications or both")
            for alert in found.alerts:
                if alert.rule not in self._rules:
                    self._problems.add(place, unknown("rule", alert.rule, sorted(self._rules)))
                if alert.source not in sources:
                    self._problems.add(place, unknown("source", alert.source, sorted(sources)))
            yield found if "alerts" in entry else msgspec.structs.replace(found, includes=True)

    def _entries(self, table: dict[str, Any], key: str, where: Where) -> list[tuple[Where, dict[str, Any]]]:
        """Return the tables of a list, each with its place."""
        entries = table.get(key, [])
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            self._problems.add(where, f"{key} must be a list of tables")
            return []
        return [((*where, f"{key} {number}"), entry) for number, entry in enumerate(entries, 1)]
