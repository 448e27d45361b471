"""The hand-over from one shift to the next as Markdown: what stands, what was done, what comes back."""

from collections.abc import Iterable

from perftui.client.state import Link, State
from perftui.core.action import Outcome, Run
from perftui.core.alert import Alert, Silence
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus
from perftui.tui.markdown import acked, alert_line, code, lasted, moment, severity_of, words_for
from perftui.tui.panes.alert_words import took
from perftui.tui.panes.runs import OUTCOMES, PROOFS, can_undo, state_of
from perftui.tui.panes.silence_rows import remaining, words_of
from perftui.tui.panes.state_words import trouble

SHIFT = 8 * 3600.0
"""Seconds that what has ended is told of."""
_UNASKED = (SourceState.FOUND, SourceState.WAITING)


def hand_over_text(state: State) -> str:
    """Return the hand-over at this moment."""
    view, counts = state.alerts, state.alerts.counts
    total = max(len(view.firing), counts.critical + counts.warning + counts.info + counts.silenced + counts.inhibited)
    pending = max(len(view.pending), counts.pending)
    ill = [status for status in state.sources.values() if _is_ill(state, status)]
    parts = [
        _head(state),
        _section(f"Firing: {total}", _with_more((alert_line(state, each) for each in view.firing), total)),
        _section(f"Pending: {pending}", _with_more((_pending(state, each) for each in view.pending), pending)),
        _section(f"Silences: {len(view.silences)}", [_silence(state, each) for each in view.silences]),
        _section(
            f"Sources that fail or are stale: {len(ill)} of {len(state.sources)}",
            [f"{code(each.name)} {code(trouble(state, each) or each.state.value)}" for each in ill],
        ),
        _section("Actions", [_run(state, each) for each in state.runs]),
        _section("Of these can still be undone", [_undo(each) for each in state.runs if can_undo(each)]),
        _section("Notifications", _delivery(state)),
        _section("Ended in the last 8 hours", _ended(state)),
    ]
    return "\n\n".join(parts) + "\n"


def _head(state: State) -> str:
    host = code(state.welcome.host) if state.welcome is not None else "an unknown host"
    lines = [f"# Hand-over of {host}, {moment(state.wall)}"]
    if state.link is not Link.LIVE:
        lines.append(f"**The agent does not answer**: {code(state.link_note)}. What follows is what it last said.")
    elif not state.knows_what_fires:
        lines.append("**Not every source has been looked at yet**: more may fire than stands here.")
    lines += [f"- note: {code(note)}" for note in state.notes]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]) if lines[1:] else lines[0]


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(f"- {line}" for line in lines)
    return f"## {title}\n\n{body or 'none'}"


def _with_more(lines: Iterable[str], total: int) -> list[str]:
    """Return the lines, and how many there are that a bounded view has no room for."""
    told = list(lines)
    return [*told, f"and {total - len(told)} more, which the console is not told of"] if total > len(told) else told


def _pending(state: State, alert: Alert) -> str:
    progress = took(state, alert, 40)
    return alert_line(state, alert) + (f", {progress} until it fires" if progress else "")


def _silence(state: State, silence: Silence) -> str:
    origin = f" in {code(silence.origin)}" if silence.origin else ""
    comment = f": {code(silence.comment)}" if silence.comment else ""
    until = f"until {moment(silence.until)} ({remaining(state, silence)})"
    return f"{code(words_of(silence.matchers))} {until}, by {code(silence.author)}{origin}{comment}"


def _is_ill(state: State, status: SourceStatus) -> bool:
    """Return whether a source fails or its figures are too old; one that was never asked is neither."""
    return status.state in BROKEN_STATES or (status.state not in _UNASKED and state.is_stale(status.name))


def _run(state: State, run: Run) -> str:
    plan = run.plan
    parts = [
        f"{OUTCOMES[run.outcome][0]} {code(plan.title)} on {code(plan.target)}",
        f"started {moment(run.started)}",
        state_of(run, state.wall),
        code(run.message) if run.message else "",
        *(f"{code(each.label)} {code(each.before)} → {code(each.after)}" for each in run.lines if each.after),
        "" if run.outcome is Outcome.RUNNING else PROOFS[run.proof][0],
        f"same as {code(plan.command)}",
    ]
    return ", ".join(filter(None, parts))


def _undo(run: Run) -> str:
    by = f", by {code(run.undo.title)}" if run.undo is not None and run.undo.title else ""
    return f"{code(run.plan.title)} on {code(run.plan.target)}, started {moment(run.started)}{by}"


def _delivery(state: State) -> list[str]:
    delivery = state.alerts.delivery
    if delivery.off:
        return [f"off: {code(delivery.off)}"]
    counts = f"on: {delivery.sent} sent, {delivery.waiting} waiting, {delivery.dropped} dropped"
    return [counts, *(code(problem) for problem in delivery.problems)]


def _ended(state: State) -> list[str]:
    """Return what ended in that time, newest first, and how far back is known where that is less."""
    log = [alert for alert in state.alerts.log if alert.resolved_at is not None]
    recent = [alert for alert in log if state.wall - (alert.resolved_at or 0.0) <= SHIFT]
    lines = [_end(state, alert) for alert in recent]
    if recent and len(recent) == len(log):
        lines.append(f"nothing is known here of what ended before {moment(recent[-1].resolved_at)}")
    return lines


def _end(state: State, alert: Alert) -> str:
    parts = [
        f"{severity_of(alert)} {code(alert.source)} {words_for(alert)}",
        f"{moment(alert.resolved_at)} after {lasted(state, alert)}",
        acked(alert),
    ]
    return ", ".join(filter(None, parts))
