"""The episodes that are open, those that ended, and what of both must outlive the agent."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from perftui.alerts.evaluation.check import Check
from perftui.alerts.evaluation.episode import LONGEST_OUTAGE, Episode, KeptEpisode, Key
from perftui.alerts.evaluation.watched import Source, Watch
from perftui.alerts.kept import Changes, Outage, Rows
from perftui.core.alert import Alert, AlertState
from perftui.core.clock import Clock
from perftui.core.series import Attributes

KIND = "episode"
MOST_EPISODES = 5000
"""So many can be open on one source; one whose series come and go under new names must not fill the memory."""
KEPT_AFTER = 5.0
"""Seconds for which something is pending before it is kept: a short peak is not worth a write."""


class Open(NamedTuple):
    """An episode, and where it is judged."""

    episode: Episode
    watch: Watch
    source: Source


class Ledger:
    """Every change of an episode goes through here; `changed` says that a screen could tell."""

    def __init__(self, clock: Clock) -> None:
        self.changed = False
        self._clock = clock
        self._open: dict[Key, Open] = {}
        self._counts: Counter[str] = Counter()
        self._refused: dict[str, set[tuple[str, Attributes]]] = {}
        self._ended: list[tuple[Key, Alert]] = []
        self._unsaved: dict[Key, None] = {}
        self._saved: set[Key] = set()
        self._refreshed = -math.inf

    def __iter__(self) -> Iterator[Open]:
        """Yield what is open, the longest first; episodes may end meanwhile."""
        return iter(list(self._open.values()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open."""
        return not self._open

    @property
    def overflow(self) -> int:
        """How many series are beyond a level and not followed, because their source has too many that are."""
        return sum(map(len, self._refused.values()))

    def look_anew(self, source: str) -> None:
        """Forget which series of a source were too many: its next reading tells."""
        self._refused.pop(source, None)

    def begin(self, check: Check, source: Source, watch: Watch, attributes: Attributes, began: float) -> Episode | None:
        """Open an episode; None when the source has too many, which is counted."""
        if self._counts[source.name] >= MOST_EPISODES:
            self._refused.setdefault(source.name, set()).add((check.name, attributes))
            return None
        episode = Episode(check, source.name, attributes, began)
        self._put(episode, watch, source)
        return episode

    def note(self, episode: Episode) -> None:
        """Take note of what an episode has come to."""
        if episode.moved:
            episode.moved = False
            if episode.firing or episode.key in self._saved:
                self._unsaved[episode.key] = None
        if episode.shown is None:
            self.changed = True

    def keep(self, episode: Episode, now: float) -> None:
        """See to it that something that has been pending for a while is kept."""
        if now - episode.began >= KEPT_AFTER and episode.key not in self._saved:
            self._unsaved[episode.key] = None

    def refresh(self) -> None:
        """See to it that what is kept of each episode is what was last seen of it."""
        for key, opened in self._open.items():
            if key in self._saved and opened.episode.seen >= self._refreshed:
                self._unsaved[key] = None
        self._refreshed = self._clock.monotonic()

    def end(self, episode: Episode, state: AlertState) -> None:
        """Close an episode; only one that fired leaves an alert."""
        key = episode.key
        opened = self._open.pop(key)
        opened.watch.end(episode)
        self._counts[episode.source] -= 1
        self._log(episode, state)

    def replace(self, checks: dict[str, Check], now: float) -> None:
        """Put every episode where it belongs by other rules; one that no rule is about any more ends as unknown."""
        before, self._open = self._open, {}
        self._counts.clear()
        self._refused.clear()
        for episode, _, source in before.values():
            check = checks.get(episode.check.name)
            watch = source.place(check, episode.attributes, now) if check else None
            if check is None or watch is None or _matter(check) != _matter(episode.check):
                self._log(episode, AlertState.UNKNOWN)
                continue
            episode.go_on(check)
            self._put(episode, watch, source)
            self.note(episode)

    def take_ended(self) -> list[Alert]:
        """Return what fired and ended since the last call, in order."""
        ended, self._ended = self._ended, []
        return [alert for _, alert in ended]

    def take_changes(self) -> Changes:
        """Return what changed since the last call; what ended is kept until somebody has taken it."""
        changes: Changes = {}
        waiting = {key for key, _ in self._ended}
        for key in [key for key in self._unsaved if key not in waiting]:
            del self._unsaved[key]
            opened = self._open.get(key)
            if opened is not None:
                self._saved.add(key)
                changes[KIND, _row_key(key)] = opened.episode.kept()
            elif key in self._saved:
                self._saved.discard(key)
                changes[KIND, _row_key(key)] = None
        return changes

    def restore(self, kept: KeptEpisode, check: Check | None, source: Source, outage: Outage) -> None:
        """Go on with an episode; one that was pending only after a short outage.

        One that is open already, since what was kept came late, gets its history back.
        """
        self._saved.add(kept.key)
        now = self._clock.monotonic()
        watch = source.place(check, kept.attributes, now) if check else None
        if check is None or watch is None or _matter(check) != (kept.metric, kept.direction):
            if kept.since is not None:
                self._ended.append((kept.key, kept.lost(self._clock.wall())))
        elif kept.since is not None or outage.seconds <= LONGEST_OUTAGE:
            present = self._open.get(kept.key)
            if present is not None:
                present.episode.recall(kept, now, outage)
            else:
                episode = Episode(check, source.name, kept.attributes, now)
                episode.take_back(kept, now, outage)
                self._put(episode, watch, source)
        self._unsaved[kept.key] = None
        self.changed = True

    def _put(self, episode: Episode, watch: Watch, source: Source) -> None:
        if source.kind:
            episode.kind, episode.host = source.kind, source.host
        self._open[episode.key] = Open(episode, watch, source)
        self._counts[source.name] += 1
        watch.begin(episode)
        self.changed = True

    def _log(self, episode: Episode, state: AlertState) -> None:
        self._unsaved[episode.key] = None
        self.changed = True
        if episode.firing:
            self._ended.append((episode.key, episode.alert(state, self._clock.wall())))


def _matter(check: Check) -> tuple[str, str]:
    """Return what an alert is about: one about another matter is another alert, though its rule has the same name."""
    return check.rule.metric, check.rule.direction


def _row_key(key: Key) -> str:
    return msgspec.json.encode(key).decode()


def kept_episodes(rows: Rows, dropped: Changes) -> Iterator[KeptEpisode]:
    """Yield the episodes that were kept; rows that cannot be read are to be dropped."""
    for key, body in rows.get(KIND, {}).items():
        try:
            yield msgspec.msgpack.decode(body, type=KeptEpisode)
        except msgspec.MsgspecError:
            dropped[KIND, key] = None
