"""One thread that does blocking work in order: a disk that hangs holds it up, and nothing else."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple[Callable[[], Any], Future[Any]]


class Worker:
    """Does at most `limit` jobs that wait, one after another, on a daemon thread: the program may end while it hangs.

    Raises RuntimeError when no thread can be started.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._jobs: Queue[Job | None] = Queue(limit)
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Return the future of a job; cancelled before its turn, it is not done. Raises queue.Full."""
        future: Future[T] = Future()
        self._jobs.put_nowait((job, future))
        return future

    def end(self) -> None:
        """Let the thread end after the jobs that it has."""
        with contextlib.suppress(Full):  # it hangs, and ends with the program
            self._jobs.put_nowait(None)

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, future = entry
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)
            else:
                future.set_result(result)
            del entry, job, future  # a job holds what it writes, and the next may be hours away
