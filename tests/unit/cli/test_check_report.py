import json

import pytest

from perftui.cli.check_report import Report, as_json, as_table, judge
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.reading import Reading, Sample
from perftui.core.status import SourceState, SourceStatus

SAMPLES = (
    Sample("redis.uptime", 12.0),
    Sample("system.cpu.core.utilization", 0.5, (("cpu", "0"),)),
    Sample("system.cpu.core.utilization", 0.7, (("cpu", "1"),)),
)
READING = Reading(source="cache-1", monotonic=90.0, wall=0.0, duration=0.0, samples=SAMPLES)


def report(state: SourceState, *severities: Severity) -> Report:
    status = SourceStatus(name="cache-1", kind="redis", state=state, error="no such luck" if state != "ok" else "")
    firing = tuple(
        Alert(rule="r", source="cache-1", metric="m", state=AlertState.FIRING, severity=severity, summary="too much")
        for severity in severities
    )
    return judge([status], {"cache-1": READING}, firing, now=90.5)


@pytest.mark.parametrize(
    ("state", "severities", "word", "code"),
    [
        (SourceState.OK, (), "healthy", 0),
        (SourceState.FOUND, (), "healthy", 0),
        (SourceState.SLOW, (), "healthy", 0),
        (SourceState.OK, (Severity.INFO,), "healthy", 0),
        (SourceState.OK, (Severity.WARNING,), "warning", 1),
        (SourceState.FAILING, (Severity.WARNING,), "warning", 1),
        (SourceState.FAILING, (Severity.WARNING, Severity.CRITICAL), "critical", 2),
        (SourceState.FAILING, (), "unknown", 3),
        (SourceState.DENIED, (), "unknown", 3),
        (SourceState.WAITING, (), "unknown", 3),
    ],
)
def test_critical_before_warning_before_unknown(
    state: SourceState, severities: tuple[Severity, ...], word: str, code: int
) -> None:
    judged = report(state, *severities)
    assert (judged.status, judged.exit_code) == (word, code)


def test_the_json_has_a_value_or_a_list_with_attributes_for_each_metric() -> None:
    body = json.loads(as_json(report(SourceState.OK)))
    assert body["schema"] == 1
    assert body["status"] == "healthy"
    source = body["sources"]["cache-1"]
    assert (source["state"], source["age_s"], source["error"]) == ("ok", 0.5, "")
    assert source["metrics"] == {
        "redis.uptime": 12.0,
        "system.cpu.core.utilization": [
            {"attributes": {"cpu": "0"}, "value": 0.5},
            {"attributes": {"cpu": "1"}, "value": 0.7},
        ],
    }


def test_the_table_says_state_age_and_error_and_ends_with_the_verdict() -> None:
    lines = as_table(report(SourceState.FAILING, Severity.CRITICAL)).splitlines()
    assert lines[1].split() == ["cache-1", "redis", "failing", "500", "ms", "3", "no", "such", "luck"]
    assert "too much" in lines[3]
    assert lines[-1] == "✖ critical"
