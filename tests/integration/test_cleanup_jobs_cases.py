"""`cleanup.jobs`: what is previewed is what goes, whatever the jobs are and whatever others do meanwhile."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from perftui.actions.cleanup.bullmq import Job as FinishedJob
from perftui.actions.cleanup.job_sets import Part
from perftui.actions.cleanup.jobs import CleanupJobs
from perftui.actions.contract import Job, make_plan
from perftui.actions.params import read_params
from perftui.core.clock import SystemClock
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.unit.actions.stage import Stage

pytestmark = pytest.mark.integration

CASES = 300
HOUR = 3_600_000
STATES = ("completed", "failed")
Entry = tuple[str, bytes]


class Finished(NamedTuple):
    """A job that finished so many and a half hours ago; `held`: a parent of another queue waits for it."""

    id: bytes
    state: str
    hours: int
    held: bool


class Wish(NamedTuple):
    """What is asked for."""

    state: str
    hours: int
    keep: int


_ID = some.integers(1, 30).map(lambda number: b"%d" % number) | some.sampled_from(
    [b"repeat:ab:17", b"a b", b"\xff", "ü".encode(), b"wait"]
)
_JOB = some.builds(
    Finished, _ID, some.sampled_from(STATES), some.integers(0, 9), some.sampled_from([False, False, False, True])
)
_JOBS = some.lists(_JOB, max_size=10, unique_by=lambda job: job.id)
_WISH = some.builds(Wish, some.sampled_from([*STATES, "both"]), some.integers(0, 9), some.integers(0, 3))
_MEDDLING = some.sampled_from(["retried", "removed", "finished again", "locked"])


@pytest.fixture(scope="module")
def shared() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.mark.timeout(120)
def test_in_hundreds_of_cases_what_is_removed_was_planned(shared: RedisServer, tmp_path: Path) -> None:
    with asyncio.Runner() as runner, shared.wire() as wire:

        @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(jobs=_JOBS, wish=_WISH, data=some.data(), added=some.lists(_JOB, max_size=2))
        def case(jobs: list[Finished], wish: Wish, data: some.DataObject, added: list[Finished]) -> None:
            ids = [job.id for job in jobs]
            meddled = data.draw(some.dictionaries(some.sampled_from(ids), _MEDDLING, max_size=3)) if ids else {}
            others = [job._replace(id=b"new-%d" % place) for place, job in enumerate(added)]
            runner.run(one_case(shared, tmp_path, wire, (jobs, wish, meddled, others)))

        case()


async def one_case(
    server: RedisServer,
    folder: Path,
    wire: Wire,
    case: tuple[list[Finished], Wish, dict[bytes, str], list[Finished]],
) -> None:
    """Plan, let others meddle, apply, and compare what is gone with what was planned."""
    jobs, wish, meddled, added = case
    now = start(wire)
    for job in jobs:
        finish(wire, job, now)
    clock = SystemClock()
    stage = Stage(folder, options=server.options())
    action = CleanupJobs(stage, clock, verify_after=0.0)  # without the runner, whose audit would take most time
    given = {"queue": "mail", "state": wish.state, "older_than": f"{wish.hours}h", "keep": str(wish.keep)}
    params = read_params(action.info, given)
    before_plan = everything(wire)
    found = await action.plan(stage.source, params)
    assert everything(wire) == before_plan, "a preview changes nothing"
    planned = pinned(found.work)
    assert planned == wanted(jobs, wish) and found.count == len(planned)

    for job in jobs:
        meddle(wire, job, meddled.get(job.id, ""), now)
    for job in added:
        finish(wire, job, now)
    before, kept = entries(wire), everything(wire)
    plan = make_plan(action.info, stage.source, found, params, clock)
    receipt = await action.apply(Job(stage.source, plan, found.work, lambda share, words: None, asyncio.Event()))
    gone = before - entries(wire)
    left_alone = {(job.state, job.id) for job in jobs if job.held or job.id in meddled}
    assert gone <= planned
    assert gone == planned - left_alone
    assert (receipt.applied, receipt.left, receipt.problem) == (len(gone), len(planned) - len(gone), "")
    own = {b"bull:mail:" + id + part for _, id in gone for part in (b"", b":logs")}
    now_there = everything(wire)
    assert not own & now_there.keys()
    assert {key: kept[key] for key in kept.keys() - own} == now_there, "nothing else was touched"


def start(wire: Wire) -> int:
    """Begin with an empty queue; return the server's time (ms)."""
    wire("FLUSHALL")
    wire("HSET", "bull:mail:meta", "version", "bullmq:5.81.5")
    wire("HSET", "bull:other:1", "timestamp", 1)
    found = wire("TIME")
    assert isinstance(found, list)
    return int(str(found[0], "ascii")) * 1000  # type: ignore[arg-type]


def finish(wire: Wire, job: Finished, now: int) -> None:
    score = now - job.hours * HOUR - HOUR // 2
    wire("ZADD", f"bull:mail:{job.state}", score, job.id)
    if job.id == b"wait":  # its hash would be the list of those that wait
        return
    fields = ("parentKey", "bull:other:1") if job.held else ()
    wire("HSET", b"bull:mail:" + job.id, "timestamp", score - 1, "finishedOn", score, *fields)
    wire("RPUSH", b"bull:mail:" + job.id + b":logs", "a line")


def meddle(wire: Wire, job: Finished, how: str, now: int) -> None:
    match how:
        case "retried":
            wire("ZREM", f"bull:mail:{job.state}", job.id)
            wire("LPUSH", "bull:mail:paused", job.id)
        case "removed":
            wire("ZREM", f"bull:mail:{job.state}", job.id)
            if job.id != b"wait":
                wire("DEL", b"bull:mail:" + job.id, b"bull:mail:" + job.id + b":logs")
        case "finished again":
            wire("ZADD", f"bull:mail:{job.state}", now, job.id)
        case "locked":
            wire("SET", b"bull:mail:" + job.id + b":lock", "a worker's")


def wanted(jobs: list[Finished], wish: Wish) -> set[Entry]:
    """Return what should be planned: of each set the oldest, but for the newest to keep."""
    found: set[Entry] = set()
    for state in STATES if wish.state == "both" else (wish.state,):
        oldest_first = sorted((job for job in jobs if job.state == state), key=lambda job: (-job.hours, job.id))
        old = sum(job.hours >= wish.hours for job in oldest_first)
        chosen = oldest_first[: max(0, min(old, len(oldest_first) - wish.keep))]
        found |= {(state, job.id) for job in chosen if job.id != b"wait"}
    return found


def pinned(parts: list[Part]) -> set[Entry]:
    return {(part.state, FinishedJob.unpacked(packed).id) for part in parts for block in part.jobs for packed in block}


def entries(wire: Wire) -> set[Entry]:
    """Return who stands in the finished sets."""
    return {(state, id) for state in STATES for id in strings(wire("ZRANGE", f"bull:mail:{state}", 0, -1))}


def everything(wire: Wire) -> dict[bytes, object]:
    """Return every key with its content, but for the sets and the events, which change with what is removed."""
    changing = {b"bull:mail:completed", b"bull:mail:failed", b"bull:mail:events"}
    return {key: wire("DUMP", key) for key in strings(wire("KEYS", "*")) if key not in changing}


def strings(found: object) -> list[bytes]:
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, bytes)]
