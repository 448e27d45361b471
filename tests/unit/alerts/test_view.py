"""What the console is shown: ordered, counted, bounded."""

import msgspec
import pytest

from perftui.alerts.view import MOST_FIRING, alerts_view
from perftui.core.alert import Ack, Alert, AlertState, Level, Mute, Severity, Silence, Stage
from perftui.core.wire import MAX_LINE, AlertsView, Delivery

SILENCED = (Mute(stage=Stage.SILENCE, reason="silenced by ana"),)
INHIBITED = (Mute(stage=Stage.INHIBITION, reason="follows from source-failing"),)


def alert(rule: str, severity: Severity = Severity.WARNING, **more: object) -> Alert:
    return Alert(rule=rule, source="cache-1", metric="m", severity=severity, state=AlertState.FIRING, **more)  # type: ignore[arg-type]


def view(*firing: Alert) -> AlertsView:
    return alerts_view(firing, [alert("soon")], [alert("over")], (), (), Delivery())


def test_what_calls_somebody_comes_before_what_is_muted_and_the_worst_first() -> None:
    shown = view(
        alert("b"), alert("muted", Severity.CRITICAL, mutes=SILENCED), alert("c", Severity.CRITICAL), alert("a")
    )
    assert [each.rule for each in shown.firing] == ["c", "a", "b", "muted"]


def test_counts_are_of_everything_though_the_view_is_bounded() -> None:
    shown = view(*(alert(f"r{number}", Severity.CRITICAL) for number in range(1000)))
    assert len(shown.firing) == MOST_FIRING
    assert shown.counts.critical == 1000
    assert shown.counts.pending == 1


def test_what_is_muted_counts_by_the_first_stage_that_holds_it_and_not_by_its_severity() -> None:
    counts = view(
        alert("a", Severity.CRITICAL, mutes=(*SILENCED, *INHIBITED)),
        alert("b", mutes=INHIBITED),
        alert("c", ack=Ack(author="ana", at=1.0)),
        alert("d", Severity.INFO),
    ).counts
    assert (counts.critical, counts.warning, counts.info) == (0, 1, 1)
    assert (counts.silenced, counts.inhibited, counts.acked) == (1, 1, 1)


def huge(text: str) -> Alert:
    """An alert of which every text is as long as texts are."""
    words = tuple(text for _ in range(2))
    labels = tuple((f"{number}{text}", text) for number in range(4))
    mutes = tuple(Mute(stage=stage, reason=text) for stage in Stage)
    ack = Ack(author=text, at=1.0, note=text)
    texts = {"summary": text, "why": text, "value_text": text, "level_text": text, "runbook": text}
    more = {"attributes": labels, "mutes": mutes, "ack": ack, "notes": words, "remedies": words, "notify": words}
    return alert(text, Severity.WARNING, **texts, **more)


@pytest.mark.parametrize("text", ["\U0001f525" * 500, '"' * 500, "x" * 500])
def test_it_has_room_in_a_line_whatever_there_is_and_counts_all_of_it(text: str) -> None:
    matchers = {f"{number}{text}"[:200]: text[:200] for number in range(16)}
    silence = Silence(id="s", matchers=matchers, author=text, comment=text, created=0.0, until=1.0, expires=1.0)
    level = Level(metric=text, direction="above", warning=0.1)
    alerts = [huge(text)] * 1000
    shown = alerts_view(alerts, alerts, alerts, (silence,) * 400, (level,) * 1000, Delivery())
    assert len(msgspec.json.encode(shown)) < 700 << 10 < MAX_LINE
    assert all((shown.firing, shown.pending, shown.log, shown.silences, shown.levels))
    assert (shown.counts.pending, shown.counts.silences, shown.counts.silenced) == (1000, 400, 1000)


def test_what_has_room_is_whole() -> None:
    silence = Silence(id="s", matchers={"rule": "x"}, author="a", created=0.0, until=1.0, expires=1.0)
    alerts = [alert(f"r{number}") for number in range(40)]
    shown = alerts_view(alerts, alerts, alerts, (silence,) * 400, (), Delivery())
    assert [len(each) for each in (shown.firing, shown.pending, shown.log, shown.silences)] == [40, 40, 40, 400]
