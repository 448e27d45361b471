"""What the console is shown: ordered, counted, bounded."""

from perftui.alerts.view import MOST_FIRING, alerts_view
from perftui.core.alert import Ack, Alert, AlertState, Mute, Severity, Stage
from perftui.core.wire import AlertsView, Delivery

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
