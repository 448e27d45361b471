"""What `perftui check` found, judged, and as a table or JSON."""

import msgspec

from perftui.core.alert import Alert, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.reading import Reading
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus
from perftui.core.units import MISSING, seconds, show

SCHEMA = 1
EXIT_CODES = {"healthy": 0, "warning": 1, "critical": 2, "unknown": 3}
_MARKS = {"healthy": "●", "warning": "▲", "critical": "✖", "unknown": "?"}


class SourceReport(msgspec.Struct):
    """One source: its state, the age of its reading in seconds, its error, and its metrics."""

    state: str
    kind: str
    age_s: float | None
    error: str
    metrics: dict[str, object]


class Report(msgspec.Struct):
    """Everything: the worst of it as one word, each source, and what is beyond a level."""

    schema: int
    status: str
    sources: dict[str, SourceReport]
    alerts: list[Alert]

    @property
    def exit_code(self) -> int:
        """Return 0 healthy, 1 warning, 2 critical, 3 unknown."""
        return EXIT_CODES[self.status]


def judge(statuses: list[SourceStatus], readings: dict[str, Reading], firing: tuple[Alert, ...], now: float) -> Report:
    """Return the report: critical before warning before unknown; a merely discovered refusal does not count."""
    severities = {alert.severity for alert in firing}
    blind = any(status.state in BROKEN_STATES or status.state is SourceState.WAITING for status in statuses)
    if Severity.CRITICAL in severities:
        word = "critical"
    elif Severity.WARNING in severities:
        word = "warning"
    else:
        word = "unknown" if blind else "healthy"
    sources = {status.name: _source(status, readings.get(status.name), now) for status in statuses}
    return Report(SCHEMA, word, sources, list(firing))


def _source(status: SourceStatus, reading: Reading | None, now: float) -> SourceReport:
    age = None if reading is None else round(max(0.0, now - reading.monotonic), 3)
    return SourceReport(status.state, status.kind, age, status.error, _metrics(reading) if reading else {})


def _metrics(reading: Reading) -> dict[str, object]:
    """Return metric -> value, or a list of {attributes, value} where the series have attributes."""
    metrics: dict[str, object] = {}
    for sample in reading.samples:
        if not sample.attributes:
            metrics[sample.metric] = sample.value
            continue
        many = metrics.setdefault(sample.metric, [])
        if isinstance(many, list):
            many.append({"attributes": dict(sample.attributes), "value": sample.value})
    return metrics


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def as_table(report: Report) -> str:
    """Return the report for people: a line a source, then what is beyond a level."""
    rows = [("SOURCE", "KIND", "STATE", "AGE", "SERIES", "")]
    for name, source in report.sources.items():
        age = MISSING if source.age_s is None else str(seconds(source.age_s))
        count = sum(len(value) if isinstance(value, list) else 1 for value in source.metrics.values())
        rows.append((name, source.kind, source.state, age, str(count), source.error))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip()
        for row in rows
    ]
    lines += ["", *(_alert_line(alert) for alert in report.alerts)] if report.alerts else []
    return "\n".join([*lines, "", f"{_MARKS[report.status]} {report.status}"])


def _alert_line(alert: Alert) -> str:
    metric = CATALOGUE.get(alert.metric)
    value = show(alert.value, metric.unit, kind=metric.kind) if metric else alert.value
    labels = " ".join(f"{name}={text}" for name, text in alert.attributes)
    where = f"{alert.source} {labels}".strip()
    return f"{_MARKS[alert.severity.value]} {alert.severity:<8}  {where}  {alert.summary}  ({alert.metric} {value})"
