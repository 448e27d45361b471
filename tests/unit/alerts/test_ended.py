"""The recent past of every alert: bounded, newest first, and back after a restart."""

import msgspec

from perftui.alerts.ended import KIND, LENGTH, EndedLog
from perftui.alerts.kept import Outage
from perftui.core.alert import Alert, AlertState


def alert(number: int, source: str = "cache-1") -> Alert:
    return Alert(rule="memory", source=source, metric="m", state=AlertState.RESOLVED, since=float(number))


def kept(log: EndedLog, rows: dict[str, bytes]) -> dict[str, bytes]:
    for (_, key), value in log.take_changes().items():
        if value is None:
            del rows[key]
        else:
            rows[key] = msgspec.msgpack.encode(value)
    return rows


def test_the_newest_stand_first_and_the_oldest_go() -> None:
    log = EndedLog()
    for number in range(LENGTH + 5):
        log.add(alert(number))
    shown = [each.since for each in log]
    assert shown == [float(number) for number in reversed(range(5, LENGTH + 5))]


def test_the_past_of_one_alert() -> None:
    log = EndedLog()
    for number in range(4):
        log.add(alert(number, "cache-1" if number % 2 else "cache-2"))
    assert [each.since for each in log.of("memory", "cache-1", ())] == [3.0, 1.0]


def test_a_restart_brings_it_back_in_order_and_goes_on_from_there() -> None:
    log, rows = EndedLog(), dict[str, bytes]()
    for number in range(LENGTH + 3):
        log.add(alert(number))
        rows = kept(log, rows)
    after = EndedLog()
    after.restore({KIND: rows}, Outage())
    assert list(after) == list(log)
    after.add(alert(-1))
    assert next(iter(after)).since == -1.0
    assert len(kept(after, rows)) == LENGTH


def test_a_row_that_cannot_be_read_is_dropped_for_good() -> None:
    log = EndedLog()
    log.restore({KIND: {"000000000001": b"\xc1", "x": msgspec.msgpack.encode(alert(1))}}, Outage())
    assert list(log) == []
    assert set(log.take_changes().values()) == {None}
