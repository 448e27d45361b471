"""The finished jobs of BullMQ's queues: counted and pinned by rank, removed a batch at a time."""

from collections.abc import Iterator

import msgspec

from perftui.actions.cleanup.bullmq import RESERVED, Job, Queue
from perftui.actions.contract import Job as Work
from perftui.actions.contract import batches
from perftui.actions.pace import Pacer, rest
from perftui.actions.params import Params
from perftui.actions.redis.link import RedisLink
from perftui.actions.redis.pinned import BLOCK, Pinned
from perftui.core.text import clean

MOST = 200_000
"""Jobs that one plan pins at most."""
FIRST_BATCH = 200
WAITING = ("wait", "active", "paused", "delayed")


class Part(msgspec.Struct, frozen=True):
    """The pinned jobs of one set of one queue, and how many it held."""

    queue: Queue
    state: str
    held: int
    old: int
    jobs: Pinned


class JobRemoval:
    """One pass over the pinned jobs."""

    def __init__(self, link: RedisLink, baseline: float, job: Work) -> None:
        self.removed = self.changed = self.flow = self.under_way = 0
        self.complete = True
        self.pacer = Pacer(baseline, BLOCK, first=FIRST_BATCH)
        self._link = link
        self._job = job

    async def run(self, parts: list[Part]) -> None:
        """Remove what is still as it was planned; stops between two batches once cancelled. Raises SourceError."""
        for part in parts:
            for jobs in self._batches(part):
                if self._job.cancelled.is_set():
                    self.complete = False
                    return
                await self._remove(part, jobs)

    def _batches(self, part: Part) -> Iterator[list[Job]]:
        for block in part.jobs:
            jobs = [Job.unpacked(packed) for packed in block]
            while jobs:
                size = self.pacer.batch
                yield jobs[:size]
                jobs = jobs[size:]

    async def _remove(self, part: Part, jobs: list[Job]) -> None:
        self.under_way = len(jobs)
        work, (removed, changed, flow) = await self._link.timed(*part.queue.removal(part.state, jobs))
        self.under_way = 0
        self.removed += removed
        self.changed += changed
        self.flow += flow
        total = self._job.plan.count
        done = self.removed + self.changed + self.flow
        self._job.report(min(0.99, done / total), f"{done:,} of {total:,} jobs: {part.queue.name} {part.state}")
        ping, _ = await self._link.timed("PING")
        await rest(self._job.cancelled, self.pacer.pause(work, ping))


async def cutoff_of(link: RedisLink, params: Params) -> int:
    """Return the latest time (ms) at which a job may have finished, by the server's clock."""
    stamp = await link.command("TIME")
    return int(stamp[0]) * 1000 + int(stamp[1]) // 1000 - round(params.seconds("older_than") * 1000)


async def pin(link: RedisLink, queues: list[Queue], params: Params, cutoff: int) -> list[Part]:
    """Pin the jobs to remove, the oldest of each set, queue by queue, as many as one plan may."""
    states = ("completed", "failed") if params["state"] == "both" else (params["state"],)
    parts: list[Part] = []
    room = MOST
    for queue in queues:
        for state in states:
            part = await _pin_set(link, queue, state, (cutoff, params.integer("keep"), room))
            room -= part.jobs.count
            parts.append(part)
    return parts


async def _pin_set(link: RedisLink, queue: Queue, state: str, bounds: tuple[int, int, int]) -> Part:
    """Pin the oldest jobs of one set that finished up to the cutoff, but for the newest to keep, as many as fit."""
    cutoff, keep, room = bounds
    key = queue.key(state)
    held = int(await link.command("ZCARD", key))
    old = max(0, min(int(await link.command("ZCOUNT", key, "-inf", cutoff)), held - keep))
    jobs = Pinned()
    for start in range(0, min(old, room), BLOCK):
        last = min(old, room, start + BLOCK) - 1
        flat: list[bytes] = await link.command("ZRANGE", key, start, last, "WITHSCORES")
        pairs = (Job(name, score) for name, score in batches(flat, 2))
        # The set may have changed between two steps: its ranks move, its scores do not.
        jobs.add(job.packed() for job in pairs if job.id not in RESERVED and float(job.score) <= cutoff)
    return Part(queue, state, held, old, jobs)


async def waiting_in(link: RedisLink, parts: list[Part]) -> int:
    """Return how many jobs wait, run or are delayed in the queues of these parts."""
    total = 0
    for queue in {part.queue for part in parts}:
        for state in WAITING:
            total += int(await link.command("ZCARD" if state == "delayed" else "LLEN", queue.key(state)))
    return total


async def old_in(link: RedisLink, parts: list[Part]) -> int:
    """Return how many jobs there are that are as old as the youngest that was planned in their set."""
    total = 0
    for part in parts:
        last = b""
        for block in part.jobs:
            last = Job.unpacked(block[-1]).score
        total += int(await link.command("ZCOUNT", part.queue.key(part.state), "-inf", last)) if last else 0
    return total


def names_of(parts: list[Part]) -> Iterator[str]:
    """Yield the first jobs in words."""
    shown = 0
    for part in parts:
        for block in part.jobs:
            for packed in block:
                yield f"{part.queue.name} {part.state} {clean(Job.unpacked(packed).id, 80)}"
                shown += 1
                if shown >= BLOCK:
                    return
