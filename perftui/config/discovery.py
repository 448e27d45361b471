"""What runs on this host though nobody configured it: Redis and its forks, MySQL, MariaDB, systemd, supervisor.

Only this host's usual places are asked, and the server that `~/.my.cnf` names. All of one kind's usual places count as
one server: the same daemon answers on its socket and on its port.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from perftui.config import probe
from perftui.config.address import SYSTEMD_PLACE, host_port, normalised, short_name
from perftui.config.kinds import MySQLOptions, Options, RedisOptions, SupervisorOptions, SystemdOptions
from perftui.config.mycnf import ClientDefaults, read_client_defaults
from perftui.config.paths import expanded
from perftui.config.settings import Settings, SourceSettings
from perftui.config.sources import interval_of
from perftui.core.aside import ask_aside
from perftui.core.errors import ConfigError, DeadlineExceeded

REDIS_PLACES = (
    "127.0.0.1:6379",
    "/run/redis/redis-server.sock",
    "/run/redis/redis.sock",
    "/run/valkey/valkey-server.sock",
    "/run/valkey/valkey.sock",
    "/var/run/redis.sock",
    "/tmp/redis.sock",
)
MYSQL_PLACES = (
    "/run/mysqld/mysqld.sock",
    "/run/mariadb/mariadb.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "127.0.0.1:3306",
)
SUPERVISOR_PLACES = ("/run/supervisor.sock", "/var/run/supervisor.sock", "/tmp/supervisor.sock")
HOME_DEADLINE = 1.0
PROBES: dict[str, probe.Probe] = {
    "redis": probe.redis,
    "mysql": probe.mysql,
    "systemd": probe.systemd,
    "supervisor": probe.supervisor,
}
LOCAL_HOSTS = ("", "localhost")
"""Hosts that the MySQL tools take to mean the socket."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One server that may be there: the first of its `places` that answers the probe is taken."""

    kind: str
    places: tuple[str, ...]
    options: Callable[[str], Options]
    """Makes the options of the source from the place."""


def _redis_options(place: str) -> Options:
    return RedisOptions(url=f"unix://{place}" if place.startswith("/") else f"redis://{place}/0")


REDIS = Candidate(kind="redis", places=REDIS_PLACES, options=_redis_options)
SERVICES = (
    Candidate(kind="systemd", places=(SYSTEMD_PLACE,), options=lambda _: SystemdOptions()),
    Candidate(
        kind="supervisor", places=SUPERVISOR_PLACES, options=lambda place: SupervisorOptions(url=f"unix://{place}")
    ),
)


async def discover(
    settings: Settings, candidates: Iterable[Candidate] | None = None, note: Callable[[str], None] = lambda line: None
) -> tuple[SourceSettings, ...]:
    """Return the sources found beyond those in `settings`; takes a second or two at most and raises nothing.

    A candidate is left out when a configured source has any of its places. `note` gets a line on a my.cnf that
    cannot be used.
    """
    wanted = await _usual_in_time(note) if candidates is None else candidates
    covered = {(source.kind, normalised(source.address)) for source in settings.sources if source.address}
    free = [one for one in wanted if not any((one.kind, normalised(place)) in covered for place in one.places)]
    answers = await asyncio.gather(*(_ask(candidate) for candidate in free))
    taken = {source.name for source in settings.sources}
    found = []
    for candidate, answer in zip(free, answers, strict=True):
        if answer is not None:
            found.append(_source(candidate, *answer, settings, taken))
            taken.add(found[-1].name)
    return tuple(found)


def usual_candidates(
    note: Callable[[str], None] = lambda line: None, my_cnf: Path | None = None
) -> tuple[Candidate, ...]:
    """Return the candidates of this host and of `my_cnf` (`~/.my.cnf`)."""
    path = my_cnf or expanded("~/.my.cnf")
    try:
        defaults = read_client_defaults(path)
    except ConfigError as error:
        note(str(error))
        defaults = None
    return REDIS, _mysql_candidate(defaults or ClientDefaults(), str(path) if defaults else ""), *SERVICES


async def _usual_in_time(note: Callable[[str], None]) -> tuple[Candidate, ...]:
    """Return the usual candidates though the home folder may hang (NFS): read aside, within a deadline."""

    def read() -> tuple[tuple[Candidate, ...], list[str]]:
        notes: list[str] = []
        return usual_candidates(notes.append), notes

    try:
        candidates, notes = await ask_aside("~/.my.cnf", read, HOME_DEADLINE)
    except (DeadlineExceeded, OSError) as error:
        candidates, notes = (REDIS, _mysql_candidate(ClientDefaults(), ""), *SERVICES), [f"{error}; ignored"]
    for line in notes:
        note(line)
    return candidates


async def _ask(candidate: Candidate) -> tuple[str, str] | None:
    """Return place and family of the first place, in order, where the server answers."""
    ask = PROBES[candidate.kind]
    families = await asyncio.gather(*(ask(place) for place in candidate.places))
    answers = zip(candidate.places, families, strict=True)
    return next(((place, family) for place, family in answers if family is not None), None)


def _source(candidate: Candidate, place: str, family: str, settings: Settings, taken: set[str]) -> SourceSettings:
    return SourceSettings(
        name=_unique(short_name(family, place), taken),
        kind=candidate.kind,
        options=candidate.options(place),
        interval=interval_of(candidate.kind, settings.interval),
        read_only=settings.read_only,
        discovered=True,
        address=place,
    )


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, or `name-2` and so on when a source is called that already."""
    choices = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(choice for choice in choices if choice not in taken)


def _mysql_candidate(defaults: ClientDefaults, file: str) -> Candidate:
    """Return where the MySQL tools would connect, as whom: the login name where nothing is said, as they do."""
    account = MySQLOptions(user=defaults.user or probe.login_name(), password=defaults.password, defaults_file=file)

    def options(place: str) -> Options:
        if place.startswith("/"):
            return msgspec.structs.replace(account, socket=place)
        host, _, port = place.rpartition(":")
        return msgspec.structs.replace(account, host=host.strip("[]"), port=int(port))

    return Candidate(kind="mysql", places=_mysql_places(defaults), options=options)


def _mysql_places(defaults: ClientDefaults) -> tuple[str, ...]:
    if defaults.host not in LOCAL_HOSTS:
        return (host_port(defaults.host, defaults.port or 3306),)
    if defaults.socket:
        return (defaults.socket,)
    if defaults.port not in (None, 3306):
        return (host_port("127.0.0.1", defaults.port or 3306),)
    return MYSQL_PLACES
