"""Completions are known from the workers' count, or from a set that was not trimmed within the span, or not at all."""

from dataclasses import dataclass, field
from typing import Any, cast

from perftui.collectors.queues.finished import Finished
from perftui.collectors.redis_session import Batch, Reply


@dataclass
class FakeRedis:
    """Answers as a server would: the scores of the set, and the workers' count."""

    scores: list[int] = field(default_factory=list)
    count: int | None = None
    asked: list[str] = field(default_factory=list)

    def ask(self, command: str, *arguments: Any) -> Reply:
        self.asked.append(command)
        reply = Reply()
        match command:
            case "HMGET":
                reply.value = [None if self.count is None else str(self.count).encode()]
            case "ZCARD":
                reply.value = len(self.scores)
            case "ZCOUNT":
                reply.value = sum(score <= arguments[2] for score in self.scores)
        return reply


def poll(finished: Finished, server: FakeRedis, at: float, *, counting: bool = False) -> float | None:
    """Poll at `at` seconds, which is also the server's clock."""
    finished.ask(cast("Batch", server), at, at * 1000)
    return finished.rate(at, counting=counting)


def test_the_workers_count_is_exact_even_when_nothing_is_kept() -> None:
    server, finished = FakeRedis(count=100), Finished(b"bull:q:", "completed")
    assert poll(finished, server, 100) is None
    server.count = 130
    assert poll(finished, server, 102) == 15
    assert poll(finished, server, 103) == 0
    assert "ZCOUNT" not in server.asked


def test_the_set_tells_when_something_older_is_still_there() -> None:
    server, finished = FakeRedis(scores=[1000]), Finished(b"bull:q:", "completed")
    assert [poll(finished, server, at) for at in (100, 101)] == [None, None]
    server.scores += [99_500] * 7
    assert poll(finished, server, 102) == 7
    server.scores += [102_900] * 5
    assert [poll(finished, server, at) for at in (103, 104, 105, 106)] == [0, 0, 5, 0]


def test_a_worker_whose_clock_is_ahead_is_counted_once() -> None:
    server, finished = FakeRedis(scores=[1000]), Finished(b"bull:q:", "completed")
    for at in (100, 101):
        poll(finished, server, at)
    server.scores += [104_000] * 3
    assert [poll(finished, server, at) for at in (102, 103, 104, 105, 106, 107)] == [0, 0, 0, 0, 3, 0]


def test_a_set_trimmed_within_the_span_is_unknown_not_low() -> None:
    server, finished = FakeRedis(scores=[99_900] * 5), Finished(b"bull:q:", "completed")
    for at in range(100, 110):
        server.scores = [at * 1000 - 100] * 5
        assert poll(finished, server, at) is None


def test_nothing_kept_and_nothing_counted_is_unknown_not_zero() -> None:
    server, finished = FakeRedis(), Finished(b"bull:q:", "completed")
    assert [poll(finished, server, at) for at in (100, 101, 102, 103)] == [None] * 4


def test_no_failure_was_ever_counted_by_workers_that_count() -> None:
    server, finished = FakeRedis(), Finished(b"bull:q:", "failed")
    assert [poll(finished, server, at, counting=True) for at in (100, 101)] == [0.0, 0.0]


def test_a_count_that_stands_still_while_jobs_finish_is_not_believed() -> None:
    server, finished = FakeRedis(scores=[1000], count=100), Finished(b"bull:q:", "completed")
    poll(finished, server, 100)
    server.scores += [99_000] * 4
    assert poll(finished, server, 101) is None
    server.scores += [100_900] * 6
    assert [poll(finished, server, at) for at in (102, 103, 104)] == [None, 6, 0]


def test_nothing_spans_a_gap() -> None:
    server, finished = FakeRedis(count=100), Finished(b"bull:q:", "completed")
    poll(finished, server, 100)
    finished.forget()
    server.count = 500
    assert poll(finished, server, 101) is None
