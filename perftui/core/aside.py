"""Blocking work on daemon threads, for what may hang: a file on a dead NFS server, a FIFO, a keyring, a stuck process.

asyncio's own threads are few, shared by everybody and waited for when the program ends: one hung file would hold up all
others and the end. A thread of ours that hangs holds itself and nothing else.
"""

import asyncio
import errno
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

from perftui.core.errors import DeadlineExceeded
from perftui.core.units import seconds as words

T = TypeVar("T")
PATIENCE = 3
"""After this many intervals without an answer the last one is too old to show."""


def start_aside(job: Callable[[], T]) -> Future[T]:
    """Start `job` on a daemon thread and return its future; an OSError is in it when there is no thread to be had."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    try:
        threading.Thread(target=_run, args=(job, future), name="perftui-aside", daemon=True).start()
    except RuntimeError:
        future.set_exception(OSError(errno.EAGAIN, "no thread can be started"))
    return future


def _run(job: Callable[[], T], future: Future[T]) -> None:
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)


class _Question(NamedTuple, Generic[T]):
    asked: float
    answer: Future[T]


_under_way: dict[Hashable, _Question[Any]] = {}


async def ask_aside(what: str, question: Callable[[], T], seconds: float, key: Hashable = None) -> T:
    """Return what `question()` returns, asked on a daemon thread; what it raises passes through.

    `what` names it in plain words without a secret (`secret file:/run/token`). Raises DeadlineExceeded, "WHAT has not
    answered for 12 s", when `seconds` have passed since it was first asked: for whoever comes later, at once.

    One is under way per `key` (else per `what`): who asks the same meanwhile shares the answer. So this is for reading;
    what does something each time needs a `key` each time.
    """
    name = what if key is None else key
    under_way: _Question[T] | None = _under_way.get(name)
    if under_way is None:
        under_way = _under_way[name] = _Question(time.monotonic(), start_aside(question))
        under_way.answer.add_done_callback(lambda _: _under_way.pop(name, None))
    try:
        async with asyncio.timeout(under_way.asked + seconds - time.monotonic()):
            return await asyncio.wrap_future(under_way.answer)
    except TimeoutError as error:
        if under_way.answer.done():  # just now, or it is the question that raised it
            return under_way.answer.result()
        waited = time.monotonic() - under_way.asked
        raise DeadlineExceeded(f"{what} has not answered for {words(waited)}") from error


class Aside(Generic[T]):
    """Runs `job` every `every` seconds, at most one at a time: a poll takes what it last brought and goes on.

    Times are those of the caller's clock.
    """

    def __init__(self, job: Callable[[], T], every: float) -> None:
        self._job = job
        self._every = every
        self._run: Future[T] | None = None
        self._started: float | None = None
        self._result: T | None = None
        self._result_at = 0.0
        self._error = ""

    @property
    def error(self) -> str:
        """Why the last run brought nothing, in one line."""
        self._take()
        return self._error

    def latest(self, now: float) -> T | None:
        """Return what the job last brought, None when there is nothing or it is too old; start it when it is due."""
        self._take()
        if self._run is None and (self._started is None or now - self._started >= self._every):
            self._started, self._run = now, start_aside(self._job)
        return self._result if now - self._result_at <= PATIENCE * self._every else None

    def running_for(self, now: float) -> float:
        """Return the seconds that the present run has taken, 0 when none is under way."""
        self._take()
        return now - self._started if self._run is not None and self._started is not None else 0.0

    def _take(self) -> None:
        """Take over what a run brought that has ended."""
        if self._run is None or not self._run.done():
            return
        run, self._run = self._run, None
        try:
            self._result, self._error, self._result_at = run.result(), "", self._started or 0.0
        except OSError as error:
            self._result, self._error = None, (error.strerror or type(error).__name__).lower()
