"""`cleanup.memory`: everything that frees memory and space, as one: a bundle in a fixed order.

Expired keys, finished jobs, old temporary files, sleeping connections, files by the user's rules, and what the
applications clean up themselves.
"""

from collections.abc import Iterator, Sequence

from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.parts import Part
from perftui.actions.params import Params
from perftui.actions.redis.queues import bullmq_names
from perftui.config.kinds import HttpOptions
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Risk


class CleanupMemory(Bundle):
    """The parts are those that this host's sources call for now."""

    info = ActionInfo(
        id="cleanup.memory",
        title="Memory cleanup",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("system",),
    )
    cooldown = 60.0
    nothing = "no source here has anything to clean up"

    def parts(self, target: SourceSettings, params: Params) -> Sequence[Part]:
        """Return a part for each source that has something of each kind, in their order."""
        return tuple(self._parts(target))

    def _parts(self, target: SourceSettings) -> Iterator[Part]:
        redis, mysql, http = (self._of(kind) for kind in ("redis", "mysql", "http"))
        for source in redis:
            yield Part(action="cleanup.expired", target=source.name)
        for source in redis:
            if bullmq_names(self.ground, source):
                yield Part(action="cleanup.jobs", target=source.name)
        yield Part(action="cleanup.temp", target=target.name)
        for source in mysql:
            yield Part(action="cleanup.connections", target=source.name)
        for rule in self.ground.settings.files:
            yield Part(action="cleanup.files", target=target.name, params={"rule": rule}, of=rule)
        for source in http:
            if isinstance(source.options, HttpOptions) and source.options.cleanup:
                yield Part(action="cleanup.app", target=source.name, params={"type": "memory"})

    def _of(self, kind: str) -> list[SourceSettings]:
        return [source for source in self.ground.sources.values() if source.kind == kind]
