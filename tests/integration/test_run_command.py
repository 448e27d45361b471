"""`perftui run` from end to end: command, agent, guard, Redis, audit log."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.audit.log import AuditLog
from perftui.config.paths import state_dir
from perftui.core.errors import Refused
from tests.integration.test_cleanup_expired import EXPIRED, LASTING, LIVE, fill
from tests.support.agents import agent_pids, attached, end_agents, write_config
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import wait_until

pytestmark = pytest.mark.integration

PERFTUI = [sys.executable, "-m", "perftui.cli.main"]
COMMAND = [*PERFTUI, "run", "cleanup.expired"]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        with running.wire() as wire:
            fill(wire)
        yield running
        end_agents()


def config(folder: Path, server: RedisServer, *more: str) -> str:
    head = "discover = false\n" + "".join(line + "\n" for line in more if "[" not in line)
    return write_config(folder, f'{head}[sources.cache-1]\nkind = "redis"\nurl = "{server.url}"\n')


def perftui(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PERFTUI, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=59)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return perftui("run", "cleanup.expired", *words)


def keys(server: RedisServer) -> object:
    with server.wire() as wire:
        return wire("DBSIZE")


def test_dry_run_then_yes_then_the_log(server: RedisServer, tmp_path: Path) -> None:
    where = ("cache-1", "--config", config(tmp_path, server))
    dry = run(*where, "--dry-run", "--json")
    assert (dry.returncode, dry.stderr) == (0, "")
    answer = json.loads(dry.stdout)
    assert (answer["run"], answer["plan"]["targets"]) == (None, ["db0", "db3"])
    assert keys(server) == EXPIRED + LIVE + LASTING
    done = run(*where, "--yes", "--reason", "ticket 7")
    assert done.returncode == 0, done.stderr
    assert "succeeded: 5,700 expired keys freed" in done.stdout
    assert done.stdout.endswith("proof     recovered\n")
    assert keys(server) == LIVE + LASTING
    log = AuditLog(state_dir())
    assert log.verify() == 3
    intent = next(log.records())
    assert intent["reason"] == "ticket 7"
    assert intent["who"]["role"] == "admin"
    wait_until(lambda: not agent_pids())


def test_what_ran_can_be_taken_back_by_its_plan(server: RedisServer, tmp_path: Path) -> None:
    path = config(tmp_path, server)

    def samples() -> bytes:
        with server.wire() as wire:
            answer = wire("CONFIG", "GET", "maxmemory-samples")
        assert isinstance(answer, list)
        assert isinstance(answer[1], bytes)
        return answer[1]

    given = ("cache.tune", "cache-1", "--param", "samples=7", "--yes", "--no-proof", "--config", path)
    done = perftui("run", *given)
    assert (done.returncode, samples()) == (0, b"7"), done.stderr
    (undo,) = (line for line in done.stdout.splitlines() if "perftui undo" in line)
    back = perftui("undo", undo.split()[3][:8], "--yes", "--no-proof", "--config", path)
    assert (back.returncode, samples()) == (0, b"5"), back.stderr
    again = perftui("undo", undo.split()[3], "--yes", "--no-proof", "--config", path)
    assert again.returncode == 2
    assert "taken back already" in again.stderr


def test_the_actions_are_listed_with_their_targets(server: RedisServer, tmp_path: Path) -> None:
    listed = perftui("actions", "--json", "--config", config(tmp_path, server))
    actions = {each["id"]: each for each in json.loads(listed.stdout)["actions"]}
    assert actions["cleanup.expired"]["targets"] == ["cache-1"]
    params = {param["name"] for param in actions["cache.tune"]["params"]}
    assert params == {"maxmemory", "share", "policy", "samples", "restoring"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("cleanup.expird", "cache-1"), 'did you mean "cleanup.expired"'),
        (("cleanup.expired", "cache-7"), 'did you mean "cache-1"'),
        (("cleanup.expired", "cache-1/db3"), "works on a whole source"),
        (("cache.tune", "cache-1", "--param", "sample=3"), 'did you mean "samples"'),
        (("cache.tune", "cache-1", "--param", "samples=many"), "give a whole number"),
        (("cache.tune", "cache-1", "--param", "samples=99"), "at most 64"),
    ],
)
def test_what_was_mistyped_is_one_line(server: RedisServer, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    refused = perftui("run", *words, "--dry-run", "--config", config(tmp_path, server))
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_nothing_happens_unconfirmed_and_production_wants_its_name(server: RedisServer, tmp_path: Path) -> None:
    path = config(tmp_path, server)
    Path(path).write_text(Path(path).read_text() + "production = true\n")
    where = ("cache-1", "--config", path)
    silent = run(*where)
    assert silent.returncode == 2
    assert "add --confirm cache-1" in silent.stderr
    only_yes = run(*where, "--yes", "--json")
    assert only_yes.returncode == 2
    assert "type cache-1" in json.loads(only_yes.stdout)["refused"]
    assert keys(server) == EXPIRED + LIVE + LASTING
    assert run(*where, "--confirm", "cache-1").returncode == 0
    assert keys(server) == LIVE + LASTING


@pytest.mark.parametrize(
    ("line", "says"), [("read_only = true", "perftui.toml makes this agent read-only"), ("", "[sources.cache-1] says")]
)
def test_read_only_by_configuration(server: RedisServer, tmp_path: Path, line: str, says: str) -> None:
    path = config(tmp_path, server, line)
    if not line:
        Path(path).write_text(Path(path).read_text() + "read_only = true\n")
    refused = run("cache-1", "--config", path, "--yes")
    assert refused.returncode == 2
    assert f"refused by read-only: {says}" in refused.stderr
    assert keys(server) == EXPIRED + LIVE + LASTING


async def test_read_only_by_connection(server: RedisServer, tmp_path: Path) -> None:
    async with attached(config(tmp_path, server), read_only=True) as client:
        plan = await client.plan("cleanup.expired", "cache-1", {})
        with pytest.raises(Refused, match="you attached with --read-only"):
            await client.apply(plan, "y")
    assert keys(server) == EXPIRED + LIVE + LASTING


def test_an_unknown_source_is_2_and_a_dead_server_1(server: RedisServer, tmp_path: Path) -> None:
    path = config(tmp_path, server)
    unknown = run("cache-2", "--config", path, "--yes")
    assert unknown.returncode == 2
    assert 'did you mean "cache-1"?' in unknown.stderr
    server.stop()
    dead = run("cache-1", "--config", path, "--yes")
    assert dead.returncode == 1
    assert f"127.0.0.1:{server.port}" in dead.stderr
    assert "connection refused" in dead.stderr


@pytest.mark.parametrize(("typed", "status"), [(b"y\n", 0), (b"n\n", 2)])
def test_it_asks_at_a_terminal(server: RedisServer, tmp_path: Path, typed: bytes, status: int) -> None:
    controller, terminal = pty.openpty()
    command = [*COMMAND, "cache-1", "--config", config(tmp_path, server)]
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"type y to apply: " not in shown:
            shown += os.read(controller, 4096)
        assert shown.startswith("planning cleanup.expired on cache-1 …\r\x1b[K".encode())
        os.write(controller, typed)
        while process.poll() is None:
            _read(controller)
    os.close(controller)
    assert process.returncode == status
    assert keys(server) == (LIVE + LASTING if status == 0 else EXPIRED + LIVE + LASTING)


def test_ctrl_c_cancels_between_two_batches(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire, 300_000)
    before = _freed(server)
    command = [*COMMAND, "cache-1", "--yes", "--config", config(tmp_path, server)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: _freed(server) > before)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1, err
    assert "cancelled: " in out
    assert LIVE + LASTING < int(str(keys(server))) < 300_000 + LIVE + LASTING


def _freed(server: RedisServer) -> int:
    with server.wire() as wire:
        stats = bytes(wire("INFO", "stats")).decode()  # type: ignore[arg-type]
    return int(stats.partition("expired_keys:")[2].split()[0])


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:
        return b""


async def test_an_agent_on_another_configuration_is_not_acted_on(server: RedisServer, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    theirs = config(other, server)
    async with attached(theirs) as client:
        done = await asyncio.to_thread(run, "cache-1", "--config", config(mine, server), "--yes", "--json")
        assert done.returncode == 2
        assert f"runs on {theirs} and not on {mine / 'perftui.toml'}; " in done.stderr
        assert done.stderr.count("\n") == 1
        assert json.loads(done.stdout)["plan"] is None
        plain = [*COMMAND[:3], "--plain", "--config", str(mine / "perftui.toml")]
        shown = await asyncio.to_thread(subprocess.run, plain, capture_output=True, text=True, timeout=40)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert f"runs on {theirs} and not on " in shown.stderr
        assert client.state.runs == ()
        assert keys(server) == EXPIRED + LIVE + LASTING
        relative = os.path.relpath(theirs)
        assert (await asyncio.to_thread(run, "cache-1", "--config", relative, "--yes")).returncode == 0
    assert keys(server) == LIVE + LASTING


@pytest.mark.parametrize("home", ["below a file", "/proc/nowhere"])
def test_where_nothing_can_be_recorded_nothing_is_done_and_the_rest_works(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    (tmp_path / "below a file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / home))
    where = ("cache-1", "--config", config(tmp_path, server))
    assert run(*where, "--dry-run").returncode == 0
    refused = run(*where, "--yes")
    assert refused.returncode == 2
    assert "refused by audit: " in refused.stderr
    assert "audit.jsonl cannot be " in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert keys(server) == EXPIRED + LIVE + LASTING
    plain = [*COMMAND[:3], "--plain", *where[1:]]
    shown = subprocess.run(plain, capture_output=True, text=True, timeout=40)
    assert shown.returncode == 0, shown.stderr
    assert "cache-1" in shown.stdout


@pytest.mark.parametrize("words", [["--plain"], ["check"], ["config", "schema"], ["metrics"], ["audit", "show"]])
def test_a_terminal_that_knows_only_ascii_gets_question_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    path = write_config(tmp_path)
    if words[0] in ("--plain", "check"):
        words = [*words, "--config", path]
    AuditLog(state_dir()).append({"event": "intent", "plan": "p", "target": "größe"})
    done = subprocess.run([*COMMAND[:3], *words], capture_output=True, timeout=40)
    assert done.stderr == b""
    assert done.stdout.isascii() and done.stdout
