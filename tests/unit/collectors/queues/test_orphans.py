"""Active jobs are orphans once the same ones stand there without a lock in two looks in a row, and never before."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from perftui.collectors.queues.orphans import Orphans
from perftui.collectors.redis_session import Batch, Reply


@dataclass
class FakeRedis:
    """Answers as a server would: the active jobs, the newest first, those with a lock, and what is not permitted."""

    active: list[bytes] = field(default_factory=lambda: [b"3", b"2", b"1"])
    locked: set[bytes] = field(default_factory=set)
    denied: str = ""
    asked: list[str] = field(default_factory=list)

    def ask(self, command: str, key: bytes, *arguments: Any) -> Reply:
        self.asked.append(command)
        reply = Reply()
        if command == self.denied:
            reply.error = PermissionError("not permitted")
        elif command == "LINDEX":
            assert key == b"bull:q:active"
            reply.value = self.active[arguments[0]] if self.active else None
        else:
            job = key.removeprefix(b"bull:q:").removesuffix(b":lock")
            reply.value = b"token" if job in self.locked else None
        return reply


def look(orphans: Orphans, server: FakeRedis, at: float) -> bool:
    orphans.ask(cast("Batch", server), at)
    orphans.judge(len(server.active))
    return orphans.certain


def test_the_same_jobs_without_a_lock_twice_are_orphans() -> None:
    server, orphans = FakeRedis(), Orphans(b"bull:q:")
    assert [look(orphans, server, at) for at in (0, 1, 2, 3, 4, 5)] == [False, False, False, False, True, True]
    assert len(server.asked) == 2 + 4 + 4


def test_a_single_job_is_looked_at_once() -> None:
    server, orphans = FakeRedis([b"1"]), Orphans(b"bull:q:")
    assert [look(orphans, server, at) for at in (0, 2, 4)] == [False, False, True]
    assert server.asked.count("GET") == 2


@pytest.mark.parametrize("job", [b"1", b"3"])
def test_a_lock_on_either_means_a_worker(job: bytes) -> None:
    server, orphans = FakeRedis(locked={job}), Orphans(b"bull:q:")
    assert not any(look(orphans, server, at) for at in range(20))
    server.locked.clear()
    assert [look(orphans, server, at) for at in (20, 22)] == [False, True]
    server.locked.add(job)
    assert not look(orphans, server, 24)


def test_jobs_that_come_and_go_mean_a_worker_even_when_no_lock_is_ever_seen() -> None:
    server, orphans = FakeRedis(), Orphans(b"bull:q:")
    for number in range(10):
        server.active = [b"%d" % number, b"old"]
        assert not look(orphans, server, number * 2)


def test_a_job_taken_between_the_ends_means_a_worker() -> None:
    server, orphans = FakeRedis(), Orphans(b"bull:q:")
    for number in range(10):
        server.active = [b"3", *[b"2"] * (number % 2), b"1"]
        assert not look(orphans, server, number * 2)


@pytest.mark.parametrize("command", ["GET", "LINDEX"])
def test_what_may_not_be_read_proves_nothing(command: str) -> None:
    server, orphans = FakeRedis(denied=command), Orphans(b"bull:q:")
    assert not any(look(orphans, server, at) for at in range(20))


def test_nothing_spans_a_gap() -> None:
    server, orphans = FakeRedis(), Orphans(b"bull:q:")
    assert [look(orphans, server, at) for at in (0, 2, 4)] == [False, False, True]
    orphans.forget()
    assert [look(orphans, server, at) for at in (100, 102, 104)] == [False, False, True]


def test_an_empty_list_proves_nothing() -> None:
    server, orphans = FakeRedis([]), Orphans(b"bull:q:")
    assert not any(look(orphans, server, at) for at in range(10))
