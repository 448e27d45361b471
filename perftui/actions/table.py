"""The explicit table of actions."""

from collections.abc import Iterator, Mapping

from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.optimise import Optimise
from perftui.actions.cache.cdn import CdnPurge, CdnWarm
from perftui.actions.cache.invalidate import CacheInvalidate
from perftui.actions.cache.tune import CacheTune
from perftui.actions.cache.warm import CacheWarm
from perftui.actions.cleanup.app import CleanupApp
from perftui.actions.cleanup.connections import CleanupConnections
from perftui.actions.cleanup.expired import CleanupExpired
from perftui.actions.cleanup.files import CleanupFiles
from perftui.actions.cleanup.jobs import CleanupJobs
from perftui.actions.cleanup.memory import CleanupMemory
from perftui.actions.cleanup.temp import CleanupTemp
from perftui.actions.contract import Action, Ground
from perftui.actions.process.priority import ProcessIonice, ProcessRenice
from perftui.actions.process.signals import ProcessSignal
from perftui.actions.runbook.action import runbook_actions
from perftui.actions.service.limit import ServiceLimit
from perftui.actions.service.scale import ServiceScale
from perftui.actions.service.verbs import ServiceReload, ServiceRestart, ServiceStart, ServiceStop
from perftui.config.settings import Settings
from perftui.core.clock import Clock

SINGLE: tuple[type[Action], ...] = (
    CleanupExpired,
    CleanupJobs,
    CleanupTemp,
    CleanupConnections,
    CleanupFiles,
    CleanupApp,
    CacheInvalidate,
    CdnPurge,
    CacheWarm,
    CdnWarm,
    CacheTune,
    ServiceScale,
    ServiceRestart,
    ServiceStart,
    ServiceReload,
    ServiceStop,
    ServiceLimit,
    ProcessSignal,
    ProcessRenice,
    ProcessIonice,
)
"""The actions that come with perftui, in the order in which the pickers offer them."""
BUNDLES: tuple[type[Bundle], ...] = (CleanupMemory, Optimise)
"""Those that run others, one after another."""
IDS = tuple(make.info.id for make in (*BUNDLES, *SINGLE))


class ActionTable(Mapping[str, Action]):
    """Every action by its id: those of perftui, and the runbooks of the settings as they are now."""

    def __init__(self, ground: Ground, clock: Clock) -> None:
        self._ground = ground
        self._clock = clock
        singles = [make(ground, clock) for make in SINGLE]
        bundles = [make(ground, clock, lambda: self) for make in BUNDLES]
        self._own: dict[str, Action] = {action.info.id: action for action in (*bundles, *singles)}
        self._read: Settings | None = None
        self._table: dict[str, Action] = {}

    def __getitem__(self, id: str) -> Action:
        return self._current()[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> dict[str, Action]:
        settings = self._ground.settings
        if settings is not self._read:
            self._read = settings
            self._table = self._own | runbook_actions(settings, self._ground, self._clock)
        return self._table
