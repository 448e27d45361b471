"""Better, as before or worse: what an operator would say of the same figures."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.actions.proof.judging import Case, Word, floor, judge
from perftui.core.action import Must, Proof, Watch
from perftui.core.catalogue import CATALOGUE
from perftui.core.metric import Direction

HITS, EVICTED, FAILED, DEPTH, P99, UP = (
    "redis.hit_ratio",
    "redis.keys.evicted",
    "queue.failed",
    "queue.depth",
    "redis.latency.p99",
    "http.up",
)
WORSE_FIRST = [Word.WORSE, Word.STEADY, Word.NEARER, Word.IMPROVING]


def watch(metric: str, must: Must = Must.KEEP, goal: float | None = None, tolerance: float = 0.1) -> Watch:
    bad = CATALOGUE[metric].bad if metric in CATALOGUE else "up"
    assert bad is not None
    return Watch(label=metric, source="there", metric=metric, bad=bad, must=must, goal=goal, tolerance=tolerance)


def word(watch: Watch, before: float | None, after: list[float | None]) -> Word:
    return Case(watch, before, after, CATALOGUE).word


@pytest.mark.parametrize(
    ("metric", "goal", "before", "after", "says"),
    [
        (HITS, 0.7, 0.5, [0.6, 0.72, 0.74], Word.IMPROVING),  # on the good side of its goal
        (HITS, 0.7, 0.5, [0.6, 0.62, 0.65], Word.NEARER),  # on its way there is not there
        (HITS, 0.7, 0.5, [0.5, 0.4, 0.3], Word.WORSE),
        (HITS, 0.7, 0.5, [0.9, 0.9, 0.5, 0.5], Word.STEADY),  # was there once, and is not at the end
        (HITS, 0.7, None, [0.8], Word.IMPROVING),
        (HITS, 0.7, None, [0.6], Word.NO_DATA),  # not there, and where from is not known
        (DEPTH, None, 1000.0, [950.0, 900.0, 600.0], Word.IMPROVING),
        (DEPTH, None, 1000.0, [950.0], Word.STEADY),
        (DEPTH, None, 1000.0, [1200.0], Word.WORSE),
        (DEPTH, 0.0, 50.0, [0.0], Word.IMPROVING),
        (DEPTH, None, 50.0, [None, None], Word.NO_DATA),
        (DEPTH, None, 50.0, [], Word.NO_DATA),
        (DEPTH, None, 50.0, [20.0, 20.0, None, None, None], Word.NO_DATA),  # silent at the end: not what it last said
    ],
)
def test_what_must_improve(
    metric: str, goal: float | None, before: float | None, after: list[float | None], says: Word
) -> None:
    assert word(watch(metric, Must.IMPROVE, goal), before, after) is says


@pytest.mark.parametrize(
    ("metric", "before", "after", "says"),
    [
        (EVICTED, 0.0, [0.2] * 5, Word.STEADY),  # a key now and then
        (EVICTED, 0.0, [900.0] * 5, Word.WORSE),
        (EVICTED, 1000.0, [1050.0], Word.STEADY),
        (EVICTED, 1000.0, [1200.0], Word.WORSE),
        (FAILED, 0.0, [20.0, 20.0, 0.0, 0.0, 0.0, 0.0], Word.WORSE),  # over at the end, and yet 40 jobs failed
        (FAILED, 0.0, [0.1, 0.0, 0.0, 0.0], Word.STEADY),
        (DEPTH, 0.0, [2.0], Word.STEADY),
        (DEPTH, 0.0, [40.0], Word.WORSE),
        (DEPTH, 0.0, [40.0, 0.0, 0.0, 0.0], Word.STEADY),  # a level that came back hurts nobody
        (P99, 0.0001, [0.0012], Word.STEADY),
        (P99, 0.0001, [0.0060], Word.WORSE),
        (HITS, 0.97, [0.96], Word.STEADY),
        (HITS, 0.97, [0.70], Word.WORSE),
        (UP, 1.0, [0.0], Word.WORSE),
        ("queue.workers", 4.0, [3.0], Word.WORSE),
        ("mysql.transaction.oldest", 0.0, [1.0], Word.STEADY),
        ("mysql.transaction.oldest", 0.0, [30.0], Word.WORSE),
        ("redis.memory.used", 2e6, [2.5e6], Word.STEADY),
        ("redis.memory.used", 2e9, [2.5e9], Word.WORSE),
        (EVICTED, None, [3.0], Word.NO_DATA),
        (EVICTED, 0.0, [], Word.NO_DATA),
    ],
)
def test_what_must_get_no_worse(metric: str, before: float | None, after: list[float | None], says: Word) -> None:
    assert word(watch(metric), before, after) is says


def test_a_level_that_holds_is_never_worse() -> None:
    assert word(watch("redis.memory.utilization", goal=0.9), 0.5, [0.8]) is Word.STEADY
    assert word(watch("redis.memory.utilization", goal=0.9), None, [0.95]) is Word.NO_DATA
    assert word(watch("redis.memory.utilization", goal=0.9), 0.5, [0.95]) is Word.WORSE


def test_a_metric_that_nobody_declared_is_judged_by_its_share_alone() -> None:
    assert word(watch("app.users"), 100.0, [105.0]) is Word.STEADY
    assert word(watch("app.users"), 100.0, [115.0]) is Word.WORSE
    assert floor(None) == 0.0


BETTER, SAME, BAD = ([5.0], [100.0], [300.0])


@pytest.mark.parametrize(
    ("cases", "proof"),
    [
        ([(Must.IMPROVE, BETTER)], Proof.RECOVERED),
        ([(Must.IMPROVE, BETTER), (Must.KEEP, SAME)], Proof.RECOVERED),
        ([(Must.IMPROVE, BETTER), (Must.KEEP, BAD)], Proof.WORSE),
        ([(Must.IMPROVE, BETTER), (Must.IMPROVE, SAME)], Proof.UNCHANGED),
        ([(Must.IMPROVE, BETTER), (Must.IMPROVE, [])], Proof.UNKNOWN),
        ([(Must.IMPROVE, BETTER), (Must.KEEP, [])], Proof.UNKNOWN),
        ([(Must.IMPROVE, []), (Must.KEEP, BAD)], Proof.WORSE),
        ([(Must.KEEP, SAME)], Proof.HELD),
        ([], Proof.UNKNOWN),
    ],
)
def test_one_verdict_on_all(cases: list[tuple[Must, list[float | None]]], proof: Proof) -> None:
    watches = [watch(DEPTH, must) for must, _ in cases]
    verdict = judge(watches, [100.0] * len(cases), [after for _, after in cases])
    assert verdict.proof is proof
    assert len(verdict.lines) == len(cases)


@pytest.mark.parametrize(("after", "says"), [([0.4], Word.STEADY), ([0.6], Word.WORSE), ([], Word.NO_DATA)])
def test_of_a_share_that_nobody_knew_more_than_half_is_worse(after: list[float | None], says: Word) -> None:
    share = Watch(label="failing", source="there", metric=FAILED, beside="queue.completed")
    assert word(share, None, after) is says


def test_what_got_better_and_is_not_there_yet_has_not_recovered() -> None:
    verdict = judge([watch(HITS, Must.IMPROVE, 0.7)], [0.5], [[0.65]])
    assert (verdict.proof, verdict.lines[0].after) == (Proof.UNCHANGED, "65 %  better, not there yet")


def test_what_was_never_readable_is_no_reason_to_doubt_the_rest() -> None:
    watches = [watch(DEPTH, Must.IMPROVE), watch(FAILED)]
    assert judge(watches, [100.0, None], [[5.0], []]).proof is Proof.RECOVERED


def test_its_line_shows_before_after_and_a_word() -> None:
    (line,) = judge([watch(HITS, Must.IMPROVE, 0.7)], [0.5], [[0.84]]).lines
    assert (line.label, line.before, line.after) == (HITS, "50 %", "84 %  improving")
    (line,) = judge([watch(HITS)], [None], [[]]).lines
    assert (line.before, line.after) == ("–", "–  no data")


@pytest.mark.parametrize(
    ("metric", "before", "after", "shown"),
    [
        (DEPTH, 12.4, [1.0, 0.0, 0.0], ("12", "0  improving")),  # the mean of what is counted is no part of a job
        ("system.cpu.load_average.1m", 0.4, [0.3, 0.25], ("0.4", "0.25  steady")),  # nor is a load a whole number
    ],
)
def test_what_is_counted_is_shown_in_whole_numbers_and_nothing_else(
    metric: str, before: float, after: list[float | None], shown: tuple[str, str]
) -> None:
    (line,) = judge([watch(metric, Must.IMPROVE)], [before], [after]).lines
    assert (line.before, line.after) == shown


figures = st.floats(0, 1e6, allow_nan=False)


@given(
    metric=st.sampled_from([HITS, EVICTED, FAILED, DEPTH, P99, UP, "app.users"]),
    must=st.sampled_from(Must),
    bad=st.sampled_from(["up", "down"]),
    goal=st.none() | figures,
    before=st.none() | figures,
    pairs=st.lists(st.tuples(figures, st.floats(0, 1e5)), min_size=1, max_size=12),
)
def test_a_better_series_is_never_judged_worse(
    metric: str,
    must: Must,
    bad: Direction,
    goal: float | None,
    before: float | None,
    pairs: list[tuple[float, float]],
) -> None:
    one = Watch(label="x", source="there", metric=metric, bad=bad, must=must, goal=goal)
    sign = -1.0 if bad == "up" else 1.0
    series = [[value + share * sign * better for value, better in pairs] for share in (0.0, 0.5, 1.0)]
    words = [word(one, before, list(values)) for values in series]
    if Word.NO_DATA in words:  # only where nothing tells what was before: then reaching the goal is all there is
        words = [Word.STEADY if each is Word.NO_DATA else each for each in words]
    ranks = [WORSE_FIRST.index(each) for each in words]
    assert all(one <= other for one, other in pairwise(ranks)), words
