"""What calls the user: only what is new, critical and nobody's yet, and never more than once a second."""

from msgspec.structs import replace

from perftui.client.state import Link, State
from perftui.core.alert import Ack, Alert, Mute, Severity, Stage
from perftui.core.wire import AlertCounts
from perftui.tui.attention import PATIENCE, SETTLED, SHOWN, Attention
from perftui.tui.widgets.text import plain, width
from tests.support import states

MUTE = Mute(stage=Stage.SILENCE, reason="silenced by ana")


def _alerts(count: int) -> tuple[Alert, ...]:
    return states.storm(count)


def _fires(state: State, *alerts: Alert) -> None:
    state.alerts = states.view(alerts)


def _settled() -> tuple[Attention, State]:
    """Return one that knows how things stand since second 0, with one critical alert from before."""
    attention, state = Attention(), states.healthy()
    _fires(state, *_alerts(4)[:1])
    attention.observe(state, 0.0)
    attention.observe(state, SETTLED)
    return attention, state


def _text(attention: Attention, now: float, cells: int = 120) -> str:
    drawn = attention.draw(cells, now)
    return "" if drawn is None else "\n".join(map(plain, drawn[1]))


def test_what_fired_before_is_no_news() -> None:
    attention, state = _settled()
    assert not attention.observe(state, 10.0) and attention.draw(120, 10.0) is None


def test_a_new_critical_alert_rings_once_and_stands_for_some_seconds() -> None:
    attention, state = _settled()
    _fires(state, *_alerts(4)[:2])
    assert attention.observe(state, 10.0)
    assert "cache-1" in _text(attention, 10.5) and "web: no worker" in _text(attention, 10.5)
    assert not attention.observe(state, 12.0)
    assert _text(attention, 10.0 + SHOWN) == ""


def test_warnings_acked_and_muted_ones_do_not_call() -> None:
    attention, state = _settled()
    one, two, three = _alerts(4)[1:]
    _fires(
        state,
        replace(one, severity=Severity.WARNING),
        replace(two, ack=Ack(author="ana", at=0.0)),
        replace(three, mutes=(MUTE,)),
    )
    assert not attention.observe(state, 10.0)


def test_what_turns_critical_and_what_is_no_longer_silenced_is_news() -> None:
    attention, state = _settled()
    one, two = _alerts(4)[1:3]
    _fires(state, replace(one, severity=Severity.WARNING), replace(two, mutes=(MUTE,)))
    attention.observe(state, 10.0)
    _fires(state, one, replace(two, mutes=(MUTE,)))
    assert attention.observe(state, 11.0)
    _fires(state, one, two)
    assert attention.observe(state, 12.0)


def test_an_acknowledgement_that_is_taken_back_is_no_news() -> None:
    attention, state = _settled()
    one = _alerts(4)[1]
    _fires(state, replace(one, ack=Ack(author="ana", at=0.0)))
    attention.observe(state, 10.0)
    _fires(state, one)
    assert not attention.observe(state, 11.0)


def test_a_storm_calls_once_a_second_and_counts_the_rest() -> None:
    attention, state = _settled()
    rang = []
    for step in range(20):
        _fires(state, *_alerts(4 + 2 * step))
        rang.append(attention.observe(state, 10.0 + step / 10))
    assert sum(rang) == 2
    attention.observe(state, 12.0)
    assert "and 40 more" in _text(attention, 12.0)


def test_those_that_a_bounded_view_hides_are_counted_and_not_told_anew() -> None:
    attention, state = _settled()
    storm = _alerts(60)
    _fires(state, *storm[:30])
    state.alerts = replace(state.alerts, counts=AlertCounts(critical=60))
    assert attention.observe(state, 10.0)
    assert "and 58 more" in _text(attention, 10.0)
    for second in range(1, 5):
        state.alerts = replace(state.alerts, firing=storm[: 30 + second % 2])
        attention.observe(state, 20.0 + second)
    state.alerts = replace(state.alerts, firing=storm[:30])
    assert not attention.observe(state, 30.0)


def test_a_key_takes_the_box_away() -> None:
    attention, state = _settled()
    _fires(state, *_alerts(4)[:2])
    attention.observe(state, 10.0)
    attention.dismiss()
    assert attention.draw(120, 10.1) is None


def test_nothing_calls_while_the_console_still_learns_how_things_stand() -> None:
    attention, state = Attention(), states.bare()
    _fires(state, *_alerts(4)[:1])
    assert not attention.observe(state, 0.0)
    _fires(state, *_alerts(4)[:2])
    assert not attention.observe(state, PATIENCE - 1)
    _fires(state, *_alerts(4)[:3])
    assert attention.observe(state, PATIENCE)


def test_what_began_while_the_agent_was_away_is_told_when_it_is_back() -> None:
    attention, state = _settled()
    state.link = Link.LOST
    _fires(state, *_alerts(4))
    assert not attention.observe(state, 10.0)
    state.link = Link.LIVE
    assert attention.observe(state, 20.0)


def test_the_box_has_its_width_on_any_screen() -> None:
    attention, state = _settled()
    _fires(state, *(replace(each, source="日本語" * 20, summary="x" * 300) for each in _alerts(4)[1:]))
    attention.observe(state, 10.0)
    for cells in (160, 60, 40):
        drawn = attention.draw(cells, 10.0)
        assert drawn is not None
        box, lines = drawn
        assert [width(line) for line in lines] == [box.width] * box.height and box.x + box.width == cells
