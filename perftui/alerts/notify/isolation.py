"""A defect in one way out ends neither the others nor the alert engine: it is said, and after a while tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds after a defect; twice as long after each more in a row."""


async def go_on(step: Callable[[], Awaitable[None]], say: Callable[[str], None]) -> NoReturn:
    """Repeat `step` until cancelled; `say` is told of each defect."""
    wait = FIRST_WAIT
    while True:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other ways out go on
            say(defect(error))
            await asyncio.sleep(wait)
            wait = min(2.0 * wait, LONGEST_WAIT)
        else:
            wait = FIRST_WAIT


def defect(error: Exception) -> str:
    """Return what broke and where; not its text, in which there may be a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"


class Defects:
    """Which routes have a defect now; `changed` is called when that changes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._by_route: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a line for each."""
        return tuple(f"{route}: broken: {defect}" for route, defect in sorted(self._by_route.items()))

    def note(self, route: str, defect: str) -> None:
        """Note the defect of a route, empty when it has none any more."""
        if self._by_route.get(route, "") == defect:
            return
        self._by_route.pop(route, None)
        if defect:
            self._by_route[route] = defect
        self._changed()
