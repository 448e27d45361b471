"""Which silences agree with an alert, found by each of its labels once rather than by each silence. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from perftui.core.alert import Silence
from perftui.core.matcher import fits

Agreeing = int
"""A set of silences: bit n stands for the n-th."""
_MOST_KNOWN = 20_000
"""Values that come and go under new names must not fill the memory."""


class SilenceIndex:
    """Silences by what they ask of each label; what a value of a label agrees with is found out once."""

    def __init__(self, silences: Sequence[Silence]) -> None:
        self._everything = (1 << len(silences)) - 1
        self._asked: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for place, silence in enumerate(silences):
            for label, pattern in silence.matchers.items():
                self._asked[label].append((pattern, 1 << place))
        self._known: dict[tuple[str, str], Agreeing] = {}

    def agreeing(self, labels: Mapping[str, str]) -> Agreeing:
        """Return the silences that agree with all of the labels of an alert."""
        agreeing = self._everything
        for label in self._asked:
            value = labels.get(label, "")
            known = self._known.get((label, value))
            agreeing &= self._find(label, value) if known is None else known
            if not agreeing:
                break
        return agreeing

    def _find(self, label: str, value: str) -> Agreeing:
        """Return the silences that ask nothing else of one label."""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        fitting: dict[str, bool] = {}
        known = self._everything
        for pattern, bit in self._asked[label]:
            if pattern not in fitting:
                fitting[pattern] = fits(pattern, value)
            if not fitting[pattern]:
                known &= ~bit
        self._known[label, value] = known
        return known


def last(agreeing: Agreeing) -> int | None:
    """Return the place of the last silence in a set; None when it is empty."""
    return agreeing.bit_length() - 1 if agreeing else None


def count_each(sets: Iterable[Agreeing]) -> Counter[int]:
    """Return in how many of the sets each silence is, by its place."""
    counts: Counter[int] = Counter()
    for agreeing, times in Counter(sets).items():
        left = agreeing
        while left:
            counts[left.bit_length() - 1] += times
            left ^= 1 << (left.bit_length() - 1)
    return counts
