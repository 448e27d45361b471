"""The desk: acks, silences and inhibitions, each with a reason; what is kept and what a restart makes of it."""

import math

import msgspec
import pytest

from perftui.alerts.aftermath import LINGER
from perftui.alerts.desk import MOST_ACKS, Desk
from perftui.alerts.kept import Changes, Outage
from perftui.alerts.rules.rule import Inhibition
from perftui.core.alert import Ack, Alert, AlertState, Severity, Silence, Stage
from perftui.core.clock import ManualClock
from perftui.core.series import Attributes, attributes

WALL = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
HOUR = 3600.0
Rows = dict[str, dict[str, bytes]]
DOWN = Inhibition(name="down", when={"rule": "source-failing"})


def alert(rule: str, source: str = "cache-1", labels: Attributes = (), **fields: object) -> Alert:
    given = {"metric": "redis.memory.used", "kind": "redis", "host": "web-1", "state": AlertState.FIRING, "since": WALL}
    return msgspec.convert({**given, "rule": rule, "source": source, "attributes": labels, **fields}, Alert)


def pends(rule: str, source: str = "cache-1") -> Alert:
    return alert(rule, source, state=AlertState.PENDING, since=None)


CAUSE = alert("source-failing")


def reasons(desk: Desk, *alerts: Alert) -> dict[str, list[str]]:
    return {each.key: [mute.reason for mute in each.mutes] for each in desk.judge(alerts) if each.mutes}


def stored(rows: Rows, changes: Changes) -> Rows:
    """Return what a database would hold after these changes."""
    for (kind, key), kept in changes.items():
        if kept is None:
            rows.get(kind, {}).pop(key, None)
        else:
            rows.setdefault(kind, {})[key] = msgspec.msgpack.encode(kept)
    return rows


def foreign(id: str = "f1", expires: float = 2000.0, **fields: object) -> Silence:
    given = {"id": id, "matchers": {"source": "cache-1"}, "author": "bo", "created": WALL, "until": WALL + 1000.0}
    return msgspec.convert({**given, "expires": expires, "origin": "alertmanager", **fields}, Silence)


def test_an_ack_is_on_its_alert_and_on_no_other() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    fires, other = alert("memory"), alert("evictions")
    ack = desk.ack(fires.key, "ana\x1b[31m", "on it\n" + "x" * 500)
    assert ack.author == "ana␛[31m"
    assert ack.note.startswith("on it␊x") and len(ack.note) == 200
    assert ack.at == WALL
    assert [each.ack for each in desk.judge([fires, other])] == [ack, None]
    assert not desk.judge([fires])[0].mutes


@pytest.mark.parametrize("state", [AlertState.RESOLVED, AlertState.UNKNOWN])
def test_an_ack_is_over_with_its_alert_however_that_ended(state: AlertState) -> None:
    desk = Desk(ManualClock())
    fires, other = alert("memory"), alert("evictions")
    ack = desk.ack(fires.key, "ana")
    desk.ack(other.key, "ana")
    rows = stored({}, desk.take_changes())
    assert [each.ack for each in desk.ended([alert("memory", state=state)])] == [ack]
    assert [each.ack is None for each in desk.judge([fires, other])] == [True, False]
    assert set(stored(rows, desk.take_changes())["ack"]) == {other.key}


def test_an_ack_can_be_taken_back_and_given_anew() -> None:
    desk = Desk(ManualClock())
    fires = alert("memory")
    desk.ack(fires.key, "ana")
    desk.ack(fires.key, "bo", "mine")
    assert desk.judge([fires])[0].ack == Ack(author="bo", at=WALL, note="mine")
    assert desk.unack(fires.key)
    assert not desk.unack(fires.key)
    assert desk.judge([fires])[0].ack is None


def test_acks_that_nobody_resolves_do_not_pile_up() -> None:
    desk = Desk(ManualClock())
    for number in range(MOST_ACKS + 10):
        desk.ack(f"rule/source-{number}/", "ana")
    kept = stored({}, desk.take_changes())
    assert len(kept["ack"]) == MOST_ACKS
    assert "rule/source-9/" not in kept["ack"]


def test_a_silence_keeps_quiet_what_agrees_with_it_until_its_time_is_over() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    silence = desk.silence({"source": "cache-*", "severity": "warning"}, HOUR, "ana", "disk swap")
    quiet, loud = alert("memory"), alert("memory", severity=Severity.CRITICAL)
    assert reasons(desk, quiet, loud, alert("memory", "db")) == {
        quiet.key: ["silenced by ana until 23:13 UTC: disk swap"]
    }
    assert desk.judge([quiet])[0].mutes[0].stage is Stage.SILENCE
    assert desk.silences == (msgspec.structs.replace(silence, holds=1),)

    clock.advance(HOUR - 1)
    assert not desk.expire()
    assert reasons(desk, quiet)
    clock.advance(1)
    assert desk.expire()
    assert not desk.expire()
    assert not desk.silences
    assert not reasons(desk, quiet)


def test_an_attribute_can_be_silenced() -> None:
    desk = Desk(ManualClock())
    mail, video = (alert("queue-grows", labels=attributes({"queue": name})) for name in ("mail", "video"))
    desk.silence({"queue": "mail"}, HOUR, "ana")
    assert list(reasons(desk, mail, video)) == [mail.key]


def test_a_silence_can_be_ended_early() -> None:
    desk = Desk(ManualClock())
    silence = desk.silence({"rule": "*"}, HOUR, "ana")
    assert reasons(desk, alert("memory"))
    assert desk.unsilence(silence.id)
    assert not desk.unsilence(silence.id)
    assert not reasons(desk, alert("memory"))


def test_of_several_silences_the_last_to_end_is_named_with_its_day() -> None:
    desk = Desk(ManualClock())
    desk.silence({"rule": "*"}, HOUR, "ana")
    desk.silence({"source": "*"}, 48 * HOUR, "bo", "moving out")
    desk.silence({"rule": "mem*"}, 2 * HOUR, "eve")
    assert [silence.author for silence in desk.silences] == ["ana", "eve", "bo"]
    assert reasons(desk, alert("m")) == {"m/cache-1/": ["silenced by bo until 11-16 22:13 UTC: moving out"]}


@pytest.mark.parametrize(
    ("matchers", "seconds", "says"),
    [
        ({}, HOUR, r'needs a matcher; rule = "\*" silences everything'),
        ({"": "x"}, HOUR, "has no label"),
        ({"rule": "~("}, HOUR, "is no regular expression"),
        ({"rule": "x" * 201}, HOUR, "too long"),
        ({f"l{number}": "*" for number in range(17)}, HOUR, "at most 16"),
        ({"rule": "*"}, 59.9, "from 1 minute to 30 days"),
        ({"rule": "*"}, 30 * 86400.0 + 1, "from 1 minute to 30 days"),
        ({"rule": "*"}, math.nan, "from 1 minute to 30 days"),
        ({"rule": "*"}, math.inf, "from 1 minute to 30 days"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(matchers: dict[str, str], seconds: float, says: str) -> None:
    desk = Desk(ManualClock())
    with pytest.raises(ValueError, match=says):
        desk.silence(matchers, seconds, "ana")
    assert not desk.silences
    assert desk.take_changes() == {}


def test_there_are_at_most_200_silences() -> None:
    desk = Desk(ManualClock())
    for _ in range(200):
        desk.silence({"rule": "x"}, HOUR, "ana")
    assert len({silence.id for silence in desk.silences}) == 200
    with pytest.raises(ValueError, match="there are 200 already"):
        desk.silence({"rule": "x"}, HOUR, "ana")


def test_the_wall_clock_ends_no_silence_but_is_shown_right() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    desk.silence({"rule": "*"}, HOUR, "ana")
    clock.jump(12 * HOUR)
    assert desk.expire()
    assert reasons(desk, alert("m")) == {"m/cache-1/": ["silenced by ana until 11:13 UTC"]}
    clock.jump(-24 * HOUR)
    assert desk.expire()
    assert not desk.expire()
    assert desk.silences[0].until == clock.wall() + HOUR


def test_silences_of_another_system_hold_and_are_replaced_by_what_it_says_next() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    desk.take_foreign("alertmanager", [foreign(comment="theirs"), foreign("f2", matchers={"rule": "~("})])
    assert reasons(desk, alert("m")) == {"m/cache-1/": ["silenced by bo (alertmanager) until 22:30 UTC: theirs"]}
    assert [silence.id for silence in desk.silences] == ["f1"]
    assert not desk.unsilence("f1")
    assert desk.take_changes() == {}

    desk.take_foreign("alertmanager", [foreign("f3", matchers={"source": "db"})])
    assert not reasons(desk, alert("m"))
    assert reasons(desk, alert("m", "db"))
    clock.advance(1001.0)
    assert desk.expire()
    assert not desk.silences


def test_what_differs_by_a_clock_s_second_is_the_same_silence() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    desk.take_foreign("am", [foreign("f1"), foreign("f2")])
    held = desk.silences
    for jitter in (1e-6, -0.4, 0.9):
        again = [
            foreign(id, expires=2000.0 + jitter, until=WALL + 1000.0 + jitter, created=WALL + jitter)
            for id in ("f1", "f2")
        ]
        desk.take_foreign("am", again)
        assert desk.silences is held
    desk.take_foreign("am", [foreign("f1", expires=2060.0, until=WALL + 1060.0), foreign("f2")])
    assert [silence.expires for silence in desk.silences] == [2000.0, 2060.0]
    desk.take_foreign("am", [foreign("f1", comment="other words"), foreign("f2")])
    assert [silence.comment for silence in desk.silences] == ["other words", ""]


def test_a_silence_of_another_system_that_could_not_be_ours_is_left_out() -> None:
    desk = Desk(ManualClock())
    wrong: list[dict[str, str]] = [
        {},
        {"rule": "~(a+)+b"},
        {"rule": "x" * 201},
        {f"l{number}": "*" for number in range(17)},
    ]
    desk.take_foreign("am", [foreign(f"f{place}", matchers=matchers) for place, matchers in enumerate(wrong)])
    assert not desk.silences


def test_each_silence_says_how_many_alerts_it_holds_which_is_nothing_that_is_kept() -> None:
    desk = Desk(ManualClock())
    desk.silence({"rule": "mem*", "source": "!db"}, HOUR, "ana")
    desk.silence({"source": "*"}, 2 * HOUR, "bo")
    desk.silence({"queue": "mail", "rule": "~queue-.*"}, 3 * HOUR, "eve")
    firing = [alert("memory"), alert("memory", "db"), alert("queue-grows", labels=attributes({"queue": "mail"}))]
    rows = stored({}, desk.take_changes())
    desk.judge(firing)
    assert [silence.holds for silence in desk.silences] == [1, 3, 1]
    desk.judge(firing[1:2])
    assert [silence.holds for silence in desk.silences] == [0, 1, 0]
    assert desk.take_changes() == {}
    assert [msgspec.msgpack.decode(row, type=Silence).holds for row in rows["silence"].values()] == [0, 0, 0]


def test_what_follows_from_a_cause_says_so() -> None:
    desk = Desk(ManualClock(), [Inhibition(name="down", when={"rule": "source-failing"})])
    cause = alert("source-failing", state=AlertState.UNKNOWN)
    follows, elsewhere = alert("memory"), alert("memory", "cache-2")
    assert reasons(desk, follows, cause, elsewhere) == {follows.key: ["follows from source-failing on cache-1"]}
    assert desk.judge([cause, follows])[1].mutes[0].stage is Stage.INHIBITION


def test_a_silenced_cause_is_still_a_cause_and_both_reasons_are_told() -> None:
    desk = Desk(ManualClock(), [Inhibition(name="down", when={"rule": "source-failing"}, reason="{source} is away")])
    desk.silence({"source": "cache-1"}, HOUR, "ana")
    silenced = "silenced by ana until 23:13 UTC"
    assert reasons(desk, alert("source-failing"), alert("memory")) == {
        "source-failing/cache-1/": [silenced],
        "memory/cache-1/": [silenced, "cache-1 is away"],
    }


def test_a_weaker_alert_mutes_no_stronger_one() -> None:
    desk = Desk(ManualClock(), [DOWN])
    follows = alert("memory", severity=Severity.CRITICAL)
    assert not reasons(desk, alert("source-failing"), follows)
    assert list(reasons(desk, alert("source-failing", severity=Severity.CRITICAL), follows)) == [follows.key]
    assert not reasons(desk, alert("source-failing"), follows)  # the cause is there, so this is no aftermath
    assert not reasons(desk, follows)


def test_what_followed_stays_muted_for_five_minutes_and_says_from_what() -> None:
    clock = ManualClock()
    desk = Desk(clock, [DOWN])
    follows = alert("memory")
    desk.judge([CAUSE, follows])
    clock.advance(60.0)
    told = {follows.key: ["followed from source-failing on cache-1 until 22:14 UTC"]}
    assert reasons(desk, follows) == told
    assert desk.judge([follows])[0].mutes[0].stage is Stage.INHIBITION
    clock.jump(HOUR)
    clock.advance(LINGER - 1)
    assert reasons(desk, follows) == told
    clock.advance(1.0)
    assert not reasons(desk, follows)
    assert not reasons(desk, alert("memory", well_since=clock.monotonic()))


def test_what_followed_stays_muted_as_long_as_it_is_well() -> None:
    clock = ManualClock()
    desk = Desk(clock, [DOWN])
    desk.judge([CAUSE, alert("memory")])
    for _ in range(3):
        assert reasons(desk, alert("memory", well_since=1.0))
        clock.advance(LINGER)
    assert not reasons(desk, alert("memory"))


def test_what_followed_is_loud_once_it_becomes_worse_or_comes_anew() -> None:
    desk = Desk(ManualClock(), [DOWN])
    follows, worse = alert("memory"), alert("memory", severity=Severity.CRITICAL)
    desk.judge([CAUSE, follows])
    assert reasons(desk, follows)
    assert not reasons(desk, worse)
    assert not reasons(desk, follows)

    desk.judge([CAUSE, follows])
    assert reasons(desk, follows)
    desk.judge([])
    assert not reasons(desk, follows)

    desk.judge([CAUSE, follows])
    assert reasons(desk, CAUSE, follows) == {follows.key: ["follows from source-failing on cache-1"]}


def test_what_was_bad_before_its_cause_is_loud_when_that_is_over() -> None:
    desk = Desk(ManualClock(), [DOWN])
    older = alert("memory", began=10.0)
    assert list(reasons(desk, alert("source-failing", severity=Severity.CRITICAL, began=20.0), older)) == [older.key]
    assert not reasons(desk, older)


def test_what_lingers_is_the_cause_of_nothing() -> None:
    chain = Inhibition(name="chain", when={"rule": "memory"}, mutes={"rule": "evictions"})
    desk = Desk(ManualClock(), [Inhibition(name="down", when=DOWN.when, mutes={"rule": "memory"}), chain])
    firing = alert("memory"), alert("evictions")
    assert list(reasons(desk, CAUSE, *firing)) == ["memory/cache-1/"]
    assert list(reasons(desk, *firing)) == ["memory/cache-1/"]


def test_what_pends_follows_from_what_fires_and_from_what_pends() -> None:
    desk = Desk(ManualClock(), [DOWN])
    desk.silence({"rule": "evictions"}, HOUR, "ana")
    memory, evictions, elsewhere = (pends("memory"), pends("evictions"), pends("memory", "cache-2"))
    silenced, follows = "silenced by ana until 23:13 UTC", "follows from source-failing on cache-1"

    def judged(pending: list[Alert], *firing: Alert) -> list[list[str]]:
        return [[mute.reason for mute in each.mutes] for each in desk.judge_pending(pending, desk.judge(firing))]

    assert judged([]) == []
    assert judged([memory, evictions, elsewhere]) == [[], [silenced], []]
    assert desk.silences[0].holds == 0
    assert judged([memory, evictions, elsewhere], CAUSE) == [[follows], [silenced, follows], []]
    assert judged([memory, elsewhere], alert("x")) == [["followed from source-failing on cache-1 until 22:13 UTC"], []]
    judged([])
    assert judged([elsewhere, memory, pends("source-failing")]) == [[], [follows], []]


def test_of_pending_alerts_that_mute_each_other_the_worse_is_loud_and_what_is_muted_is_no_cause() -> None:
    both = [
        Inhibition(name="down", when=DOWN.when, mutes={"rule": "a"}),
        Inhibition(name="one", when={"rule": "a"}, mutes={"rule": "b"}),
        Inhibition(name="two", when={"rule": "b"}, mutes={"rule": "a"}),
    ]
    desk = Desk(ManualClock(), both)
    a, b = pends("a"), pends("b")
    assert [bool(each.mutes) for each in desk.judge_pending([b, a], [])] == [True, False]
    firing = desk.judge([CAUSE, alert("a", attributes=attributes({"disk": "sda"}))])
    assert [bool(each.mutes) for each in desk.judge_pending([b], firing)] == [False]


def test_what_pended_when_its_cause_ended_fires_muted_unless_the_cause_never_fired() -> None:
    clock = ManualClock()
    desk = Desk(clock, [DOWN])
    memory = pends("memory")
    desk.judge_pending([memory], desk.judge([CAUSE]))
    clock.advance(60.0)
    assert reasons(desk, alert("memory")) == {memory.key: ["followed from source-failing on cache-1 until 22:14 UTC"]}
    clock.advance(LINGER)
    assert not reasons(desk, alert("memory"))

    desk.judge([])
    desk.judge_pending([memory, pends("source-failing")], [])
    assert not reasons(desk, alert("memory"))


def test_of_two_that_mute_each_other_the_worse_is_loud() -> None:
    both = [
        Inhibition(name="one", when={"rule": "a"}, mutes={"rule": "b"}),
        Inhibition(name="two", when={"rule": "b"}, mutes={"rule": "a"}),
    ]
    desk = Desk(ManualClock(), both)
    assert list(reasons(desk, alert("a"), alert("b", severity=Severity.CRITICAL))) == ["a/cache-1/"]
    assert list(reasons(desk, alert("a"), alert("b", since=WALL - 60))) == ["a/cache-1/"]
    assert list(reasons(desk, alert("b"), alert("a"))) == ["b/cache-1/"]


def test_other_inhibitions_hold_at_once_and_switched_off_ones_do_not() -> None:
    desk = Desk(ManualClock(), [Inhibition(name="down", when={"rule": "source-failing"}, enabled=False)])
    firing = alert("source-failing"), alert("memory")
    assert not reasons(desk, *firing)
    desk.use([Inhibition(name="down", when={"rule": "source-failing"})])
    assert reasons(desk, *firing)
    desk.use([])
    assert not reasons(desk, *firing)


def test_a_change_of_severity_is_seen() -> None:
    desk = Desk(ManualClock())
    desk.silence({"severity": "warning"}, HOUR, "ana")
    assert reasons(desk, alert("memory"))
    assert not reasons(desk, alert("memory", severity=Severity.CRITICAL))
    assert reasons(desk, alert("memory"))


def test_acks_and_silences_outlive_a_restart_with_the_time_that_is_left() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    fires = alert("memory")
    ack = desk.ack(fires.key, "ana", "on it")
    desk.ack("x/y/", "ana")
    desk.unack("x/y/")
    short, long = desk.silence({"rule": "a"}, 600, "ana"), desk.silence({"rule": "memory"}, HOUR, "bo", "swap")
    desk.take_foreign("alertmanager", [foreign()])
    rows = stored({}, desk.take_changes())
    assert {kind: set(kept) for kind, kept in rows.items()} == {"ack": {fires.key}, "silence": {short.id, long.id}}
    assert desk.take_changes() == {}

    # The machine was started anew: its monotonic clock begins at 50, and 900 s are over.
    later = ManualClock(monotonic=50.0, wall=WALL + 900)
    after = Desk(later)
    after.restore(rows, Outage(shift=50.0 - 900 - 1000.0, seconds=900.0))
    (left,) = after.silences
    assert left == msgspec.structs.replace(long, expires=50.0 + HOUR - 900)
    assert left.until == WALL + HOUR
    (judged,) = after.judge([fires])
    assert judged.ack == ack
    assert judged.mutes[0].reason == "silenced by bo until 23:13 UTC: swap"

    # What is kept now counts from the new clock: the next restart in the same boot needs no shift.
    rows = stored(rows, after.take_changes())
    assert set(rows["silence"]) == {long.id}
    again = Desk(later)
    again.restore(rows, Outage(shift=0.0, seconds=1.0))
    assert again.silences == (left,)


def test_a_wall_clock_that_jumped_while_nobody_watched_moves_only_what_is_shown() -> None:
    desk = Desk(ManualClock())
    desk.silence({"rule": "*"}, HOUR, "ana")
    after = Desk(ManualClock(monotonic=1060.0, wall=WALL - 12 * HOUR))
    after.restore(stored({}, desk.take_changes()), Outage(shift=0.0, seconds=60.0))
    (left,) = after.silences
    assert left.expires == 1000.0 + HOUR
    assert left.until == WALL - 12 * HOUR + HOUR - 60.0


def test_rows_that_cannot_be_read_are_dropped_and_the_others_stay() -> None:
    desk = Desk(ManualClock())
    silence = desk.silence({"rule": "*"}, HOUR, "ana")
    desk.ack("a/b/", "ana")
    rows = stored({}, desk.take_changes())
    bad = msgspec.msgpack.encode(msgspec.structs.replace(silence, id="bad", matchers={"rule": "~("}))
    endless = msgspec.msgpack.encode(msgspec.structs.replace(silence, id="endless", matchers={"rule": "~(a+)+b"}))
    rows["silence"] |= {"torn": rows["silence"][silence.id][:-3], "bad": bad, "empty": b"", "endless": endless}
    rows["ack"]["torn/b/"] = b"\xc1"

    after = Desk(ManualClock())
    after.restore(rows, Outage())
    assert after.silences == (silence,)
    assert after.judge([alert("a", "b")])[0].ack is not None
    rows = stored(rows, after.take_changes())
    assert {kind: set(kept) for kind, kept in rows.items()} == {"ack": {"a/b/"}, "silence": {silence.id}}
