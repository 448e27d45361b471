"""Whether the jobs of a BullMQ queue that stand as active were left behind by workers that are gone.

A worker holds a lock for each of its jobs, the string `PREFIX:QUEUE:ID:lock`, set in the script that makes the job
active, with `lockDuration` to live (30 s unless configured) and renewed at half of it (read in BullMQ 3, 4, 5 and 6).
A killed worker leaves its jobs in `active`, and their locks lapse. What could look the same for a moment:

- A job just taken: versions 3 and 4 move it with BRPOPLPUSH and lock it with the next command.
- A job that ends between our two commands takes its lock with it; a look counts only for a job seen in the one before.
- Others than those looked at, the newest and the oldest. A worker that lives adds and removes jobs there, and puts
  orphans back to `wait` after `stalledInterval` (30 s): a list that stands still has none.

So it takes three looks: the same jobs at both ends and as many between, without a lock in two looks in a row.
"""

from perftui.collectors.every import Every
from perftui.collectors.redis_session import Batch, Reply

PERIOD = 2.0
LOOKS = 2


class Orphans:
    """Looks at the newest and the oldest active job of one queue every 2 s; `prefix` is `bull:QUEUE:`."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self.forget()

    def forget(self) -> None:
        """Drop the past: it was not seen without a gap."""
        self._every = Every(PERIOD)
        self._ends: list[Reply] = []
        self._locks: list[Reply] = []
        self._jobs: list[bytes] = []
        self._count: float | None = None
        self._unlocked = 0

    @property
    def certain(self) -> bool:
        """Whether no worker has been there for two looks."""
        return self._unlocked >= LOOKS

    def ask(self, batch: Batch, at: float) -> None:
        """Ask for the ends of the list, and for the locks of the jobs that stood there, when it is time."""
        self._ends = []
        if self._every.due(at):
            self._locks = [batch.ask("GET", self._prefix + job + b":lock") for job in self._jobs]
            self._ends = [batch.ask("LINDEX", self._prefix + b"active", end) for end in (0, -1)]

    def judge(self, count: float | None) -> None:
        """Take what was answered, if anything was asked; `count` is how many jobs are active."""
        if not self._ends:
            return
        jobs = list(dict.fromkeys(end.value for end in self._ends if isinstance(end.value, bytes)))
        still = bool(jobs) and (jobs, count) == (self._jobs, self._count)
        unlocked = still and all(lock.ok and lock.value is None for lock in self._locks)
        self._unlocked = self._unlocked + 1 if unlocked else 0
        self._jobs, self._count, self._ends = jobs, count, []
