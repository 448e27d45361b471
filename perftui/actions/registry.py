"""The runner of every action, as the agent composes it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.contract import Action, Ground
from perftui.actions.frame.runner import ActionRunner
from perftui.actions.lease.kinds import lease_on
from perftui.actions.proof.proving import Prover
from perftui.config.paths import state_dir
from perftui.core.action import Run
from perftui.core.clock import Clock


class LateActions(Mapping[str, Action]):
    """The table of actions, empty until it is loaded: its import takes 0.1 s, which the first figures need not wait."""

    def __init__(self, ground: Ground, clock: Clock) -> None:
        self._ground = ground
        self._clock = clock
        self._table: Mapping[str, Action] = {}

    async def load(self) -> None:
        """Import the actions, in a thread."""
        self._table = await asyncio.to_thread(self._made)

    def _made(self) -> Mapping[str, Action]:
        from perftui.actions.table import ActionTable

        return ActionTable(self._ground, self._clock)

    def __getitem__(self, id: str) -> Action:
        return self._table[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def action_runner(
    ground: Ground, clock: Clock, on_runs: Callable[[tuple[Run, ...]], None], *, read_only: bool = False
) -> ActionRunner:
    """Return a runner of every action, which audits to the user's state folder; `start` it in the running loop."""
    actions = LateActions(ground, clock)
    return ActionRunner(
        actions,
        ground,
        clock,
        Journal(AuditLog(state_dir()), clock),
        on_runs,
        read_only=read_only,
        lease=lease_on,
        watcher=Prover(ground, clock),
        load=actions.load,
    )
