"""What a notification says, in words."""

import time
from collections import Counter
from collections.abc import Sequence

from perftui.alerts.notify.notification import Entry, Notification
from perftui.core.alert import Severity
from perftui.core.text import clean
from perftui.core.units import seconds

TITLE_LENGTH = 200


def title(firing: Sequence[Entry], ended: Sequence[Entry], *, resolved: bool, again: bool = False) -> str:
    """Return the title over these alerts, worst first; `again` when nothing of it is new."""
    if not firing:
        return clean(_end(ended, resolved=resolved), TITLE_LENGTH)
    head = _single(firing[0]) if len(firing) == 1 else f"{_count(firing)}: {_severities(firing)}"
    tail = f"; {len(ended)} ended" if ended else ""
    return clean(f"{'still ' if again else ''}{head}{tail}", TITLE_LENGTH)


def body(notification: Notification) -> str:
    """Return the text under the title; its last line names the message, so that a duplicate shows."""
    lines = [_line(entry.severity.value, entry, "since") for entry in notification.firing]
    lines += [_line("resolved" if entry.known else "state unknown", entry, "at") for entry in notification.ended]
    if notification.more:
        lines.append(f"and {notification.more} more")
    at = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(notification.created))
    return "\n".join([*lines, "", f"perftui on {notification.host}, {at}", f"id {notification.id}"])


def clock_time(wall: float) -> str:
    """Return a wall time as screens show it: the time of day, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(wall))


def told(route: str, wall: float, *, delivered: bool) -> str:
    """Return that a route was told at a wall time, or would have been if it had taken it."""
    at = clock_time(wall)
    return f"told {route} {at}" if delivered else f"queued for {route} {at}, not delivered"


def _single(entry: Entry) -> str:
    return f"{entry.severity.value}: {entry.source} {entry.summary}"


def _end(ended: Sequence[Entry], *, resolved: bool) -> str:
    unknown = sum(not entry.known for entry in ended)
    word = "ended, state unknown" if unknown == len(ended) else "resolved" if resolved else "ended"
    what = f"{ended[0].source} {ended[0].summary}{_lasted(ended[0])}" if len(ended) == 1 else _count(ended)
    partly = f" ({unknown} of them in an unknown state)" if 0 < unknown < len(ended) else ""
    return f"{word}: {what}{partly}"


def _count(entries: Sequence[Entry]) -> str:
    sources = {entry.source for entry in entries}
    where = entries[0].source if len(sources) == 1 else f"{len(sources)} sources"
    return f"{len(entries)} alerts on {where}"


def _severities(entries: Sequence[Entry]) -> str:
    counts = Counter(entry.severity for entry in entries)
    worst_first = sorted(Severity, key=lambda severity: -severity.rank)
    return ", ".join(f"{counts[severity]} {severity.value}" for severity in worst_first if counts[severity])


def _line(word: str, entry: Entry, preposition: str) -> str:
    when = f", {preposition} {time.strftime('%H:%M:%S %Z', time.localtime(entry.at))}" if entry.at else ""
    runbook = f" {entry.runbook}" if entry.runbook else ""
    return f"{word}: {entry.source} {entry.summary}{when}{_lasted(entry)}{runbook}"


def _lasted(entry: Entry) -> str:
    """Return how long one that ended had fired; nothing where that is unknown, or the wall clock was set back."""
    return f" after {seconds(round(entry.at - entry.since))}" if 0.0 < entry.since < entry.at else ""
