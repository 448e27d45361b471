"""The desk: what people decided on alerts, and what follows from what; it judges every alert that fires. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from perftui.alerts.inhibition import Roles, find_causes, reason, roles_of
from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.rules.rule import Inhibition
from perftui.alerts.silences import LONGEST_COMMENT, LONGEST_NAME, Silences
from perftui.core.alert import Ack, Alert, AlertState, Mute, Silence, Stage
from perftui.core.clock import Clock
from perftui.core.text import clean

KIND = "ack"
MOST_ACKS = 2000
"""Acks of alerts whose source went away and never came back would stay forever; the oldest go."""

Face = tuple[object, ...]


class _Facts(NamedTuple):
    """What stays true of an alert as long as its labels, the silences and the inhibitions do."""

    key: str
    labels: dict[str, str]
    roles: Roles
    silenced: Mute | None


class Desk:
    """Acks hold until the alert is resolved, silences until their time is over; both outlive the agent."""

    def __init__(self, clock: Clock, inhibitions: Iterable[Inhibition] = ()) -> None:
        self._clock = clock
        self._silences = Silences(clock)
        self._acks: dict[str, Ack] = {}
        self._changes: Changes = {}
        self._facts: dict[Face, _Facts] = {}
        self._facts_of = 0
        self.use(inhibitions)

    @property
    def silences(self) -> tuple[Silence, ...]:
        """Return all that hold, our own and foreign ones, the next to end first."""
        return self._silences.active

    def use(self, inhibitions: Iterable[Inhibition]) -> None:
        """Go over to other inhibitions."""
        self._inhibitions = tuple(inhibition for inhibition in inhibitions if inhibition.enabled)
        self._facts.clear()

    def ack(self, key: str, author: str, note: str = "") -> Ack:
        """Note that somebody takes care of an alert; the last word counts."""
        ack = Ack(author=clean(author, LONGEST_NAME), at=self._clock.wall(), note=clean(note, LONGEST_COMMENT))
        self._acks.pop(key, None)
        self._acks[key] = self._changes[KIND, key] = ack
        if len(self._acks) > MOST_ACKS:
            self.unack(next(iter(self._acks)))
        return ack

    def unack(self, key: str) -> bool:
        """Take an ack back; return whether there was one."""
        if self._acks.pop(key, None) is None:
            return False
        self._changes[KIND, key] = None
        return True

    def silence(self, matchers: dict[str, str], seconds: float, author: str, comment: str = "") -> Silence:
        """Let what agrees with all of `matchers` call nobody for `seconds`. Raises ValueError with what is wrong."""
        return self._silences.add(matchers, seconds, author, comment)

    def unsilence(self, id: str) -> bool:
        """End one of our own silences; return whether there was one."""
        return self._silences.end(id)

    def take_foreign(self, origin: str, silences: Iterable[Silence]) -> None:
        """Take over the silences of another system, instead of what it had before."""
        self._silences.take_foreign(origin, silences)

    def expire(self) -> bool:
        """End silences whose time is over; return whether any changed."""
        return self._silences.expire()

    def ended(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Return what ended, each with its ack; those of what is resolved are over."""
        noted = [msgspec.structs.replace(alert, ack=self._acks.get(alert.key)) for alert in alerts]
        for alert in noted:
            if alert.state is AlertState.RESOLVED:
                self.unack(alert.key)
        return noted

    def judge(self, firing: Sequence[Alert]) -> list[Alert]:
        """Return what fires, each with its ack and with what keeps it quiet."""
        facts = self._look_up(firing)
        follows = self._follow(firing, facts)
        judged = []
        for place, (alert, known) in enumerate(zip(firing, facts, strict=True)):
            mutes = tuple(mute for mute in (known.silenced, follows.get(place)) if mute is not None)
            ack = self._acks.get(known.key)
            unchanged = ack == alert.ack and mutes == alert.mutes
            judged.append(alert if unchanged else msgspec.structs.replace(alert, ack=ack, mutes=mutes))
        return judged

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, {}
        return changes | self._silences.take_changes()

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back acks, and silences with the time that is left of them; a row that cannot be read is dropped."""
        acks = {}
        for key, body in rows.get(KIND, {}).items():
            try:
                acks[key] = msgspec.msgpack.decode(body, type=Ack)
            except msgspec.MsgspecError:
                self._changes[KIND, key] = None
        self._acks = dict(sorted(acks.items(), key=lambda item: item[1].at))
        self._silences.restore(rows, outage)

    def _look_up(self, firing: Sequence[Alert]) -> list[_Facts]:
        """Return the facts of each; those of alerts that no longer fire are forgotten."""
        if self._facts_of != self._silences.version:
            self._facts = {
                face: known._replace(silenced=self._silences.mute(known.labels)) for face, known in self._facts.items()
            }
            self._facts_of = self._silences.version
        faces = [_face(alert) for alert in firing]
        facts = [self._facts.get(face) or self._find(alert) for face, alert in zip(faces, firing, strict=True)]
        self._facts = dict(zip(faces, facts, strict=True))
        return facts

    def _find(self, alert: Alert) -> _Facts:
        labels = alert.labels
        return _Facts(alert.key, labels, roles_of(labels, self._inhibitions), self._silences.mute(labels))

    def _follow(self, firing: Sequence[Alert], facts: Sequence[_Facts]) -> dict[int, Mute]:
        """Return what mutes those that follow from another, by their place."""
        if not any(known.roles.causes for known in facts):
            return {}
        order = sorted(range(len(firing)), key=lambda place: _rank(firing[place], facts[place].key))
        found = find_causes([facts[place].roles for place in order])
        said = {
            follows: Mute(
                stage=Stage.INHIBITION,
                reason=clean(reason(self._inhibitions[follows.inhibition], facts[order[follows.cause]].labels)),
            )
            for follows in set(found.values())
        }
        return {order[place]: said[follows] for place, follows in found.items()}


def _face(alert: Alert) -> Face:
    """Return all that its labels are made of."""
    return alert.rule, alert.source, alert.metric, alert.attributes, alert.severity, alert.kind, alert.host


def _rank(alert: Alert, key: str) -> tuple[int, float, str]:
    """Return which alerts are rather the cause of others: the worst, then the oldest, then by name."""
    return -alert.severity.rank, alert.since or 0.0, key
