"""Silences in both directions: an Alertmanager's hold here, ours hold there and end there when they are ended here.

Ours carry a mark in their comment there, so that they are known again, after a restart, too. One that we did not end
ourselves is never ended there: what is marked and unknown here holds here like any other.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.terms import matchers_here, matchers_there
from perftui.alerts.silences import MOST
from perftui.connect.alertmanager import Alertmanager, ListedSilence, NewSilence, Rejected, moment
from perftui.core.alert import Silence
from perftui.core.clock import Clock
from perftui.core.text import clean

PULL_EVERY = 15.0
_MARK = re.compile(r"\[perftui (\S+) (\S+)\]$")


class SilenceExchange:
    """The silences of one Alertmanager; `name` is its route's, `host` ours."""

    def __init__(self, name: str, client: Alertmanager, desk: Desk, clock: Clock, host: str) -> None:
        self._name = name
        self._client = client
        self._desk = desk
        self._clock = clock
        self._host = host
        self._pulled = float("-inf")
        self._known: dict[str, float] = {}
        """Ours that are not over by their time, whether ended early or not: id → when they expire (monotonic)."""
        self._at_pull: frozenset[str] = frozenset()
        self._rejected: dict[str, str] = {}
        self._unread = ""
        self._left_out = ""

    async def exchange(self) -> str:
        """Exchange what is due and return what of it was not taken, in words. Raises NotifyError."""
        now = self._clock.monotonic()
        ours = {silence.id: silence for silence in self._desk.silences if not silence.origin}
        self._known |= {id: silence.expires for id, silence in ours.items()}
        self._known = {id: expires for id, expires in self._known.items() if expires > now}
        if now - self._pulled >= PULL_EVERY or self._at_pull != ours.keys():
            await self._match(ours)
            self._pulled, self._at_pull = now, frozenset(ours)
        rejected = next(iter(self._rejected.values()), "")
        return "; ".join(line for line in (self._left_out, rejected, self._unread) if line)

    async def _match(self, ours: dict[str, Silence]) -> None:
        marked: dict[str, list[ListedSilence]] = defaultdict(list)
        foreign: list[ListedSilence] = []
        for listed in await self._client.silences():
            id = self._marked(listed)
            if id in self._known:
                marked[id].append(listed)
            elif listed.is_active:
                foreign.append(listed)
        self._take_foreign(foreign)
        self._rejected = {id: reason for id, reason in self._rejected.items() if id in ours}
        for id, silence in ours.items():
            if id not in marked and id not in self._rejected:
                await self._make(silence)
        for each in (each for id in marked.keys() - ours.keys() for each in marked[id]):
            if each.is_active:
                await self._client.end_silence(each.id)

    def _marked(self, silence: ListedSilence) -> str:
        """Return the id that a silence has here, empty when it was not made by this host."""
        mark = _MARK.search(silence.comment)
        return mark[2] if mark and mark[1] == self._host else ""

    async def _make(self, silence: Silence) -> None:
        now = self._clock.wall() + self._client.ahead
        left = silence.expires - self._clock.monotonic()
        wanted = NewSilence(
            matchers=matchers_there(silence.matchers),
            starts_at=moment(now),
            ends_at=moment(now + left),
            created_by=silence.author or "perftui",
            comment=f"{silence.comment} [perftui {self._host} {silence.id}]".lstrip(),
        )
        try:
            await self._client.add_silence(wanted)
        except Rejected as error:
            self._rejected[silence.id] = f"the silence {silence.id} holds only here: {error}"

    def _take_foreign(self, listed: Iterable[ListedSilence]) -> None:
        """Let theirs hold here; where there are too many, those that end first."""
        waiting = deque(sorted(listed, key=lambda silence: silence.ends_at))
        read: list[Silence] = []
        self._unread = ""
        while waiting and len(read) < MOST:
            silence = waiting.popleft()
            try:
                read.append(self._here(silence))
            except ValueError as error:
                self._unread = f"its silence {clean(silence.id, 40)} does not hold here: {clean(str(error), 200)}"
        self._left_out = f"{len(waiting)} of its silences do not hold here: {MOST} are the most" if waiting else ""
        self._desk.take_foreign(self._name, read)

    def _here(self, silence: ListedSilence) -> Silence:
        ahead = self._client.ahead
        until = silence.ends_at.timestamp() - ahead
        return Silence(
            id=clean(silence.id, 40),
            matchers=matchers_here(silence.matchers),
            author=clean(silence.created_by, 60),
            comment=clean(silence.comment, 200),
            created=silence.starts_at.timestamp() - ahead,
            until=until,
            expires=self._clock.monotonic() + until - self._clock.wall(),
            origin=self._name,
        )
