"""Whatever the state, every line is exactly as wide as its box, and missing is never 0."""

import pytest

from perftui.client.state import State
from perftui.core.alert import Alert, Level, Severity
from perftui.core.status import SourceState
from perftui.core.wire import AlertsView
from perftui.tui.keys import Keymap
from perftui.tui.layout import PANES, Box, arrange, tabs
from perftui.tui.panes import alerts, caches, compose, databases, header, history, keybar, queues, state_words, system
from perftui.tui.panes.state_words import figure, level_role
from perftui.tui.plain import render_plain
from perftui.tui.view import View
from perftui.tui.widgets.text import Line, plain, width
from tests.support import states

STATES = ("empty", "bare", "healthy", "incident", "crowded", "stale", "hostile")
SIZES = ((160, 45), (120, 40), (100, 30), (80, 24), (60, 20), (40, 12), (220, 60), (30, 5))


def _text(lines: list[Line]) -> str:
    return "\n".join(map(plain, lines))


def _pane(pane: str, state: State, cells: int = 120, height: int = 20) -> str:
    view, box = View(), Box(0, 0, cells, height)
    return _text(compose.draw(pane, compose.content(pane, state, view, box), view, box, 1e9))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STATES)
def test_every_line_has_exactly_the_width_of_its_box(name: str, size: tuple[int, int]) -> None:
    state: State = getattr(states, name)()
    for screen in ("overview", "host", "queues", "services", "alerts", "actions"):
        boxes = arrange(*size, screen, "system", False, compose.needs(state))
        for pane, box in boxes.items():
            if pane not in PANES:
                continue
            view = View(screen=screen)
            lines = compose.draw(pane, compose.content(pane, state, view, box), view, box, 1e9)
            assert [width(line) for line in lines] == [box.width] * box.height, (pane, _text(lines))
            assert _text(lines).replace("\n", "").isprintable()
    assert width(header.draw(state, size[0])) == size[0]
    assert width(keybar.draw(Keymap(), "caches", size[0])) == size[0]
    assert width(keybar.tabs(state, tabs(compose.needs(state)), "queues", size[0], Keymap())) == size[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_boxes_cover_the_screen_once(size: tuple[int, int]) -> None:
    boxes = arrange(*size, "overview", "system", False, compose.needs(states.incident()))
    cells = [
        (x, y)
        for box in boxes.values()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    ]
    assert len(cells) == len(set(cells)) == size[0] * size[1]


def test_alerts_keep_at_least_four_lines_on_a_small_screen() -> None:
    boxes = arrange(80, 24, "overview", "queues", False, compose.needs(states.incident()))
    assert boxes["alerts"].height - 2 >= 4


def test_the_worst_comes_first() -> None:
    rows = [row.id for row in queues.draw(states.incident(), 100).rows]
    assert rows == ["cache-1/webhook", "cache-1/analytics", "cache-1/low", "cache-1/notifications"]
    assert [row.id for row in caches.draw(states.incident(), 100).rows] == ["cache-3", "cache-2", "cache-1", "pool"]
    assert [row.id for row in databases.draw(states.incident(), 100).rows][-1] == "mysql-3306"
    firing = [
        row.alert.severity
        for row in alerts.draw(states.incident(), 100).rows
        if row.alert and row.alert.state == "firing"
    ]
    assert firing == sorted(firing, key=lambda severity: -severity.rank)


def test_missing_is_a_dash_never_zero() -> None:
    state = states.bare()
    states.add(state, "web-3", "system", (states.sample("system.cpu.utilization", 0.5),))
    states.add(state, "cache-1", "redis", (states.sample("redis.memory.used", 1e9),))
    assert "mem" in _pane("system", state) and "0 %" not in _pane("system", state).replace("50 %", "")
    line = next(line for line in _pane("caches", state).split("\n") if "cache-1" in line)
    assert line.count("–") >= 4 and " 0 " not in line


def test_a_stale_source_keeps_its_last_figure_dimmed_with_its_age() -> None:
    state = states.stale()
    row = next(row for row in caches.draw(state, 100).rows if row.id == "pool")
    figures, words = row.lines
    assert "99.8" in plain(figures) and all("stale" in role for _, role in figures[1:])
    assert plain(words).strip() == "stale, figures 40 s ago"
    assert "stale, figures 40 s ago" in plain(system.draw(state, 100, 12).note)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (SourceState.FAILING, "connection refused", "failing for 14 s, figures 14 s ago: connection refused"),
        (SourceState.OPEN, "timed out", "failing for 14 s, figures 14 s ago, next probe in 4 s: timed out"),
        (SourceState.DENIED, "no PROCESS privilege", "refuses us, figures 14 s ago: no PROCESS privilege"),
        (SourceState.FOUND, "", "found, needs credentials"),
        (SourceState.WAITING, "", "waiting for its first figures"),
    ],
)
def test_states_in_plain_words(status: SourceState, error: str, words: str) -> None:
    state = states.bare()
    states.add(state, "cache-1", "redis", states.redis(), age=14, status=status, error=error)
    assert state_words.trouble(state, state.sources["cache-1"]) == words


def test_every_broken_source_is_visible_whatever_its_kind() -> None:
    state = states.bare()
    for kind in ("system", "agent", "redis", "mysql", "http"):
        states.add(state, f"the-{kind}", kind, status=SourceState.FAILING, error=f"why-{kind}")
    shown = "\n".join(_pane(pane, state) for pane in ("alerts", "caches", "databases", "endpoints"))
    assert all(f"why-{kind}" in shown for kind in ("system", "agent", "redis", "mysql", "http"))


def test_drain_time_in_words() -> None:
    text = _pane("queues", states.incident(), 140)
    rows = {line.split()[2]: line for line in text.split("\n")[2:6]}
    assert "never" in rows["webhook"] and "growing" in rows["analytics"]
    assert "paused" in rows["low"] and "3m30s" in rows["notifications"]


def test_the_header_gives_way_in_order_and_keeps_what_fires() -> None:
    state = states.incident()
    wide, small = plain(header.draw(state, 160)), plain(header.draw(state, 60))
    assert "up 41d" in wide and "02:14:52 UTC" in wide and "11 sources ● 8 ✖ 2 ? 1" in wide
    assert "up 41d" not in small and "✖ 1 critical" in small and "▲ 3 warning" in small


def test_the_header_says_paused_read_only_and_lost() -> None:
    line = plain(header.draw(states.stale(), 160, paused_for=12, read_only=True))
    assert "PAUSED 12 s" in line and "read-only" in line and "✖ LOST" in line


def test_history_shows_the_worst_alert_unless_a_series_is_selected() -> None:
    state, view = states.incident(), View()
    charted = compose.charted(state, view)
    assert charted is not None and charted.metric == "queue.depth"
    assert "queue.depth" in plain(history.draw(state, charted, 80, 12).note)


def test_plain_text_has_every_fact_and_needs_no_textual() -> None:
    text = render_plain(states.incident(), 120)
    for fact in (
        "webhook",
        "12.4k",
        "cache-3: failing for 14 s, figures 14 s ago: connection refused",
        "found, needs credentials",
        "3 warning",
    ):
        assert fact in text
    assert all(width([(line, "text")]) <= 120 or ":" in line for line in text.split("\n"))


def test_the_key_bar_offers_no_change_where_none_is_possible() -> None:
    assert "c cleanup" in plain(keybar.draw(Keymap(), "caches", 80))
    assert "cleanup" not in plain(keybar.draw(Keymap(), "caches", 80, read_only=True))
    assert "q quit" in plain(keybar.draw(Keymap(), "caches", 60))


def test_the_system_pane_says_what_watching_costs() -> None:
    line = next(row for row in system.draw(states.healthy(), 78, 20).rows if row.id == "agent")
    assert "cpu 0.4 %" in plain(line.lines[0])
    assert "commands 0/s" in plain(line.lines[0])


def test_a_figure_at_its_level_is_calm_and_beyond_it_is_not() -> None:
    state = states.healthy()
    refused = Level(metric="redis.writes.refused", direction="above", critical=0.0)
    ratio = Level(metric="redis.hit_ratio", direction="below", warning=0.8)
    state.alerts = AlertsView(levels=(refused, ratio))
    assert level_role(state, "redis.writes.refused", 0.0) == "text"
    assert level_role(state, "redis.writes.refused", 0.1) == "critical"
    assert level_role(state, "redis.hit_ratio", 0.8) == "text"
    assert level_role(state, "redis.hit_ratio", 0.79) == "warning"


def test_a_figure_on_which_an_alert_fires_has_its_colour() -> None:
    state = states.healthy()
    alert = Alert(rule="r", source="cache-1", metric="redis.hit_ratio", severity=Severity.CRITICAL)
    state.alerts = AlertsView(firing=(alert,))
    assert figure(state, "cache-1", "redis.hit_ratio")[0][1] == "critical"
    state.alerts = AlertsView()
    assert figure(state, "cache-1", "redis.hit_ratio")[0][1] == "text"


def test_agent_notes_and_own_notes_are_shown() -> None:
    state = states.healthy()
    assert state.agent is not None
    lines = [plain(row.lines[0]) for row in alerts.draw(state, 100, ("theme: no such colour",)).rows]
    assert lines == ["▲ theme: no such colour"]
