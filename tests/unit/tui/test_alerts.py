"""What the alerts pane says of every kind of alert, and how it stays small and quick."""

import time

import pytest
from msgspec.structs import replace

from perftui.client.state import State
from perftui.core.action import Outcome, Proof, Run
from perftui.core.alert import Ack, Alert, AlertState, Mute, Severity, Silence, Stage
from perftui.core.wire import AlertCounts, Delivery
from perftui.tui.layout import Box
from perftui.tui.panes import alerts, compose, header
from perftui.tui.panes.alert_filter import AlertFilter, found
from perftui.tui.panes.alert_timeline import HOUR, timeline
from perftui.tui.panes.content import Row
from perftui.tui.plain import render_plain
from perftui.tui.view import View
from perftui.tui.widgets.glyphs import to_ascii
from perftui.tui.widgets.text import plain, width
from tests.support import acts, states

WHOLE = alerts.Look(whole=True)


def _state(*firing: Alert, **others: object) -> State:
    state = states.bare()
    states.add(state, "web-3", "system", states.system())
    state.alerts = states.view(firing, **others)  # type: ignore[arg-type]
    return state


def _alert(number: int = 0, **changes: object) -> Alert:
    alert = Alert(
        rule="cpu", source="web-3", metric="system.cpu.utilization", state=AlertState.FIRING, value=0.93,
        level=0.9, since=states.WALL - 60 - number, summary=f"CPU 93 % above 90 %, number {number}",
    )  # fmt: skip
    return replace(alert, **changes)


def _lines(state: State, cells: int = 150, look: alerts.Look = WHOLE, height: int = 40) -> list[str]:
    content = alerts.draw(state, cells, (), look, height)
    return [plain(line) for line in [*content.head, *(line for row in content.rows for line in row.lines)]]


def _line(state: State, words: str, cells: int = 150) -> str:
    return next(line for line in _lines(state, cells) if words in line)


def test_what_calls_somebody_comes_first_and_what_is_held_back_last_with_its_reason() -> None:
    lines = _lines(states.crowded())
    places = [
        next(index for index, line in enumerate(lines) if words in line)
        for words in ("webhook: no worker", "wait for a metadata lock", "hit ratio 62 %", "answers take")
    ]
    assert places == sorted(places)
    assert "‖" in _line(
        states.crowded(), "812 keys a second evicted  silenced by ana until 02:52 UTC: resize under way"
    )
    assert "‖" in _line(states.crowded(), "answers take 1.9 s  follows from source-failing on legacy-api")


def test_an_acked_alert_has_its_own_mark_who_and_why() -> None:
    line = _line(states.crowded(), "metadata lock")
    assert line.startswith("✓") and "acked by ana: backup running" in line
    assert to_ascii(line).startswith("v")


def test_an_alert_that_is_well_says_when_it_clears() -> None:
    state = _state(_alert(well_since=states.NOW - 20, clears_after=60))
    assert "well for 20 s, clears in 40 s" in _line(state, "CPU 93 %")
    state = _state(_alert(well_since=states.NOW - 90, clears_after=60))
    assert "about to clear" in _line(state, "CPU 93 %")


def test_what_fires_and_is_well_is_not_told_in_the_present_tense() -> None:
    state = _state(_alert(well_since=states.NOW - 20, clears_after=60))
    assert "was: CPU 93 %" in _line(state, "CPU 93 %")
    assert "was:" not in _line(_state(_alert()), "CPU 93 %")


def test_an_alert_out_of_sight_counts_from_the_last_verdict() -> None:
    state = _state(_alert(state=AlertState.UNKNOWN, seen=states.NOW - 130))
    assert "not seen for 2m10s" in _line(state, "CPU 93 %")


def test_how_long_never_touches_what_happens() -> None:
    state = _state(_alert(since=states.WALL - 43, summary="30 jobs waiting and some more words"))
    for cells in range(40, 100):
        assert all(" for 43 s" in line or " 43 s" in line for line in _lines(state, cells)[1:2])


def test_an_alert_out_of_sight_says_since_when() -> None:
    state = _state(_alert(state=AlertState.UNKNOWN))
    states.add(state, "web-3", "system", states.system(), age=95)
    line = _line(state, "CPU 93 %")
    assert line.startswith("?") and "not seen for 1m35s" in line


def test_on_a_small_overview_the_column_of_how_long_says_what_is_urgent() -> None:
    state = _state(_alert(well_since=states.NOW - 20, clears_after=60))
    assert any("clears 40 s" in line for line in _lines(state, 76, alerts.Look()))
    assert any("well for 20 s, clears in 40 s" in line for line in _lines(state, 76))


@pytest.mark.parametrize(
    ("hold", "cells", "words"),
    [(15.0, 150, "8 of 15 s"), (15.0, 56, "53 %"), (300.0, 150, "8 s of 5m"), (5400.0, 56, "0 %")],
)
def test_a_pending_alert_says_how_far_it_is(hold: float, cells: int, words: str) -> None:
    pending = _alert(state=AlertState.PENDING, since=None, began=states.NOW - 8, hold=hold)
    line = _line(_state(pending=(pending,)), "CPU 93 %", cells)
    assert words in line and "pending" in line and line.startswith("◔") and to_ascii(line).startswith(". ")


def test_what_is_nearest_to_firing_comes_first_and_what_will_call_nobody_is_only_counted() -> None:
    mutes = (Mute(stage=Stage.SILENCE, reason="silenced by ana"),)
    far, near, muted = (
        _alert(state=AlertState.PENDING, since=None, began=states.NOW - 8, hold=hold, summary=words, mutes=held)
        for hold, words, held in ((300.0, "far", ()), (15.0, "near", ()), (12.0, "muted", mutes))
    )
    content = alerts.draw(_state(pending=(far, near, muted)), 150)
    assert [row.alert and row.alert.summary for row in content.rows] == ["near", "far"]
    assert "3 pending" in plain(content.note)


def test_what_ended_is_told_in_the_past_tense() -> None:
    over = _alert(since=states.WALL - 300, resolved_at=states.WALL - 60)
    resolved = replace(over, state=AlertState.RESOLVED, ack=Ack(author="ana", at=0.0, note="backup"))
    lost = replace(over, state=AlertState.UNKNOWN, source="web-4")
    state = _state(log=(resolved, lost))
    line = _line(state, "was CPU 93 % above 90 %")
    assert "● 02:13:52" in line and "resolved" in line and "for 4m" in line and "acked by ana: backup" in line
    assert "◌" in _line(state, "lost from sight: CPU 93 %")


def test_a_value_in_the_units_of_its_rule_is_shown_as_it_is() -> None:
    state = _state(_alert(summary="", value_text="94 % in 24 h", level_text="90 %"))
    assert "system.cpu.utilization 94 % in 24 h above 90 %" in _line(state, "94 %")


def test_many_alerts_of_one_cause_are_one_row_until_it_is_opened() -> None:
    state = _state(*states.storm(16))
    lines = _lines(state)
    assert sum("queue-without-workers" in line for line in lines) == 1
    assert "×16: images, mail, shard-0" in lines[1] and "enter: all" in lines[1] and "cache-1" in lines[1]
    fold = alerts.draw(state, 150).rows[0]
    assert len(fold.folded) == 16
    opened = alerts.draw(state, 150, (), alerts.Look(unfolded=frozenset({fold.id}))).rows
    assert len(opened) == 17 and opened[0].id == fold.id


def test_a_fold_over_sources_that_differ_says_what_the_worst_of_them_says() -> None:
    many = _state(*(_alert(number, source=f"web-{number}", value=0.9 + number / 100) for number in range(6)))
    assert "6 sources" in _line(many, "cpu ×6: CPU 93 % above 90 %, number 5  web-0, web-1")


def test_a_fold_names_each_once_with_its_own_count() -> None:
    state = _state(*(_alert(number, rule="flap", attributes=(("app", "shop"),)) for number in range(40)))
    assert "flap ×40: shop ×40" in _line(state, "flap")


@pytest.mark.parametrize("cells", [36, 42, 56, 76])
def test_a_fold_says_how_many_it_stands_for_in_the_smallest_pane(cells: int) -> None:
    row = alerts.draw(_state(*states.storm(16)), cells).rows[0]
    assert "×16" in plain(row.lines[0]) and width(row.lines[0]) <= cells


def test_one_rule_on_many_sources_is_one_row_and_on_few_it_is_not() -> None:
    many = _state(*(_alert(number, source=f"web-{number}", summary="CPU busy") for number in range(6)))
    assert "6 sources" in _line(many, "cpu ×6: CPU busy  web-0, web-1, web-2, web-3, web-4, web-5")
    few = _state(*(_alert(number, source=f"web-{number}") for number in range(4)))
    assert len(alerts.draw(few, 150).rows) == 4


def test_what_is_critical_or_untended_never_hides_in_a_fold() -> None:
    warnings = [_alert(number, source=f"web-{number}") for number in range(6)]
    critical = _alert(7, source="web-7", severity=Severity.CRITICAL)
    acked = _alert(8, source="web-8", ack=Ack(author="ana", at=0.0))
    muted = _alert(9, source="web-9", mutes=(Mute(stage=Stage.SILENCE, reason="silenced by ana"),))
    rows = alerts.draw(_state(*warnings, critical, acked, muted), 150).rows
    assert [row.alert and row.alert.source for row in rows] == ["web-7", None, "web-8", "web-9"]


def test_those_that_a_bounded_view_has_no_room_for_are_counted() -> None:
    state = _state(_alert())
    state.alerts = replace(state.alerts, counts=AlertCounts(critical=601, warning=100, pending=3))
    assert any("… and 700 more firing" in line for line in _lines(state))
    assert any("… and 3 more pending" in line for line in _lines(state))


def test_the_title_counts_what_fits_whole() -> None:
    wide = alerts.draw(states.crowded(), 150)
    assert plain(wide.note) == "23 firing · 1 silenced · 1 inhibited · 1 unknown · 2 pending · 2 resolved"
    assert plain(alerts.draw(states.crowded(), 56).note) == "23 firing · 1 silenced · 1 inhibited"


@pytest.mark.parametrize("cells", [160, 80, 60, 40])
def test_the_header_counts_what_is_silenced_at_every_width(cells: int) -> None:
    line = plain(header.draw(states.crowded(), cells))
    assert "‖ 1" in line and "✖ 18" in line and "▲ 5" in line and width([(line, "")]) == cells


def test_the_header_counts_what_is_inhibited_where_there_is_room() -> None:
    assert "‖ 1 silenced · 1 inhibited" in plain(header.draw(states.crowded(), 200))
    assert "inhibited" not in plain(header.draw(states.crowded(), 100))


def test_the_header_says_that_something_is_silenced_though_nothing_fires() -> None:
    state = _state(_alert(mutes=(Mute(stage=Stage.SILENCE, reason="silenced"),)))
    assert "nothing fires  ‖ 1 silenced" in plain(header.draw(state, 100))


def test_silences_and_delivery_stand_on_the_screen_of_alerts() -> None:
    lines = _lines(states.crowded())
    assert lines[0] == "notifications: off, private agents do not notify"
    assert any("38m left" in line and "ana" in line and "holds 1 back" in line for line in lines)
    assert any("3h59m left" in line and "ben (alertmanager)" in line for line in lines)
    assert not any("left" in line for line in _lines(states.crowded(), look=alerts.Look()))


def test_notifications_that_do_not_arrive_are_told_everywhere() -> None:
    state = _state(delivery=Delivery(waiting=3, dropped=1, problems=("slack: not reached for 12m",)))
    assert _lines(state)[0] == "notifications: 3 waiting, 1 dropped, slack: not reached for 12m"
    assert any("notifications: slack: not reached" in line for line in _lines(state, look=alerts.Look()))


def test_a_silence_says_how_many_alerts_it_holds_back() -> None:
    silence = Silence(
        id="s", matchers={"source": "web-[*]"}, author="ana", created=0.0, until=0.0, expires=states.NOW + 60, holds=3
    )
    assert "holds 3 back" in _line(_state(silences=(silence,)), "source=web-[*]")


def test_silences_that_the_view_has_no_room_for_are_counted() -> None:
    silence = Silence(id="s", matchers={"rule": "x"}, author="ana", created=0.0, until=0.0, expires=states.NOW + 60)
    state = _state(silences=(silence,))
    assert not any("more silences" in line for line in _lines(state))
    state.alerts = replace(state.alerts, counts=AlertCounts(silences=121))
    assert "… and 120 more silences" in _line(state, "more silences")


@pytest.mark.parametrize(
    ("choice", "sources"),
    [
        (AlertFilter(severity="critical"), {"cache-1", "orders-db", "web-3"}),
        (AlertFilter(state="acked"), {"orders-db"}),
        (AlertFilter(state="muted"), {"cache-2", "legacy-api"}),
        (AlertFilter(state="unknown"), {"cache-3"}),
        (AlertFilter(state="pending", source="web-3"), {"web-3"}),
        (AlertFilter(state="ended"), {"orders-db", "web-3", "cache-9"}),
    ],
)
def test_the_filter_shows_alerts_of_one_kind(choice: AlertFilter, sources: set[str]) -> None:
    content = alerts.draw(states.crowded(), 150, (), alerts.Look(whole=True, choice=choice))
    assert {row.source or row.folded[0].source for row in content.rows if row.alert or row.folded} == sources
    assert f"only {choice.words}" in plain(content.note)


def test_the_filter_goes_round() -> None:
    choice = AlertFilter()
    seen = []
    for _ in range(4):
        choice = choice.next_severity()
        seen.append(choice.severity)
    assert seen == ["critical", "warning", "info", ""]
    assert choice.next_source({"b", "a"}).source == "a" and AlertFilter(source="gone").next_source({"a"}).source == ""


def _rows(*alerts_: Alert) -> list[Row]:
    return [row for row in alerts.draw(_state(*alerts_), 150).rows if row.alert]


@pytest.mark.parametrize(
    ("typed", "sources"),
    [
        ("critical", ["cache-1"]),
        ("source:cache-1", ["cache-1"]),
        ("source:cache", ["cache-1", "cache-10"]),
        ("source:*-10", ["cache-10"]),
        ("warning source:cache-10", ["cache-10"]),
        ("state:acked", ["web-3"]),
        ("number 2", ["web-3"]),
        ("state:pending", []),
    ],
)
def test_typed_text_finds_words_and_what_an_alert_is(typed: str, sources: list[str]) -> None:
    rows = _rows(
        _alert(0, source="cache-1", severity=Severity.CRITICAL),
        _alert(1, source="cache-10"),
        _alert(2, ack=Ack(author="ana", at=0.0)),
    )
    assert [row.source for row in found(rows, typed)] == sources


def test_text_that_is_looked_for_is_found_inside_folds() -> None:
    state, view, box = _state(*states.storm(16)), View(filters={"alerts": "shard-7"}), Box(0, 0, 100, 20)
    rows = compose.visible_rows("alerts", compose.content("alerts", state, view, box), view, 1e9)
    assert [row.alert and row.alert.summary for row in rows] == ["shard-7: no worker, 40 waiting"]


def test_what_was_typed_stands_in_the_title_with_what_it_hides() -> None:
    hidden = [
        _alert(number, source=f"web-{number}", severity=Severity.CRITICAL, rule=f"r{number}") for number in (1, 2)
    ]
    state = _state(_alert(summary="disk full"), *hidden, _alert(3, rule="memory"))
    view, box = View(screen="alerts", filters={"alerts": "disk"}), Box(0, 0, 80, 20)
    top = plain(compose.draw("alerts", compose.content("alerts", state, view, box), view, box, 1e9)[0])
    assert "Alerts /disk" in top and "hides 2 critical, 1 warning" in top


def _held(view: View, now: float, *firing: Alert, pending: tuple[Alert, ...] = ()) -> list[str]:
    found = alerts.draw(_state(*firing, pending=pending), 150)
    return [row.alert.rule for row in compose.visible_rows("alerts", found, view, now) if row.alert]


def test_a_new_critical_alert_goes_on_top_of_rows_that_hold_still() -> None:
    view, critical = View(), Severity.CRITICAL
    old = _alert(100, rule="old", severity=critical), _alert(200, rule="older", severity=critical)
    soon = _alert(rule="soon", state=AlertState.PENDING, severity=critical, since=None)
    assert _held(view, 0.0, *old, pending=(soon,)) == ["old", "older", "soon"]
    view.last_key = 0.0
    newer = _alert(300, rule="newer", severity=critical)
    assert _held(view, 1.0, *old, newer, _alert(rule="mild"), pending=(soon,)) == [
        "newer", "old", "older", "soon", "mild",
    ]  # fmt: skip
    fires = replace(soon, state=AlertState.FIRING, since=states.WALL)
    assert _held(view, 2.0, *old, newer, fires)[:2] == ["soon", "newer"]
    calmer = replace(newer, severity=Severity.WARNING)
    assert _held(view, 3.0, *old, calmer, fires)[:2] == ["soon", "newer"]


def test_a_note_that_is_no_trouble_does_not_look_like_an_alert() -> None:
    state = _state()
    state.own_notes = ("this agent runs on /etc/a.toml, as whoever started it chose",)
    assert _line(state, "runs on").startswith("i this")
    state.own_notes = ("this agent runs on /etc/a.toml, not on /etc/b.toml",)
    assert _line(state, "runs on").startswith("▲ this")


@pytest.mark.parametrize("cells", [56, 76])
def test_the_timeline_cuts_the_rule_before_source_and_queue(cells: int) -> None:
    alert = _alert(rule="queue-without-workers", source="cache-1", attributes=(("queue", "webhook"),))
    label = plain(timeline(states.bare(), (alert,), cells, 5)[0])
    assert label.startswith("cache-1 queue… webhook")


def test_the_line_on_notifications_is_one_on_a_narrow_screen() -> None:
    state = _state(delivery=Delivery(waiting=3, problems=("slack: not reached for 12m, and again in 40 s",)))
    assert len(alerts.draw(state, 56, (), WHOLE, 16).head) == 1


def test_the_timeline_draws_spans_where_they_were() -> None:
    state = _state(
        _alert(since=states.WALL - 900, severity=Severity.CRITICAL),
        log=(
            _alert(
                since=states.WALL - 2700,
                resolved_at=states.WALL - 1800,
                state=AlertState.RESOLVED,
                rule="memory",
                source="web-4",
            ),
        ),
    )
    lines = timeline(state, (*state.alerts.firing, *state.alerts.log), 100, 5)
    assert [width(line) for line in lines] == [100, 100, 100]
    first, second, axis = (plain(line)[26:] for line in lines)
    assert first.count("█") in (18, 19, 20) and first.endswith("█")
    assert second.count("▆") in (18, 19, 20) and 17 <= second.index("▆") <= 19
    assert axis.startswith("└01:14") and axis.endswith("now")


def test_the_timeline_shows_what_is_over_for_an_hour_and_a_moment_as_one_cell() -> None:
    short = _alert(since=states.WALL - 100, resolved_at=states.WALL - 99, state=AlertState.RESOLVED)
    old = _alert(since=states.WALL - 2 * HOUR, resolved_at=states.WALL - HOUR - 10, state=AlertState.RESOLVED)
    state = states.bare()
    assert plain(timeline(state, (short,), 100, 5)[0]).count("▆") == 1
    assert timeline(state, (old,), 100, 5) == []


def test_too_many_alerts_share_the_lines_of_the_timeline_by_rule() -> None:
    lines = timeline(states.bare(), states.storm(40), 100, 4)
    assert len(lines) == 2 and plain(lines[0]).startswith("cache-1 queue-without-wo")


def test_plain_text_folds_nothing_and_tells_silences() -> None:
    text = render_plain(states.crowded(), 120)
    assert "shard-12: no worker" in text and "38m left" in text and "acked by ana" in text


def test_a_thousand_alerts_are_drawn_within_a_few_milliseconds() -> None:
    firing = tuple(replace(each, rule=f"rule-{at}", summary="") for at, each in enumerate(states.storm(250)))
    state, view, box = _state(*firing), View(screen="alerts"), Box(0, 0, 160, 43)

    def draw() -> float:
        start = time.process_time()
        compose.draw("alerts", compose.content("alerts", state, view, box), view, box, 1e9)
        return time.process_time() - start

    assert min(draw() for _ in range(5)) < 0.02


def _acted(*runs: Run) -> State:
    state = states.incident()
    state.runs = runs
    return state


def _edge(state: State) -> str:
    return plain(alerts.draw(state, 150).foot)


@pytest.mark.parametrize("size", [(80, 7), (60, 6)])
def test_actions_take_no_line_from_the_alerts_and_no_step_of_the_selection(size: tuple[int, int]) -> None:
    runs = tuple(acts.run(plan=acts.plan(f"p{number}", f"restart {number}")) for number in range(9))
    state, view, box = _acted(*runs), View(), Box(0, 0, *size)
    content = compose.content("alerts", state, view, box)
    lines = [plain(line) for line in compose.draw("alerts", content, view, box, 1e9)]
    assert all(row.alert for row in content.rows)
    assert "webhook: no worker" in lines[1] and "✖" in lines[1]
    assert sum(glyph in line[:4] for line in lines[1:-1] for glyph in "✖▲") == 4
    assert "restart" in lines[-1] and "running" in lines[-1]


def test_one_line_says_what_runs_and_for_a_moment_how_it_ended() -> None:
    ended = {"outcome": Outcome.SUCCEEDED, "proof": Proof.RECOVERED, "done": states.WALL - 20}
    well = acts.run(**ended, ended=states.WALL - 20)
    assert _edge(_acted(acts.run())).startswith("▶ restart worker@1.service  running 40 %")
    assert "succeeded" in _edge(_acted(well)) and "● recovered" in _edge(_acted(well))
    assert _edge(_acted(replace(well, ended=states.WALL - 31))) == ""


@pytest.mark.parametrize(
    "changes",
    [{"outcome": Outcome.FAILED}, {"outcome": Outcome.SUCCEEDED, "proof": Proof.WORSE}, {"outcome": Outcome.PARTIAL}],
)
def test_what_failed_or_made_it_worse_stays_two_minutes_and_comes_first(changes: dict[str, object]) -> None:
    bad = acts.run(plan=acts.plan("bad", "the bad one"), **changes, done=states.WALL - 119, ended=states.WALL - 119)
    assert "the bad one" in _edge(_acted(acts.run(), bad)) and "and 1 more" in _edge(_acted(acts.run(), bad))
    assert _edge(_acted(replace(bad, ended=states.WALL - 121))) == ""


def test_parts_of_a_bundle_are_not_told_beside_it() -> None:
    part = acts.run(plan=acts.plan("part", "a part", part_of="p1"))
    assert "more" not in _edge(_acted(acts.run(), part)) and "a part" not in _edge(_acted(acts.run(), part))


@pytest.mark.parametrize("cells", [100, 116, 150, 200])
def test_what_enter_offers_stays_where_it_is_whatever_else_is_told(cells: int) -> None:
    firing = _alert(remedies=("cleanup.expired",))
    longest = _alert(1, rule="long", summary="word " * 80, well_since=states.NOW - 20, clears_after=60)
    tags = set()
    for others in ((), (longest,)):
        for age in (5, 59, 3600, 90_000):
            line = _line(_state(replace(firing, since=states.WALL - age), *others), "number 0", cells)
            assert width([(line, "")]) <= cells
            tags.add(line.partition("enter: ")[2].rstrip())
    assert len(tags) == 1 and tags <= {"remedies", "free the memory of expired keys"}


def test_only_what_has_remedies_says_what_enter_offers() -> None:
    state = _state(_alert(), _alert(1, remedies=("cleanup.expired",)), _alert(2, remedies=("cache.warm:hot",)))
    assert "enter:" not in _line(state, "number 0", 200)
    assert "enter: free the memory of expired keys" in _line(state, "number 1", 200)
    assert "enter: remedies" in _line(state, "number 2", 200)
