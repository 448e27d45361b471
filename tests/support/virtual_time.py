"""An event loop whose time passes at once: whatever sleeps for half an hour is through in no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Impatient(selectors.SelectSelector):
    """Instead of waiting for files, lets the time pass for which the loop would have waited."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits for something that never comes")
        self.now += timeout
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Impatient) -> None:
        super().__init__(selector)
        self._impatient = selector

    def time(self) -> float:
        return self._impatient.now


class LoopClock:
    """The clock of the loop that runs; both of its times."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_700_000_000.0 + asyncio.get_running_loop().time()


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(_Impatient())) as runner:
        return runner.run(main)
