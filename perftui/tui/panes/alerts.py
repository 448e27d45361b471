"""The alerts pane: what fires, the worst first, then what soon will, what ended, and what the agent has to say.

What an action does stands on its lower edge: it takes no line from the alerts.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from perftui.client.config_notes import AS_CHOSEN
from perftui.client.state import Link, State
from perftui.core.alert import Alert, AlertState
from perftui.core.status import BROKEN_STATES
from perftui.tui.panes.alert_filter import AlertFilter
from perftui.tui.panes.alert_fold import Fold, folded
from perftui.tui.panes.alert_rows import AlertRows
from perftui.tui.panes.alert_timeline import timeline
from perftui.tui.panes.alert_words import until_firing
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.runs import news
from perftui.tui.panes.silence_rows import delivery_lines, silence_rows
from perftui.tui.panes.state_words import trouble
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, joined_within

_TIMELINE = (16, 5, 24)
"""Lines of the pane from which it has a timeline, the part of them that it takes from the rows, its lines at most."""
_NARROW, _ONE_LINE = 64, 100_000
"""Cells below which how notifications get on has one line, which is cut then; those in which anything has."""
_TITLE = 11
"""Cells of the upper edge that are not its note."""
_MUTE = (Link.LOST, Link.SILENT)
_OWN_PANE = frozenset({"redis", "mysql", "http"})


class Look(NamedTuple):
    """How the pane is looked at: `whole` on its own screen, with silences, timeline and its filter.

    `unfolded` are the folds that were opened, None where every alert has a row of its own.
    """

    whole: bool = False
    choice: AlertFilter = AlertFilter()
    unfolded: frozenset[str] | None = frozenset()


_GLANCE = Look()


def draw(state: State, cells: int, notes: tuple[str, ...] = (), look: Look = _GLANCE, height: int = 0) -> Content:
    """Return the pane in `cells` cells and `height` lines; `notes` are lines of the console's own."""
    view, passes = state.alerts, look.choice.passes
    firing = sorted(filter(passes, view.firing), key=_rank)
    pending, ended = _pending(state, filter(passes, view.pending)), list(filter(passes, view.log))
    table = AlertRows(state, [*firing, *pending, *ended], cells, tall=look.whole)
    rows = partial(_rows, table, look.unfolded)
    content = Content("Alerts", _counts(state, look.choice, cells), empty=_calm(state, look.choice))
    content.foot = news(state.runs, state.wall)
    content.rows = [
        *([] if look.choice else _before(state, notes)),
        *rows(firing),
        *_more("firing", _firing_count(state) - len(view.firing), look.choice),
        *rows(pending),
        *_more("pending", view.counts.pending - len(view.pending), look.choice),
        *([] if look.choice else _after(state, whole=look.whole)),
        *rows(ended),
    ]
    if look.whole:
        content.rows += silence_rows(state, cells)
        content.head = delivery_lines(state, cells if cells >= _NARROW else _ONE_LINE)
        content.tail = _tail(state, [*firing, *ended], content, cells, height)
    return content


def _pending(state: State, alerts: Iterable[Alert]) -> list[Alert]:
    """Return what is to fire and then call somebody, the nearest to it first."""
    return sorted((each for each in alerts if not each.mutes), key=lambda each: until_firing(state, each))


def _rows(table: AlertRows, unfolded: frozenset[str] | None, alerts: Iterable[Alert]) -> Iterator[Row]:
    """Yield the rows of alerts in their order, those folded that are many of one rule."""
    for each in alerts if unfolded is None else folded(alerts):
        if not isinstance(each, Fold):
            yield table.row(each)
            continue
        is_open = unfolded is not None and each.id in unfolded
        yield table.folded(each.id, each.alerts, is_open=is_open)
        if is_open:
            yield from map(table.row, each.alerts)


def _tail(state: State, alerts: list[Alert], content: Content, cells: int, height: int) -> list[Line]:
    """Return the timeline in what the rows leave, or in its own part of a pane that is high enough."""
    least, part, most = _TIMELINE
    if height < least:
        return []
    free = height - len(content.head) - sum(len(row.lines) for row in content.rows) - 1
    lines = timeline(state, alerts, cells, min(most, max(free, height // part)))
    return [[], *lines] if lines else []


def _rank(alert: Alert) -> tuple[bool, int, bool, float, str]:
    """Return where it stands: what calls somebody first, then the worst, what nobody takes care of, the newest."""
    return bool(alert.mutes), -alert.severity.rank, alert.ack is not None, -(alert.since or 0), alert.key


def _before(state: State, notes: tuple[str, ...]) -> Iterator[Row]:
    """Yield what is more important than any alert: the link, and the console itself."""
    if state.link in _MUTE and state.link_note:
        yield _note("link", f"agent: {state.link_note}")
    yield from (_note(f"console {index}", text) for index, text in enumerate(notes))


def _after(state: State, *, whole: bool) -> Iterator[Row]:
    """Yield what is no alert and yet wrong: broken sources, notes of the agent, notifications that do not arrive."""
    yield from (_broken(state, name) for name in sorted(state.sources) if _is_broken(state, name))
    yield from (_note(f"agent {index}", text) for index, text in enumerate(state.notes))
    if not whole:
        yield from (_note(f"route {text}", f"notifications: {text}") for text in state.alerts.delivery.problems)


def _more(word: str, count: int, choice: AlertFilter) -> Iterator[Row]:
    """Yield a line for those that a bounded view has no room for."""
    if count > 0:
        among = ", which the filter did not see" if choice else ""
        yield Row(f"more {word}", ([(f"  … and {count} more {word}{among}", "text")],))


def _firing_count(state: State) -> int:
    counts = state.alerts.counts
    return counts.critical + counts.warning + counts.info + counts.silenced + counts.inhibited


def _counts(state: State, choice: AlertFilter, cells: int) -> Line:
    """Return the title's note: what is filtered, what calls somebody, what is held back, what is soon and what was."""
    counts = state.alerts.counts
    loud = counts.critical + counts.warning + counts.info
    parts: list[Line] = [[(f"only {choice.words}", "accent")]] if choice else []
    parts.append([(f"{loud} firing", "critical" if counts.critical else "warning" if loud else "dim")])
    resolved = sum(alert.state is AlertState.RESOLVED for alert in state.alerts.log)
    extra = (
        (counts.silenced, "silenced"),
        (counts.inhibited, "inhibited"),
        (counts.unknown, "unknown"),
        (counts.pending, "pending"),
        (resolved, "resolved"),
    )
    parts += [[(f"{count} {word}", "dim")] for count, word in extra if count]
    return joined_within(parts, cells - _TITLE, " · ")


def _calm(state: State, choice: AlertFilter) -> str:
    if choice:
        return f"nothing here is {choice.words}"
    if state.link is not Link.LIVE:
        return "nothing is known without the agent"
    return "nothing fires" if state.knows_what_fires else "waiting for the first figures of every source"


def _is_broken(state: State, name: str) -> bool:
    """Return whether a source without a pane of its own is broken: its line belongs here."""
    status = state.sources[name]
    return status.kind not in _OWN_PANE and status.state in BROKEN_STATES


def _broken(state: State, name: str) -> Row:
    status = state.sources[name]
    words: Line = [(f"{glyphs.CRITICAL} ", "critical"), (f"{name}  ", "text"), (trouble(state, status), "dim")]
    return Row(f"source {name}", (words,), source=name)


def _note(id: str, text: str) -> Row:
    """Return a line that is no alert; dim where it only says how things are."""
    if text.endswith(AS_CHOSEN):
        return Row(id, ([(f"{glyphs.INFO} {text}", "dim")],))
    return Row(id, ([(f"{glyphs.WARNING} ", "warning"), (text, "text")],))
