"""The incidents of one route: what it was told, compared with what fires, gives what it is to be told."""

from collections import defaultdict
from collections.abc import Container, Mapping
from hashlib import sha256

import msgspec

from perftui.alerts.kept import Changes
from perftui.alerts.notify import wording
from perftui.alerts.notify.acked import Acked
from perftui.alerts.notify.compose import composed
from perftui.alerts.notify.due import (
    DIGEST_SPAN,
    MOST_AT_ONCE,
    Due,
    Urgency,
    first_since,
    merged,
    needs_telling,
    of_group,
    of_incident,
)
from perftui.alerts.notify.grouping import group_of, takes
from perftui.alerts.notify.incident import Cooldown, Group, Incident, Member, Waiting, entry_of, recent
from perftui.alerts.notify.notification import Conversation, Entry, Notification
from perftui.alerts.notify.rate import Bucket
from perftui.config.notify import Route
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.clock import Clock
from perftui.core.units import seconds

INCIDENT = "incident"
COOLDOWN = "cooldown"


class RouteIncidents:
    """Level-triggered: a step compares; whatever got lost between two steps is made up for by the next one."""

    def __init__(self, name: str, route: Route, clock: Clock, host: str, acked: Acked) -> None:
        """`acked` has looked at what fires before each step."""
        self.name = name
        self.route = route
        self._clock = clock
        self._host = host
        self._acked = acked
        self._bucket = Bucket(clock)
        self._firing: Mapping[str, Alert] = {}
        self._waiting: dict[str, Waiting] = {}
        self._since: dict[Group, float] = {}
        self._incidents: dict[str, Incident] = {}
        self._incident_of: dict[str, Incident] = {}
        self._cooldowns: dict[str, Cooldown] = {}
        self._changes: Changes = {}

    def step(self, firing: Mapping[str, Alert], ended: Mapping[str, Alert]) -> list[Notification]:
        """Take what fires, judged, and what ended, both by key; return what is to be sent now."""
        now = self._clock.monotonic()
        self._firing = firing
        self._end_cooldowns(now)
        for key, alert in firing.items():
            if key in self._incident_of:
                self._follow(self._incident_of[key], key, alert, now)
            else:
                self._consider(key, alert, now)
        self._notice_ends(ended, now)
        self._forget_blips(now)
        return self._tell(now)

    def note(self, key: str, held: Container[Conversation]) -> str:
        """Return what became of telling this route of an alert; empty when there is nothing to say.

        `held` are the incidents of which messages have not been delivered yet.
        """
        now = self._clock.monotonic()
        if key in self._incident_of:
            incident = self._incident_of[key]
            member = incident.members[key]
            told = wording.told(self.name, member.told_wall, delivered=(self.name, incident.dedup_key) not in held)
            return told if member.risen_at is None else f"{told}, worse since: {self._next(now, member.risen_at)}"
        if key in self._waiting:
            waiting = self._waiting[key]
            return f"{self.name}: {self._next(now, self._since.get(waiting.group, waiting.since))}"
        if key in self._firing and (cooldown := self._cooling(key, self._firing[key], now)):
            left = max(0.0, cooldown.until - now)
            again = wording.clock_time(self._clock.wall() + left)
            return f"{self.name}: held back, told {seconds(round(now - cooldown.told_at))} ago, again from {again}"
        return ""

    def take_changes(self) -> Changes:
        """Return what is to be kept of this route."""
        changes, self._changes = self._changes, {}
        return changes

    def take_back(self, incident: Incident) -> None:
        """Go on with an incident from before a restart."""
        self._incidents[incident.dedup_key] = incident
        self._incident_of |= dict.fromkeys(incident.members, incident)

    def take_back_cooldown(self, cooldown: Cooldown) -> None:
        """Go on with a cooldown from before a restart."""
        self._cooldowns[cooldown.key] = cooldown

    def forget(self) -> Changes:
        """Return the changes that remove everything that was kept of this route."""
        rows = [(INCIDENT, key) for key in self._incidents] + [self._row(key) for key in self._cooldowns]
        return self.take_changes() | dict.fromkeys(rows)

    # What fires, and what does not any more.

    def _follow(self, incident: Incident, key: str, alert: Alert, now: float) -> None:
        member = incident.members[key]
        if member.ended_at is not None:  # it came back before its end was told: no news
            member.ended_at = None
            member.entry = entry_of(alert)
            self._keep(incident)
        if alert.severity.rank <= member.told.rank or self._is_held_back(key, alert):
            member.risen_at = None
        elif member.risen_at is None:
            member.risen_at = now

    def _consider(self, key: str, alert: Alert, now: float) -> None:
        waiting = self._waiting.get(key)
        is_quiet = self._is_held_back(key, alert) or self._cooling(key, alert, now) is not None
        if is_quiet or not takes(self.name, self.route, alert):
            self._waiting.pop(key, None)
        elif waiting is not None:
            waiting.alert, waiting.seen = alert, now
        elif alert.state is AlertState.FIRING:  # not one that nobody has seen since a restart
            self._waiting[key] = Waiting(alert=alert, group=group_of(self.route, alert), since=now, seen=now)

    def _is_held_back(self, key: str, alert: Alert) -> bool:
        return bool(alert.mutes) or self._acked.covers(key, alert)

    def _cooling(self, key: str, alert: Alert, now: float) -> Cooldown | None:
        """Return the cooldown that an alert has to wait for; a critical one waits for none once its end was told."""
        cooldown = self._cooldowns.get(key)
        if cooldown is None or now >= cooldown.until or alert.severity.rank > cooldown.told.rank:
            return None
        return None if alert.severity is Severity.CRITICAL and cooldown.ends else cooldown

    def _notice_ends(self, ended: Mapping[str, Alert], now: float) -> None:
        for key in self._incident_of.keys() - self._firing.keys():
            incident = self._incident_of[key]
            member = incident.members[key]
            if member.ended_at is None:
                member.ended_at, member.risen_at = now, None
                member.entry = self._end_entry(member.entry, ended.get(key))
                self._keep(incident)

    def _end_entry(self, told: Entry, ended: Alert | None) -> Entry:
        if ended is None:  # its rule is gone, say
            return msgspec.structs.replace(told, at=self._clock.wall(), known=False)
        return entry_of(ended)

    def _forget_blips(self, now: float) -> None:
        """Drop what ended before it was told; not at once, or what flickers would never be told."""
        for key in self._waiting.keys() - self._firing.keys():
            if now - self._waiting[key].seen >= self.route.group_wait:
                del self._waiting[key]

    def _end_cooldowns(self, now: float) -> None:
        for key in [key for key, cooldown in self._cooldowns.items() if cooldown.is_done(now)]:
            del self._cooldowns[key]
            self._changes[self._row(key)] = None

    # What is told.

    def _tell(self, now: float) -> list[Notification]:
        told = []
        for due in sorted(self._due(now), key=lambda due: (due.urgency, due.since)):
            if due.incident and due.urgency is Urgency.ENDS and not self.route.resolved:
                self._settle(due.incident, [], now)
            elif due.closes or self._bucket.take():
                told.append(self._notification(due, now))
        return told

    def _due(self, now: float) -> list[Due]:
        groups: defaultdict[Group, dict[str, Waiting]] = defaultdict(dict)
        for key, waiting in self._waiting.items():
            groups[waiting.group][key] = waiting
        self._since = {group: first_since(waiting.values()) for group, waiting in groups.items()}
        spoken_of = {
            member.group: incident for incident in self._incidents.values() for member in incident.members.values()
        }
        news: defaultdict[str, dict[str, Waiting]] = defaultdict(dict)
        for group in groups.keys() & spoken_of.keys():
            news[spoken_of[group].dedup_key] |= groups.pop(group)
        first = [due for group in groups.values() if (due := of_group(group, self.route, now))]
        open_ones = [
            due
            for key, incident in self._incidents.items()
            if (due := of_incident(incident, news[key], self._firing, self.route, now))
        ]
        if len(first) > max(1, min(MOST_AT_ONCE, self._bucket.available())):
            digest = self._open_digest(now)
            first = [merged(first, groups, digest)]
            open_ones = [due for due in open_ones if digest is None or due.incident is not digest]
        return first + open_ones

    def _open_digest(self, now: float) -> Incident | None:
        digests = [each for each in self._incidents.values() if each.digest and now - each.opened_at < DIGEST_SPAN]
        return digests[-1] if digests else None

    def _spoken(self, incident: Incident) -> list[str]:
        """Return what of an incident is named as firing: not what is muted or acknowledged, unless it has got worse."""
        return [
            key
            for key, member in incident.members.items()
            if key in self._firing and (needs_telling(self._firing[key]) or member.risen_at is not None)
        ]

    def _notification(self, due: Due, now: float) -> Notification:
        incident = due.incident or self._open(due, now)
        again = incident.sequence > 0 and not due.fresh and all(m.risen_at is None for m in incident.members.values())
        keys = [*self._spoken(incident), *due.fresh]
        ended = [member.entry for member in incident.members.values() if member.is_over(now)]
        self._settle(incident, keys, now)
        return composed(
            incident,
            firing=[entry_of(self._firing[key]) for key in keys],
            ended=ended if self.route.resolved else [],
            again=again,
            host=self._host,
            created=self._clock.wall(),
        )

    def _open(self, due: Due, now: float) -> Incident:
        about = "\n".join((self._host, self.name, *due.fresh, repr(self._clock.wall()), repr(now)))
        key = f"perftui-{sha256(about.encode()).hexdigest()[:16]}"
        incident = Incident(route=self.name, dedup_key=key, opened_at=now, told_at=now, digest=due.digest)
        self._incidents[key] = incident
        return incident

    def _settle(self, incident: Incident, told: list[str], now: float) -> None:
        """Note what the route is told of an incident: these that fire, and whatever of it has ended."""
        for key in told:
            self._note_told(incident, key, now)
        for key in [key for key, member in incident.members.items() if member.is_over(now)]:
            del self._incident_of[key]
            self._cool_down(key, incident.members.pop(key), now)
        if told or self.route.resolved:
            incident.sequence += 1
            incident.told_at = now
        if incident.members:
            self._keep(incident)
        else:
            del self._incidents[incident.dedup_key]
            self._changes[INCIDENT, incident.dedup_key] = None

    def _note_told(self, incident: Incident, key: str, now: float) -> None:
        alert = self._firing[key]
        waiting = self._waiting.pop(key, None)
        before = incident.members.get(key)
        cooldown = self._cooldowns.pop(key, None)
        if cooldown:
            self._changes[self._row(key)] = None
        incident.members[key] = Member(
            entry=entry_of(alert),
            group=waiting.group if waiting else incident.members[key].group,
            told=alert.severity,
            told_at=now,
            told_wall=self._clock.wall(),
            cooldown=alert.cooldown,
            ends=before.ends if before else recent(cooldown.ends, now) if cooldown else (),
        )
        self._incident_of[key] = incident

    def _cool_down(self, key: str, member: Member, now: float) -> None:
        was_critical_and_told = member.told is Severity.CRITICAL and self.route.resolved
        cooldown = Cooldown(
            route=self.name,
            key=key,
            told=member.told,
            told_at=member.told_at,
            told_wall=member.told_wall,
            until=member.told_at + member.cooldown,
            ends=(*recent(member.ends, now), now) if was_critical_and_told else member.ends,
        )
        if not cooldown.is_done(now):
            self._cooldowns[key] = self._changes[self._row(key)] = cooldown

    def _keep(self, incident: Incident) -> None:
        self._changes[INCIDENT, incident.dedup_key] = incident

    def _row(self, key: str) -> tuple[str, str]:
        return COOLDOWN, f"{self.name}/{key}"

    def _next(self, now: float, since: float) -> str:
        left = max(since + self.route.group_wait - now, self._bucket.wait())
        return f"next in {seconds(round(left))} with its group" if left >= 0.5 else "next, with its group"
