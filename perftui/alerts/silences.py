"""Silences: our own, which outlive the agent, and those of other systems, which are asked for again."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

import msgspec

from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.silence_index import Agreeing, SilenceIndex, count_each, last
from perftui.core.alert import Mute, Silence, Stage
from perftui.core.clock import Clock
from perftui.core.matcher import check
from perftui.core.text import clean

KIND = "silence"
SHORTEST = 60.0
LONGEST = 30 * 86400.0
MOST = 200
"""Silences at a time: our own, and as many of each other system."""
MOST_MATCHERS = 16
LONGEST_PATTERN = 200
LONGEST_NAME = 64
LONGEST_COMMENT = 200
_JUMP = 1.0
_SAME = 2.0
"""Seconds within which two times by another system's clock are the same: it tells whole seconds, each answer others."""
_DAY = 20 * 3600.0


class Silences:
    """Which alerts call nobody for a time. Monotonic time ends a silence; its wall time follows the wall clock.

    `version` changes with what is silenced or what is said of it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._own: dict[str, Silence] = {}
        self._foreign: dict[str, tuple[Silence, ...]] = {}
        self._changes: Changes = {}
        self.active: tuple[Silence, ...] = ()
        self.version = 0
        self._index = SilenceIndex(())

    def add(self, matchers: Mapping[str, str], seconds: float, author: str, comment: str = "") -> Silence:
        """Silence what agrees with all of `matchers` for `seconds`. Raises ValueError with what is wrong."""
        if len(self._own) >= MOST:
            raise ValueError(f"there are {MOST} already; end some of them first")
        if not SHORTEST <= seconds <= LONGEST:
            raise ValueError("it lasts from 1 minute to 30 days")
        now, wall = self._clock.monotonic(), self._clock.wall()
        silence = Silence(
            id=self._new_id(),
            matchers=checked(matchers),
            author=clean(author, LONGEST_NAME),
            comment=clean(comment, LONGEST_COMMENT),
            created=wall,
            until=wall + seconds,
            expires=now + seconds,
        )
        self._keep(silence)
        self._refresh()
        return silence

    def end(self, id: str) -> bool:
        """End one of our own; return whether there was one."""
        if id not in self._own:
            return False
        self._drop(id)
        self._refresh()
        return True

    def take_foreign(self, origin: str, silences: Iterable[Silence]) -> None:
        """Take over those of another system instead of what it had before; one that could not be ours is left out."""
        before = self._foreign.get(origin, ())
        known = {silence.id: silence for silence in before}
        taken = tuple(
            _settled(known.get(silence.id), silence) for silence in islice(filter(_is_readable, silences), MOST)
        )
        if taken != before:
            self._foreign[origin] = taken
            self._refresh()

    def expire(self) -> bool:
        """End those whose time is over, and set right what the wall clock will show; return whether any changed."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        over = [silence for silence in self.active if silence.expires <= now]
        for silence in over:
            if not silence.origin:
                self._drop(silence.id)
        jumped = [each for each in self._own.values() if abs(each.until - (wall + each.expires - now)) > _JUMP]
        for each in jumped:
            self._own[each.id] = msgspec.structs.replace(each, until=wall + each.expires - now)
        if over or jumped:
            self._foreign = {
                origin: tuple(silence for silence in silences if silence.expires > now)
                for origin, silences in self._foreign.items()
            }
            self._refresh()
        return bool(over or jumped)

    def agreeing(self, labels: Mapping[str, str]) -> Agreeing:
        """Return which of those that are active agree with an alert; it holds for this `version`."""
        return self._index.agreeing(labels)

    def mute(self, agreeing: Agreeing) -> Mute | None:
        """Return what keeps an alert quiet: of the silences that agree with it the one that ends last."""
        place = last(agreeing)
        return None if place is None else Mute(stage=Stage.SILENCE, reason=self._reason(self.active[place]))

    def count(self, sets: Sequence[Agreeing]) -> None:
        """Note how many alerts each of those that are active holds, from what agrees with each alert that fires."""
        counts = count_each(sets)
        if any(silence.holds != counts[place] for place, silence in enumerate(self.active)):
            self.active = tuple(
                msgspec.structs.replace(silence, holds=counts[place]) for place, silence in enumerate(self.active)
            )

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, {}
        return changes

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back our own with the time that is really left of them; a row that cannot be read is dropped."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        for key, body in rows.get(KIND, {}).items():
            self._changes[KIND, key] = None
            try:
                kept = msgspec.msgpack.decode(body, type=Silence)
            except msgspec.MsgspecError:
                continue
            left = kept.expires + outage.shift - now
            if _is_readable(kept) and left > 0:
                # Kept anew even if it is unchanged: it counts from today's clock.
                self._keep(msgspec.structs.replace(kept, expires=now + left, until=wall + left))
        self._refresh()

    def _keep(self, silence: Silence) -> None:
        self._own[silence.id] = self._changes[KIND, silence.id] = silence

    def _drop(self, id: str) -> None:
        del self._own[id]
        self._changes[KIND, id] = None

    def _refresh(self) -> None:
        everything = [*self._own.values(), *(each for silences in self._foreign.values() for each in silences)]
        self.active = tuple(sorted(everything, key=lambda silence: (silence.expires, silence.id)))
        self._index = SilenceIndex(self.active)
        self.version += 1

    def _new_id(self) -> str:
        while (id := secrets.token_hex(4)) in self._own:
            pass
        return id

    def _reason(self, silence: Silence) -> str:
        far = silence.until - self._clock.wall() > _DAY
        until = datetime.fromtimestamp(silence.until, UTC).strftime("%m-%d %H:%M" if far else "%H:%M")
        author = f"{silence.author} ({silence.origin})" if silence.origin else silence.author
        return f"silenced by {author} until {until} UTC" + (f": {silence.comment}" if silence.comment else "")


def checked(matchers: Mapping[str, str]) -> dict[str, str]:
    """Return the matchers of a silence, cleaned. Raises ValueError with what is wrong."""
    if not matchers:
        raise ValueError('it needs a matcher; rule = "*" silences everything')
    if len(matchers) > MOST_MATCHERS:
        raise ValueError(f"it has at most {MOST_MATCHERS} matchers")
    if not all(matchers):
        raise ValueError("a matcher has no label")
    for text in (*matchers, *matchers.values()):
        if len(text) > LONGEST_PATTERN:
            raise ValueError(f"{clean(text, 40)} is too long; {LONGEST_PATTERN} characters are the most")
    cleaned = {clean(label): clean(pattern) for label, pattern in matchers.items()}
    for pattern in cleaned.values():
        check(pattern)
    return cleaned


def _is_readable(silence: Silence) -> bool:
    try:
        checked(silence.matchers)
    except ValueError:
        return False
    return True


def _settled(before: Silence | None, now: Silence) -> Silence:
    """Return a silence as it was before where it is the same but for what clocks make of its times."""
    if before is None or abs(before.expires - now.expires) >= _SAME or abs(before.until - now.until) >= _SAME:
        return now
    times = {"created": now.created, "until": now.until, "expires": now.expires}
    return before if msgspec.structs.replace(before, **times) == now else now
