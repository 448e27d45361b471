"""A job on a thread of its own, for what may hang: a poll takes what it last brought and goes on."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE = 3
"""After this many intervals without an answer the last one is too old to show."""


class Aside(Generic[T]):
    """Runs `job` every `every` seconds, at most one at a time; a hung one holds one daemon thread and nothing else.

    Times are those of the caller's clock. `error` is why the last run brought nothing, in one line.
    """

    def __init__(self, job: Callable[[], T], every: float) -> None:
        self._job = job
        self._every = every
        self._thread: threading.Thread | None = None
        self._started: float | None = None
        self._result: T | None = None
        self._result_at = 0.0
        self.error = ""

    def latest(self, now: float) -> T | None:
        """Return what the job last brought, None when there is nothing or it is too old; start it when it is due."""
        self._start_when_due(now)
        return self._result if now - self._result_at <= PATIENCE * self._every else None

    def running_for(self, now: float) -> float:
        """Return the seconds that the present run has taken, 0 when none is under way."""
        return now - self._started if self._started is not None and self._is_running() else 0.0

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start_when_due(self, now: float) -> None:
        if self._is_running() or (self._started is not None and now - self._started < self._every):
            return
        self._started = now
        self._thread = threading.Thread(target=self._run, args=(now,), name="perftui-aside", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread, self.error = None, str(error)

    def _run(self, started: float) -> None:
        try:
            self._result, self.error = self._job(), ""
            self._result_at = started
        except OSError as error:
            self._result, self.error = None, (error.strerror or type(error).__name__).lower()
