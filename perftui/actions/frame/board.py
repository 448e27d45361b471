"""The runs as they stand: kept in a bounded number, and published at every change."""

from collections.abc import Callable

import msgspec

from perftui.core.action import Run

MOST_RUNS = 50
MOST_PUBLISHED = 20
ENDED_TARGETS = 20
"""How many targets of a run that is over go out with it: all of them stand in the audit log."""


class Board:
    """Keeps the last 50 runs. `on_runs` is told, newest first, of those under way and of the last 20."""

    def __init__(self, on_runs: Callable[[tuple[Run, ...]], None]) -> None:
        self._on_runs = on_runs
        self._runs: dict[str, Run] = {}

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, newest first."""
        return tuple(reversed(self._runs.values()))

    def get(self, plan: str) -> Run | None:
        """Return the run of a plan."""
        return self._runs.get(plan)

    def put(self, *runs: Run) -> None:
        """Keep runs, and publish them once."""
        for run in runs:
            self._runs[run.plan.id] = run
        ended = [key for key, run in self._runs.items() if run.ended is not None]
        for key in ended[: max(0, len(self._runs) - MOST_RUNS)]:
            del self._runs[key]
        self._publish()

    def change(self, plan: str, **changes: object) -> Run:
        """Change a run that is there."""
        run = self._runs[plan] = self.run(plan, **changes)
        self._publish()
        return run

    def run(self, plan: str, **changes: object) -> Run:
        """Return a run that is there, with changes that nobody is told of yet."""
        return msgspec.structs.replace(self._runs[plan], **changes)

    def _publish(self) -> None:
        shown = [run for index, run in enumerate(self.runs) if index < MOST_PUBLISHED or run.ended is None]
        self._on_runs(tuple(_short(run) for run in shown))


def _short(run: Run) -> Run:
    if run.ended is None or len(run.plan.targets) <= ENDED_TARGETS:
        return run
    plan = msgspec.structs.replace(run.plan, targets=run.plan.targets[:ENDED_TARGETS])
    return msgspec.structs.replace(run, plan=plan)
