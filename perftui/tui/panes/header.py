"""The header: which host, which moment, how we are linked, how the sources do, and what fires."""

from datetime import UTC, datetime

from perftui.client.state import Link, State
from perftui.core import units
from perftui.core.action import Outcome
from perftui.core.status import BROKEN_STATES, SourceState
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, between, crop, join, width

_GAP = "   "


def draw(state: State, cells: int, *, paused_for: float | None = None, read_only: bool = False) -> Line:
    """Return the line in exactly `cells` cells; what matters least gives way first."""
    host = state.welcome.host if state.welcome else "connecting"
    start: list[Line] = [
        [("perftui", "title"), (f"  {host}", "text")],
        [(f"{datetime.fromtimestamp(state.wall, UTC):%H:%M:%S} UTC", "text")] if state.wall else [],
        _link(state),
        _modes(state, paused_for, read_only),
        _uptime(state),
        _load(state),
        _running(state),
        [(state.link_note, "dim")] if state.link is not Link.LIVE and state.link_note else [],
    ]
    end = whole = join([_sources(state), _alerts(state)], _GAP)
    for optional in (7, 4, 5, 6, 1):
        if width(join(start, _GAP)) + width(end) + 2 > cells:
            start[optional] = []
    if width(join(start, _GAP)) + width(end) + 2 > cells:
        end = _alerts(state)
    short = _alerts(state, short=True)
    needed = width(join(start, _GAP)) + 2
    if needed + width(end) > cells and (needed + width(short) <= cells or width(end) > cells):
        end = short
    full = join([_sources(state), _alerts(state, inhibited=True)], _GAP)
    if end is whole and needed + width(full) <= cells:
        end = full
    return between([*crop(join(start, _GAP), cells - width(end) - 2), ("  ", "text")], end, cells)


def _link(state: State) -> Line:
    if state.link is Link.LIVE:
        return [(f"{glyphs.OK} ", "ok"), ("live", "dim")]
    if state.link is Link.CONNECTING:
        return [(f"{glyphs.STALE} connecting", "dim")]
    if state.link is Link.SILENT:
        return [(f"{glyphs.STALE} silent", "warning")]
    return [(f"{glyphs.CRITICAL} LOST", "critical")]


def _modes(state: State, paused_for: float | None, read_only: bool) -> Line:
    words: list[Line] = []
    if paused_for is not None:
        words.append([(f" PAUSED {units.seconds(round(paused_for))} ", "past")])
    if read_only:
        words.append([("read-only", "accent")])
    if state.welcome is not None and state.welcome.role not in ("", "admin"):
        words.append([(state.welcome.role, "accent")])
    return join(words)


def _host_source(state: State) -> str | None:
    return next((status.name for status in state.sources_of("system")), None)


def _uptime(state: State) -> Line:
    source = _host_source(state)
    value = state.value(source, "system.uptime") if source else None
    if value is None:
        return []
    text = f"{value // 86400:.0f}d" if value >= 86400 else str(units.seconds(value // 60 * 60))
    return [("up ", "dim"), (text, "text")]


def _load(state: State) -> Line:
    source = _host_source(state)
    loads = [state.value(source, f"system.cpu.load_average.{span}") for span in ("1m", "5m", "15m")] if source else []
    if not loads or None in loads:
        return []
    return [("load ", "dim"), (" ".join(f"{load:.1f}" for load in loads if load is not None), "text")]


def _sources(state: State) -> Line:
    counts: Line = []
    groups = {glyphs.OK: 0, glyphs.STALE: 0, glyphs.CRITICAL: 0, glyphs.UNKNOWN: 0}
    for status in state.sources.values():
        groups[_glyph(state, status.name)] += 1
    roles = {glyphs.OK: "ok", glyphs.STALE: "stale", glyphs.CRITICAL: "critical", glyphs.UNKNOWN: "dim"}
    for glyph, count in groups.items():
        if count:
            counts += [(f" {glyph} ", roles[glyph]), (str(count), "text")]
    total = len(state.sources)
    return [(f"{total} source{'' if total == 1 else 's'}", "dim"), *counts] if total else []


def _glyph(state: State, name: str) -> str:
    status = state.sources[name]
    if status.state in BROKEN_STATES:
        return glyphs.CRITICAL
    if status.state in (SourceState.FOUND, SourceState.WAITING):
        return glyphs.UNKNOWN
    return glyphs.STALE if state.is_stale(name) else glyphs.OK


def _alerts(state: State, *, short: bool = False, inhibited: bool = False) -> Line:
    """Return how many call somebody, and how many are held back; `short` without the words."""
    counts = state.alerts.counts
    loud = [
        (glyphs.CRITICAL, counts.critical, "critical", "critical"),
        (glyphs.WARNING, counts.warning, "warning", "warning"),
        (glyphs.OK, counts.info, "info", "text"),
    ]
    parts = [_count(*each, short=short) for each in loud if each[1]]
    if not parts:
        parts.append([("nothing fires" if state.knows_what_fires else "alerts unknown", "dim")])
    held = [(counts.silenced, "silenced"), (counts.inhibited if inhibited else 0, "inhibited")]
    words = " · ".join(f"{count}" if short else f"{count} {word}" for count, word in held if count)
    if words:
        parts.append([(f"{glyphs.PAUSED} {words}", "text")])
    return join(parts)


def _count(glyph: str, count: int, word: str, role: str, *, short: bool) -> Line:
    return [(f"{glyph} {count}" if short else f"{glyph} {count} {word}", role)]


def _running(state: State) -> Line:
    running = [run for run in state.runs if run.outcome is Outcome.RUNNING]
    if not running:
        return []
    share = "" if running[0].fraction is None else f" {running[0].fraction * 100:.0f} %"
    return [(f"▶ {running[0].plan.action} {running[0].plan.target}{share}", "accent")]
