"""Freeze windows: times in which no action runs, each week (`fri 16:00`) or once (`2026-12-24 00:00`), in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from perftui.config.remedies import Freeze
from perftui.core import matcher

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 86400
WEEK = 7 * DAY
_WEEKLY = re.compile(rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")
_ONCE = re.compile(r"\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d")
_MONDAY = 4 * DAY
"""Wall seconds of the first Monday, 1970-01-05 00:00 UTC."""


class Window(NamedTuple):
    """From when until when: wall seconds, or seconds of the week (from Monday 00:00 UTC) where it is `weekly`."""

    weekly: bool
    start: float
    until: float

    def end(self, wall: float) -> float | None:
        """Return when the window that holds at `wall` ends, both in wall seconds; None when none holds."""
        if not self.weekly:
            return self.until if self.start <= wall < self.until else None
        now = (wall - _MONDAY) % WEEK
        inside = (now - self.start) % WEEK < (self.until - self.start) % WEEK
        return wall + (self.until - now) % WEEK if inside else None


def parse(start: str, until: str) -> Window:
    """Return the window between two times as they are written. Raises ValueError with what is wrong."""
    (weekly, first), (weekly_too, last) = _time("from", start), _time("until", until)
    if weekly is not weekly_too:
        raise ValueError(f'from "{start}" and until "{until}" must be written alike: both each week, or both once')
    if first == last or (not weekly and last < first):
        raise ValueError(f'until "{until}" is not after from "{start}"')
    return Window(weekly, first, last)


def holds(freeze: Freeze, wall: float) -> float | None:
    """Return until when a freeze holds (wall seconds), None when it does not now. Raises ValueError as `parse`."""
    return parse(freeze.start, freeze.until).end(wall)


def covers(freeze: Freeze, source: str) -> bool:
    """Return whether a freeze is about a source."""
    return any(matcher.fits(pattern, source) for pattern in freeze.sources)


def words(end: float, now: float) -> str:
    """Return an end as people read it: `mon 08:00` within the next six days, else with its date; UTC."""
    when = datetime.fromtimestamp(end, UTC)
    if when - datetime.fromtimestamp(now, UTC) < timedelta(days=6):
        return f"{DAYS[when.weekday()]} {when:%H:%M}"
    return f"{when:%Y-%m-%d %H:%M}"


def _time(key: str, text: str) -> tuple[bool, float]:
    """Return whether it is one of each week, and its seconds."""
    if match := _WEEKLY.fullmatch(text.lower()):
        day, hour, minute = match.groups()
        return True, float(DAYS.index(day) * DAY + int(hour) * 3600 + int(minute) * 60)
    if _ONCE.fullmatch(text):
        try:
            return False, datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M %z").timestamp()
        except ValueError:
            pass
    raise ValueError(f'{key} "{text}" is no time; write "fri 16:00" for each week, or "2026-12-24 00:00" for once')
