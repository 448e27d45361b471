"""What a notification says to people."""

import time

import msgspec
import pytest

from perftui.alerts.notify import wording
from perftui.core.alert import Severity
from tests.unit.alerts.notify.messages import message

ONE = message().firing[0]


def test_the_text_names_each_alert_the_rest_the_host_and_last_of_all_itself() -> None:
    with_runbook = msgspec.structs.replace(ONE, runbook="https://wiki/full")
    gone = msgspec.structs.replace(ONE, known=False)
    whole = msgspec.structs.replace(message(2), firing=(with_runbook,), ended=(ONE, gone), more=7)
    lines = wording.body(whole).splitlines()
    assert lines[0].startswith("critical: cache-1 memory is full, 3 writes/s refused, since ")
    assert lines[0].endswith(" https://wiki/full")
    assert lines[1].startswith("resolved: cache-1 ")
    assert lines[2].startswith("state unknown: cache-1 ")
    assert lines[3] == "and 7 more"
    assert lines[-2].startswith("perftui on web-1, 20")
    assert lines[-1] == "id fire#2"


def test_an_end_says_how_long_it_lasted() -> None:
    end = msgspec.structs.replace(ONE, since=ONE.at - 250.0, runbook="https://wiki/full")
    assert wording.title([], [end], resolved=True) == f"resolved: cache-1 {ONE.summary} after 4m10s"
    line = wording.body(msgspec.structs.replace(message(resolved=True), ended=(end, ONE))).splitlines()[0]
    assert line.endswith(" after 4m10s https://wiki/full")
    set_back = msgspec.structs.replace(ONE, since=ONE.at + 3600.0)
    assert " after " not in wording.title([], [set_back], resolved=True)


def test_notes_tell_the_time_as_screens_do_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert wording.clock_time(1_700_000_000.0) == "22:13:20"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_titles_stay_short_and_on_one_line() -> None:
    long = msgspec.structs.replace(ONE, summary="x\n" * 500)
    title = wording.title([long], [], resolved=False)
    assert len(title) == wording.TITLE_LENGTH
    assert "\n" not in title


def test_an_end_says_how_much_of_it_nobody_knows() -> None:
    gone = msgspec.structs.replace(ONE, known=False)
    assert wording.title([], [ONE, gone], resolved=True) == (
        "resolved: 2 alerts on cache-1 (1 of them in an unknown state)"
    )
    assert wording.title([], [gone], resolved=True).startswith("ended, state unknown: cache-1 ")


def test_severities_are_counted_worst_first() -> None:
    info = msgspec.structs.replace(ONE, severity=Severity.INFO)
    title = wording.title([info, ONE, info], [ONE], resolved=False, again=True)
    assert title == "still 3 alerts on cache-1: 1 critical, 2 info; 1 ended"
