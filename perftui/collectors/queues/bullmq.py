"""One BullMQ queue, majors 3 to 6 (npm) and the Python package, read with plain commands and never a script.

Layout, read in BullMQ's own scripts (github.com/taskforcesh/bullmq): under `PREFIX:QUEUE:` the lists `wait`,
`active` and `paused`, the sorted sets `prioritized` (4 and later), `delayed`, `completed`, `failed` and
`waiting-children`, the hash `meta`, the counter `id`. In version 3 the set `priority` only orders jobs that stand
in `wait`, so it is not counted. Versions 3 to 5 pause by renaming `wait` to `paused`, version 6 by the field
`paused` of `meta` alone, which the others set as well. Until version 5 the last entry of a list may be a marker,
`0:…`, that is no job. A job's hash is `PREFIX:QUEUE:ID`; its `timestamp` is when it was added, in ms.

The next in line is the last entry of `wait`: with LIFO jobs that is not the oldest, and of prioritized jobs none is
looked at. A delayed job's age counts from when it was added.
"""

from collections import defaultdict

from perftui.collectors.queues.finished import Finished
from perftui.collectors.queues.orphans import Orphans
from perftui.collectors.queues.trend import Steady, Trend
from perftui.collectors.redis_session import Batch, Reply
from perftui.core.rates import Counters
from perftui.core.reading import Cell, ReadingBuilder
from perftui.core.text import clean

LISTS = ("wait", "paused", "active")
SETS = ("prioritized", "delayed", "waiting-children")
COLUMNS = ("queue", "kind", "version", "paused", "workers")


class BullQueue:
    """One queue, by its raw name."""

    def __init__(self, prefix: bytes, name: bytes) -> None:
        self.label = clean(name, 120)
        self._prefix = prefix + b":" + name + b":"
        self._keys = {state: self._prefix + state.encode() for state in (*LISTS, *SETS, "meta", "id")}
        self._completed = Finished(self._prefix, "completed")
        self._failed = Finished(self._prefix, "failed")
        self._orphans = Orphans(self._prefix)
        self._counters = Counters()
        self._trend = Trend()
        self._steady: dict[str, Steady] = defaultdict(Steady)
        self._replies: dict[str, Reply] = {}
        self._tails: dict[str, Reply] = {}
        self._next: bytes | None = None
        self._before_tail = self._meta = self._id = Reply()
        self._added: Reply | None = None
        self._added_at: float | None = None
        self._server = 0.0
        self.version = ""
        self.paused = False
        self.error: Exception | None = None

    def forget(self) -> None:
        """Drop the past: it was not seen without a gap."""
        self._counters.reset()
        self._trend.forget()
        self._steady.clear()
        self._completed.forget()
        self._failed.forget()
        self._orphans.forget()

    def ask(self, batch: Batch, at: float, server: float, *, nameless: bool) -> None:
        """Ask for its state; `server`: the server's clock, epoch seconds; `nameless`: no worker ever said its name."""
        if nameless and (self.is_busy or not self._replies):
            self._orphans.ask(batch, at)
        else:
            self._orphans.forget()
        keys, self._server = self._keys, server
        replies = {state: batch.ask("LLEN", keys[state]) for state in LISTS}
        replies |= {state: batch.ask("ZCARD", keys[state]) for state in SETS}
        replies["completed"] = self._completed.ask(batch, at, server * 1000)
        replies["failed"] = self._failed.ask(batch, at, server * 1000)
        self._replies = replies
        self._tails = {state: batch.ask("LINDEX", keys[state], -1) for state in ("wait", "paused")}
        self._before_tail = batch.ask("LINDEX", keys["wait"], -2) if self._may_hold_markers else Reply()
        self._meta = batch.ask("HMGET", keys["meta"], "version", "paused", "opts.maxLenEvents")
        self._id = batch.ask("GET", keys["id"])

    @property
    def _may_hold_markers(self) -> bool:
        return not self.version or self.version.startswith(("3.", "4."))

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return "active" in self._replies and bool(self._replies["active"].value)

    @property
    def has_orphans_only(self) -> bool:
        """Whether all jobs that seem to run were left behind by workers that are gone."""
        return self._orphans.certain

    def follow(self, batch: Batch) -> None:
        """Look at the job that is next in line, unless it is the one of the poll before."""
        self._orphans.judge(self._replies["active"].number())
        following = self._first_job()
        if following != self._next:
            self._next, self._added_at = following, None
        unknown = following is not None and self._added_at is None
        self._added = batch.ask("HMGET", self._prefix + following, "timestamp") if unknown and following else None

    def _first_job(self) -> bytes | None:
        for tail in (*self._tails.values(), self._before_tail):
            job = tail.value
            if isinstance(job, bytes) and not job.startswith(b"0:"):
                return job
        return None

    def report(self, builder: ReadingBuilder, workers: int | None) -> None:
        """Add its samples."""
        self._read_meta()
        self.error = next((reply.error for reply in self._replies.values() if reply.error), None)
        jobs = self._jobs()
        pairs = {"queue": self.label, "kind": "bullmq"}
        for state, count in jobs.items():
            builder.add("queue.jobs", count, **pairs, state=state)
        self._depth(builder, jobs, pairs)
        builder.add("queue.oldest_age", self._age(), **pairs)
        at = builder.started
        rates = {
            "queue.added": self._counters.rate("id", self._id.number(), at),
            "queue.completed": self._completed.rate(at),
            "queue.failed": self._failed.rate(at, counting=self._completed.counted),
        }
        for metric, rate in rates.items():
            builder.add(metric, self._steady[metric].mean(rate, at), **pairs)
        builder.add("queue.workers", workers, **pairs)
        if self._meta.ok:
            builder.add("queue.paused", float(self.paused), **pairs)

    def row(self, workers: int | None) -> tuple[Cell, ...]:
        """Return its row of the table `queues`."""
        return self.label, "bullmq", self.version or None, int(self.paused), workers

    def _read_meta(self) -> None:
        version, paused = self._meta.value[:2] if self._meta.value else (None, None)
        self.version = clean(version, 40).rpartition(":")[2] if version else ""
        self.paused = paused is not None

    def _jobs(self) -> dict[str, float]:
        counts = {state: reply.number() for state, reply in self._replies.items()}
        jobs = {state: count for state, count in counts.items() if count is not None}
        for state, tail in self._tails.items():
            if isinstance(tail.value, bytes) and tail.value.startswith(b"0:") and jobs.get(state):
                jobs[state] -= 1
        return jobs

    def _depth(self, builder: ReadingBuilder, jobs: dict[str, float], pairs: dict[str, str]) -> None:
        if not {"wait", "paused", "prioritized"} <= jobs.keys():
            self._trend.forget()
            return
        depth = jobs["wait"] + jobs["paused"] + jobs["prioritized"]
        self._trend.add(builder.started, depth)
        builder.add("queue.depth", depth, **pairs)
        builder.add("queue.change", self._trend.slope, **pairs)
        builder.add("queue.drain_time", self._trend.drain_time, **pairs)

    def _age(self) -> float | None:
        """Return the age of the job that is next in line; None when there is none or it vanished meanwhile."""
        if self._added is not None and self._added.value:
            stamp = self._added.value[0]
            self._added_at = float(stamp) / 1000 if stamp and stamp.isdigit() else None
        return None if self._next is None or self._added_at is None else max(0.0, self._server - self._added_at)
