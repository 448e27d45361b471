"""The index of silences: the same as asking each of them, found otherwise."""

from hypothesis import given
from hypothesis import strategies as st

from perftui.alerts.silence_index import SilenceIndex, count_each, last
from perftui.core.alert import Silence
from perftui.core.matcher import matches

LABELS = st.sampled_from(["rule", "source", "queue"])
PATTERNS = st.sampled_from(["a", "b*", "!a", "~a|b", "", "!"])
ALERTS = st.dictionaries(LABELS, st.sampled_from(["a", "b", "bc", ""]))


def silence(matchers: dict[str, str]) -> Silence:
    return Silence(id="s", matchers=matchers, author="ana", created=0.0, until=1.0, expires=1.0)


@given(st.lists(st.dictionaries(LABELS, PATTERNS, min_size=1), max_size=8), st.lists(ALERTS, max_size=8))
def test_it_finds_what_asking_each_silence_finds(asked: list[dict[str, str]], alerts: list[dict[str, str]]) -> None:
    index = SilenceIndex([silence(matchers) for matchers in asked])
    found = [index.agreeing(labels) for labels in alerts]
    counts = count_each(found)
    assert [counts[place] for place in range(len(asked))] == [
        sum(matches(matchers, labels) for labels in alerts) for matchers in asked
    ]
    for labels, agreeing in zip(alerts, found, strict=True):
        places = [place for place, matchers in enumerate(asked) if matches(matchers, labels)]
        assert last(agreeing) == (places[-1] if places else None)
