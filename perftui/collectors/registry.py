"""The explicit table kind -> collector; each is imported only when a source of its kind is there."""

from perftui.collectors.base import Collector
from perftui.config.kinds import (
    HttpOptions,
    MySQLOptions,
    RedisOptions,
    SupervisorOptions,
    SystemdOptions,
    SystemOptions,
)
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import ConfigError


def collector_for(source: SourceSettings, clock: Clock) -> Collector:
    """Return a collector for `source`, not opened. Raises ConfigError for a kind that nothing here polls."""
    match source.options:
        case SystemOptions() as options:
            from perftui.collectors.system import SystemCollector

            return SystemCollector(source.name, options, clock)
        case RedisOptions() as options:
            from perftui.collectors.redis import RedisCollector

            return RedisCollector(source.name, options, clock)
        case MySQLOptions() as options:
            from perftui.collectors.mysql import MySQLCollector

            return MySQLCollector(source.name, options, clock)
        case HttpOptions() as options:
            from perftui.collectors.http import HttpCollector

            return HttpCollector(source.name, options, clock)
        case SystemdOptions() as options:
            from perftui.collectors.systemd import SystemdCollector

            return SystemdCollector(source.name, options, clock)
        case SupervisorOptions() as options:
            from perftui.collectors.supervisor import SupervisorCollector

            return SupervisorCollector(source.name, options, clock)
    raise ConfigError(f"source {source.name}: nothing here polls the kind {source.kind!r}")
