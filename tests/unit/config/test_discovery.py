import threading
from pathlib import Path

import pytest

from perftui.config import discovery
from perftui.config.address import address_of
from perftui.config.discovery import MYSQL_PLACES, REDIS_PLACES, Candidate, discover, usual_candidates
from perftui.config.kinds import MySQLOptions, Options, RedisOptions, SupervisorOptions, SystemdOptions
from perftui.config.settings import Settings, SourceSettings
from tests.unit.config.servers import MARIADB, packet, saying


def redis_at(*places: str) -> Candidate:
    return Candidate(kind="redis", places=places, options=lambda place: RedisOptions(url=f"redis://{place}/0"))


def configured(name: str, kind: str, address: str, options: Options) -> Settings:
    return Settings(sources=(SourceSettings(name=name, kind=kind, options=options, address=address),))


async def test_finds_what_answers_and_names_it(tmp_path: Path) -> None:
    (tmp_path / "my.cnf").write_text(f"[client]\nuser = monitor\npassword = pw\nsocket = {tmp_path}/db.sock\n")
    _, mysql, *_ = usual_candidates(my_cnf=tmp_path / "my.cnf")
    async with (
        saying(b"-NOAUTH no\r\n") as redis_address,
        saying(packet(MARIADB), tmp_path / "db.sock") as mysql_address,
    ):
        found = await discover(Settings(interval=2.0, read_only=True), [redis_at(redis_address), mysql])
    redis, mariadb = found
    assert redis.name == f"redis-{redis_address.rpartition(':')[2]}"
    assert (mariadb.name, mariadb.kind, mariadb.address) == ("mariadb", "mysql", mysql_address)
    assert all(source.discovered and source.read_only and source.interval == 2.0 for source in found)
    options = mariadb.options
    assert isinstance(options, MySQLOptions)
    assert (options.user, options.socket, options.defaults_file) == ("monitor", mysql_address, f"{tmp_path}/my.cnf")
    assert options.password is not None
    assert options.password.reveal() == "pw"


async def test_one_server_is_one_source_by_its_first_place() -> None:
    async with saying(b"+PONG\r\n") as first, saying(b"+PONG\r\n") as second:
        (found,) = await discover(Settings(), [redis_at("127.0.0.1:1", first, second)])
    assert found.address == first


async def test_what_is_configured_is_not_found_again() -> None:
    async with saying(b"+PONG\r\n") as address:
        there = configured("cache", "redis", address.replace("127.0.0.1", "localhost"), RedisOptions())
        assert await discover(there, [redis_at(address, "/run/redis/redis.sock")]) == ()
        elsewhere = configured("cache", "redis", "10.0.0.5:6379", RedisOptions())
        assert len(await discover(elsewhere, [redis_at(address)])) == 1


async def test_a_name_that_is_taken_gets_a_number() -> None:
    async with saying(b"+PONG\r\n") as address:
        name = f"redis-{address.rpartition(':')[2]}"
        (found,) = await discover(configured(name, "redis", "10.0.0.5:1", RedisOptions()), [redis_at(address)])
    assert found.name == f"{name}-2"


async def test_nothing_there_is_nothing_found() -> None:
    assert await discover(Settings(), [redis_at("127.0.0.1:1")]) == ()


def test_the_usual_places_without_a_my_cnf(tmp_path: Path) -> None:
    redis, mysql, *_ = usual_candidates(my_cnf=tmp_path / "none")
    assert (redis.places, mysql.places) == (REDIS_PLACES, MYSQL_PLACES)
    assert redis.options("/run/redis.sock") == RedisOptions(url="unix:///run/redis.sock")
    options = mysql.options("127.0.0.1:3306")
    assert isinstance(options, MySQLOptions)
    assert (options.host, options.port, options.password, options.defaults_file) == ("127.0.0.1", 3306, None, "")


def test_a_my_cnf_says_where_the_tools_connect(tmp_path: Path) -> None:
    for text, places in (
        ("host = db.example.com\nport = 3307", ("db.example.com:3307",)),
        ("host = localhost\nport = 3307", ("127.0.0.1:3307",)),
        ("user = monitor", MYSQL_PLACES),
    ):
        (tmp_path / "my.cnf").write_text(f"[client]\n{text}\n")
        assert usual_candidates(my_cnf=tmp_path / "my.cnf")[1].places == places


def test_a_malformed_my_cnf_is_noted_and_ignored(tmp_path: Path) -> None:
    (tmp_path / "my.cnf").write_text("user = a\n")
    notes: list[str] = []
    assert usual_candidates(notes.append, tmp_path / "my.cnf")[1].places == MYSQL_PLACES
    assert notes == [f"{tmp_path}/my.cnf: line 1: stands before any [group]"]


async def test_a_home_folder_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(discovery, "HOME_DEADLINE", 0.05)
    monkeypatch.setattr(discovery, "PROBES", dict.fromkeys(discovery.PROBES, _nobody))
    monkeypatch.setattr(discovery, "read_client_defaults", lambda path: answers.wait(10) and None)
    notes: list[str] = []
    try:
        assert await discover(Settings(), note=notes.append) == ()
    finally:
        answers.set()
    assert [line.partition(" for ")[0] for line in notes] == ["~/.my.cnf has not answered"]


async def _nobody(address: str) -> str | None:
    return None


async def test_systemd_is_found_where_it_is_the_init_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd = Candidate(kind="systemd", places=(f"{tmp_path}/systemd",), options=lambda _: SystemdOptions())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await discover(Settings(), [systemd]) == ()
    (tmp_path / "systemd").mkdir()
    assert await discover(Settings(), [systemd]) == (), "there is nothing to ask it with"
    (tmp_path / "systemctl").write_text("#!/bin/sh\n")
    (tmp_path / "systemctl").chmod(0o755)
    (found,) = await discover(Settings(), [systemd])
    assert (found.name, found.kind, found.options, found.interval) == ("systemd", "systemd", SystemdOptions(), 5.0)


async def test_a_systemd_or_supervisor_that_is_configured_is_not_found_again() -> None:
    *_, systemd, supervisor = usual_candidates()
    assert address_of(SystemdOptions()) in systemd.places
    assert address_of(SupervisorOptions()) in supervisor.places
    assert address_of(SystemdOptions(scope="user")) not in systemd.places
    assert supervisor.options("/tmp/supervisor.sock") == SupervisorOptions(url="unix:///tmp/supervisor.sock")
