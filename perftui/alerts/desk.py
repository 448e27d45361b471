"""The desk: what people decided on alerts, and what follows from what; it judges what fires and what pends. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from perftui.alerts.aftermath import Aftermath
from perftui.alerts.inhibition import Follows, Roles, find_causes, reason, roles_of
from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.rules.rule import Inhibition
from perftui.alerts.silence_index import Agreeing
from perftui.alerts.silences import LONGEST_COMMENT, LONGEST_NAME, Silences
from perftui.core.alert import Ack, Alert, Mute, Silence, Stage
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
    rank: int
    roles: Roles
    agreeing: Agreeing
    silenced: Mute | None


class _Known:
    """What is remembered of those that fire, or of those that pend, from one judgement to the next."""

    def __init__(self, clock: Clock) -> None:
        self.facts: dict[Face, _Facts] = {}
        self.aftermath = Aftermath(clock)
        self._asked: list[Roles] = []
        self._found: dict[int, Follows] = {}

    def find_causes(self, roles: list[Roles]) -> dict[int, Follows]:
        """Return which follows from which; most of the time it is asked what it was asked before."""
        if roles != self._asked:
            self._asked, self._found = roles, find_causes(roles)
        return self._found


class Desk:
    """Acks hold until the alert is over, silences until their time is; both outlive the agent."""

    def __init__(self, clock: Clock, inhibitions: Iterable[Inhibition] = ()) -> None:
        self._clock = clock
        self._silences = Silences(clock)
        self._acks: dict[str, Ack] = {}
        self._changes: Changes = {}
        self._firing, self._pending = _Known(clock), _Known(clock)
        self._facts_of = 0
        self.use(inhibitions)

    @property
    def silences(self) -> tuple[Silence, ...]:
        """Return all that hold, the next to end first, each with how many alerts it held when they were judged."""
        return self._silences.active

    def use(self, inhibitions: Iterable[Inhibition]) -> None:
        """Go over to other inhibitions."""
        self._inhibitions = tuple(inhibition for inhibition in inhibitions if inhibition.enabled)
        self._firing.facts.clear()
        self._pending.facts.clear()

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
        """Return what ended, each with its ack, which is over with it: what comes back is another matter."""
        noted = [msgspec.structs.replace(alert, ack=self._acks.get(alert.key)) for alert in alerts]
        for alert in noted:
            self.unack(alert.key)
        return noted

    def judge(self, firing: Sequence[Alert]) -> list[Alert]:
        """Return what fires, each with its ack and with what keeps it quiet."""
        facts = self._look_up(firing, self._firing)
        self._silences.count([known.agreeing for known in facts])
        keyed = {known.key: alert for known, alert in zip(facts, firing, strict=True)}
        self._firing.aftermath.take_over(self._pending.aftermath, keyed)
        mutes = self._inhibit(self._firing, facts, keyed, keyed)
        return [
            _judged(alert, self._acks.get(known.key), known.silenced, mutes.get(known.key))
            for known, alert in zip(facts, firing, strict=True)
        ]

    def judge_pending(self, pending: Sequence[Alert], firing: Sequence[Alert]) -> list[Alert]:
        """Return what pends, each with what keeps it quiet; `firing` is what fires, as judged.

        It follows from what fires or pends; what fires never follows from what pends.
        """
        facts = self._look_up(pending, self._pending)
        causes = self._look_up(firing, self._firing) if pending else []
        loud = [
            known._replace(roles=Roles(causes=known.roles.causes))
            for known, alert in zip(causes, firing, strict=False)
            if known.roles.causes and not any(mute.stage is Stage.INHIBITION for mute in alert.mutes)
        ]
        keyed = {known.key: alert for known, alert in zip(facts, pending, strict=True)}
        mutes = self._inhibit(self._pending, facts, keyed, {known.key for known in causes}, loud)
        return [
            _judged(alert, None, known.silenced, mutes.get(known.key))
            for known, alert in zip(facts, pending, strict=True)
        ]

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

    def _look_up(self, alerts: Sequence[Alert], known: _Known) -> list[_Facts]:
        """Return the facts of each; those of all others of the kind are forgotten."""
        if self._facts_of != self._silences.version:
            for every in (self._firing, self._pending):
                every.facts = {face: self._matched(facts) for face, facts in every.facts.items()}
            self._facts_of = self._silences.version
        faces = [_face(alert) for alert in alerts]
        found = [known.facts.get(face) or self._find(alert) for face, alert in zip(faces, alerts, strict=True)]
        known.facts = dict(zip(faces, found, strict=True))
        return found

    def _find(self, alert: Alert) -> _Facts:
        labels, rank = alert.labels, alert.severity.rank
        return self._matched(_Facts(alert.key, labels, rank, roles_of(labels, self._inhibitions), 0, None))

    def _matched(self, known: _Facts) -> _Facts:
        agreeing = self._silences.agreeing(known.labels)
        return known._replace(agreeing=agreeing, silenced=self._silences.mute(agreeing))

    def _inhibit(
        self,
        known: _Known,
        facts: Sequence[_Facts],
        alerts: Mapping[str, Alert],
        fires: Container[str],
        loud: Sequence[_Facts] = (),
    ) -> dict[str, Mute]:
        """Return what mutes those of `alerts` that follow or followed from another, by their key.

        `facts` are theirs, `fires` the keys of what fires, and `loud` what they could follow from besides each other.
        """
        mutes = known.aftermath.lingering(alerts, fires)
        ranked = sorted(facts, key=lambda each: (-each.rank, alerts[each.key].since or 0.0, each.key))
        order = [*sorted(loud, key=lambda each: (-each.rank, each.key)), *ranked]
        found = known.find_causes([_without_causes(each.roles) if each.key in mutes else each.roles for each in order])
        said = {follows: self._mute(follows, order) for follows in set(found.values())}
        for place, follows in found.items():
            follower, cause = order[place], order[follows.cause]
            mutes[follower.key] = said[follows]
            if cause.key in fires and not _is_older(alerts[follower.key], alerts.get(cause.key)):
                known.aftermath.note(follower.key, follower.rank, cause)
        return mutes

    def _mute(self, follows: Follows, order: Sequence[_Facts]) -> Mute:
        words = reason(self._inhibitions[follows.inhibition], order[follows.cause].labels)
        return Mute(stage=Stage.INHIBITION, reason=clean(words))


def _judged(alert: Alert, ack: Ack | None, silenced: Mute | None, inhibited: Mute | None) -> Alert:
    mutes = tuple(mute for mute in (silenced, inhibited) if mute is not None)
    if ack == alert.ack and mutes == alert.mutes:
        return alert
    return msgspec.structs.replace(alert, ack=ack, mutes=mutes)


def _is_older(follower: Alert, cause: Alert | None) -> bool:
    """Return whether an alert began before what it is said to follow from: it is no aftermath of that."""
    if cause is None or follower.began is None or cause.began is None:
        return False
    return follower.began < cause.began


def _without_causes(roles: Roles) -> Roles:
    """Return the roles of what is muted already, which is the cause of nothing."""
    return Roles(follows=roles.follows)


def _face(alert: Alert) -> Face:
    """Return all that its labels are made of."""
    return alert.rule, alert.source, alert.metric, alert.attributes, alert.severity, alert.kind, alert.host
