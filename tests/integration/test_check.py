"""`perftui check` as a script uses it: a process, its JSON, its exit status, and nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import free_port

pytestmark = pytest.mark.integration


def check(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with a configuration and without discovery."""
    config = folder / "perftui.toml"
    config.write_text("discover = false\n" + text)
    command = [sys.executable, "-m", "perftui.cli.main", "check", "--config", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def redis_source(name: str, port: int) -> str:
    return f'[sources.{name}]\nkind = "redis"\nurl = "redis://127.0.0.1:{port}/0"\n'


def fill(server: RedisServer) -> None:
    """Fill the server to more than nine tenths of its maxmemory."""
    with server.wire() as redis:
        redis("SET", "ballast", b"x" * (40 << 20))
        redis("CONFIG", "SET", "maxmemory", 44 << 20)


def test_a_healthy_server_in_json_exits_0_and_writes_nothing(tmp_path: Path, own_folders: Path) -> None:
    before = sorted(own_folders.rglob("*"))
    with redis_server() as server:
        done = check(tmp_path, redis_source("cache-1", server.port), "--json", "--source", "cache-1")
    body = json.loads(done.stdout)
    assert (done.returncode, body["status"], list(body["sources"])) == (0, "healthy", ["cache-1"])
    assert body["sources"]["cache-1"]["state"] == "ok"
    assert body["sources"]["cache-1"]["metrics"]["redis.uptime"] >= 0
    assert sorted(own_folders.rglob("*")) == before


def test_what_is_beyond_a_critical_level_exits_2_even_beside_a_source_that_is_gone(tmp_path: Path) -> None:
    with redis_server() as server:
        fill(server)
        text = redis_source("full", server.port) + redis_source("gone", free_port())
        done = check(tmp_path, text)
    assert done.returncode == 2, done.stdout
    assert "connection refused" in done.stdout
    assert done.stdout.rstrip().endswith("critical")


def test_a_source_that_cannot_be_read_exits_3(tmp_path: Path) -> None:
    done = check(tmp_path, redis_source("gone", free_port()), "--json", "--source", "gone")
    body = json.loads(done.stdout)
    assert (done.returncode, body["status"]) == (3, "unknown")
    assert body["sources"]["gone"]["age_s"] is None


@pytest.mark.parametrize(
    ("text", "arguments", "line"),
    [
        ("", ["--source", "sytem"], 'there is no source "sytem"; did you mean "system"?'),
        ("intervall = '1s'", [], 'unknown key "intervall"'),
        ("", ["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_wrong_use_is_one_line_and_exits_3(tmp_path: Path, text: str, arguments: list[str], line: str) -> None:
    done = check(tmp_path, text, *arguments)
    assert done.returncode == 3
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_agent_is_started(tmp_path: Path) -> None:
    check(tmp_path, "")
    assert not list(Path(os.environ["PERFTUI_RUNTIME_DIR"]).iterdir())
