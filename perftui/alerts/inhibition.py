"""Inhibition: who follows from whom among the alerts that fire. Pure.

An alert follows only from one that is at least as severe: nothing looks better because something else went wrong, too;
unless the inhibition itself says which severities it mutes.
One that itself follows from another is the cause of nothing. Of those in a circle the worst stays loud (then the
oldest, then by name), so that no two alerts ever silence each other. And peers never do: what is on both sides of one
inhibition is not muted by it.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from perftui.alerts.rules.rule import Inhibition
from perftui.core.alert import Severity
from perftui.core.matcher import matches

Bond = tuple[int, tuple[str, ...], int]
"""The number of an inhibition, the values of its `equal` labels and how severe the follower is: there they meet."""


class Roles(NamedTuple):
    """Where an alert could be the cause of others, and where it could follow from one."""

    causes: tuple[Bond, ...] = ()
    follows: tuple[Bond, ...] = ()


class Follows(NamedTuple):
    """From which other alert one follows, both by their place in what was asked, and by which inhibition."""

    cause: int
    inhibition: int


def roles_of(labels: Mapping[str, str], inhibitions: Sequence[Inhibition]) -> Roles:
    """Return the roles of an alert with these labels; one without a severity counts as a warning."""
    rank = Severity(labels.get("severity", Severity.WARNING)).rank
    causes: list[Bond] = []
    follows: list[Bond] = []
    for number, inhibition in enumerate(inhibitions):
        values = tuple(labels.get(label, "") for label in inhibition.equal)
        if not all(values):
            continue
        if matches(inhibition.when, labels):
            causes += [(number, values, milder) for milder in range(rank + 1)]
        elif matches(inhibition.mutes, labels):
            follows.append((number, values, 0 if "severity" in inhibition.mutes else rank))
    return Roles(tuple(causes), tuple(follows))


def find_causes(firing: Sequence[Roles]) -> dict[int, Follows]:
    """Return for each alert that follows from another from which; `firing` has the worst first."""
    return _Search(firing).run()


def reason(inhibition: Inhibition, labels: Mapping[str, str]) -> str:
    """Return in words what muted alerts follow from; `labels` are the cause's, one that it lacks is empty."""
    return (inhibition.reason or "follows from {rule} on {source}").format_map(defaultdict(str, labels))


class _Search:
    """Settles alerts one by one: loud when all that could be its cause is muted, muted when one of them is loud."""

    def __init__(self, firing: Sequence[Roles]) -> None:
        self._firing = firing
        self._undecided = Counter(bond for roles in firing for bond in roles.causes)
        self._followers: dict[Bond, list[int]] = defaultdict(list)
        self._waits: list[int] = []
        for place, roles in enumerate(firing):
            possible = [bond for bond in roles.follows if bond in self._undecided]
            self._waits.append(len(possible))
            for bond in possible:
                self._followers[bond].append(place)
        self._found: dict[int, Follows] = {}
        self._settled: set[int] = set()

    def run(self) -> dict[int, Follows]:
        """Return what follows from what."""
        loud = deque(place for place, waits in enumerate(self._waits) if not waits)
        self._settle(loud)
        for place in range(len(self._firing)):  # what is left goes in a circle, or follows from one
            self._settle(deque([place]))
        return self._found

    def _settle(self, queue: deque[int]) -> None:
        while queue:
            place = queue.popleft()
            if place in self._settled:
                continue
            self._settled.add(place)
            for bond in self._firing[place].causes:
                self._undecided[bond] -= 1
                if place not in self._found:
                    queue.extend(self._mute(bond, place))
                elif not self._undecided[bond]:
                    queue.extend(self._free(bond))

    def _mute(self, bond: Bond, cause: int) -> Iterable[int]:
        """Let all that could follow from a loud cause follow from it."""
        for place in self._followers.pop(bond, ()):
            if place not in self._settled and place not in self._found:
                self._found[place] = Follows(cause, bond[0])
                yield place

    def _free(self, bond: Bond) -> Iterable[int]:
        """Return those whose every possible cause turned out to be muted."""
        for place in self._followers.pop(bond, ()):
            self._waits[place] -= 1
            if not self._waits[place] and place not in self._found:
                yield place
