"""Dispatch: what becomes of telling, from alerts to the outbox."""

from perftui.alerts.desk import Desk
from perftui.alerts.notify.dispatch import Dispatch
from perftui.core.clock import ManualClock
from tests.unit.alerts.notify.stage import alert, route


def test_what_waits_in_the_outbox_is_not_said_to_be_told() -> None:
    clock = ManualClock()
    dispatch = Dispatch({"refused": route()}, Desk(clock), clock, lambda *_: None, changed=lambda: None, off="")
    for _ in range(11):
        clock.advance(1.0)
        dispatch.step([alert()], [])
    assert dispatch.notes(alert().key) == ("queued for refused 22:13:31, not delivered",)
