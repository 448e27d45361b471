"""`cleanup.memory` on real servers: everything in its order, the broken ones left out or told, the rest done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.cleanup.app import CleanupApp
from perftui.actions.cleanup.expired import CleanupExpired
from perftui.actions.cleanup.files import CleanupFiles
from perftui.actions.cleanup.memory import CleanupMemory
from perftui.actions.contract import Action
from perftui.actions.frame.runner import ActionRunner
from perftui.config.duration import Duration
from perftui.config.kinds import HttpOptions, RedisOptions, SystemOptions
from perftui.config.remedies import FileRule
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Outcome, Plan, Proof, Run
from perftui.core.clock import SystemClock
from tests.support.ground import StillGround
from tests.support.http_app import Asked, HttpApp, http_app, reply
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually, free_port
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration
EXPIRED = 3000
_FILL = "for i=1,ARGV[1] do redis.call('SET', 'k'..i, 'x', 'PX', 1) end redis.call('SET', 'stays', 'x')"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        with running.wire() as wire:
            wire("DEBUG", "SET-ACTIVE-EXPIRE", 0)
            wire("EVAL", _FILL, 0, EXPIRED)
        yield running


class Scene:
    """A host with a good cache, a dead one, one that may not be touched, two applications and a rule for files."""

    def __init__(self, server: RedisServer, app: HttpApp, folder: Path) -> None:
        self.folder = folder
        dead = RedisOptions(url=f"redis://127.0.0.1:{free_port()}/0")
        self.files = [folder / f"old-{number}.log" for number in range(3)]
        for file in self.files:
            file.write_text("x" * 100)
        (folder / "kept.txt").write_text("x")
        rule = FileRule(paths=(f"{folder}/*.log",), older_than=Duration(0.0))
        good = HttpOptions(url=app.url, cleanup=f"{app.url}/good")
        bad = HttpOptions(url=app.url, cleanup=f"{app.url}/bad")
        self.ground = StillGround(
            Settings(files={"logs": rule}),
            SourceSettings(name="system", kind="system", options=SystemOptions()),
            SourceSettings(name="app-bad", kind="http", options=bad),
            SourceSettings(name="app-good", kind="http", options=good),
            SourceSettings(name="cache-1", kind="redis", options=server.options()),
            SourceSettings(name="cache-dead", kind="redis", options=dead),
            SourceSettings(name="cache-kept", kind="redis", options=server.options(), read_only=True),
        )
        self.clock = SystemClock()
        # No cleanup.temp: a test deletes nothing from this machine's /tmp.
        actions: list[Action] = [
            CleanupExpired(self.ground, self.clock, verify_after=0.0),
            CleanupFiles(self.ground, self.clock, verify_after=0.0),
            CleanupApp(self.ground, self.clock),
        ]
        table: dict[str, Action] = {action.info.id: action for action in actions}
        table["cleanup.memory"] = CleanupMemory(self.ground, self.clock, lambda: table)
        self.log = AuditLog(folder / "state")
        journal = Journal(self.log, self.clock, folder / "no-system-log")
        self.runner = ActionRunner(table, self.ground, self.clock, journal, self.on_runs)
        self.cancel_at = "never"

    def on_runs(self, runs: tuple[Run, ...]) -> None:
        """Cancel what says that it is as far as that."""
        for run in runs:
            if self.cancel_at in run.message and run.done is None:
                self.runner.cancel(run.plan.id, ADMIN)

    async def plan(self) -> Plan:
        return await self.runner.plan("cleanup.memory", "system", {})

    async def apply(self, plan: Plan) -> Run:
        await self.runner.apply(plan.id, "y", ADMIN)
        await eventually(lambda: asyncio.sleep(0, not self.runner.busy))
        return self.runner.runs[0]


@asynccontextmanager
async def scene_of(server: RedisServer, folder: Path) -> AsyncIterator[Scene]:
    def answer(asked: Asked) -> bytes:
        return reply(500 if asked.path == "/bad" else 200)

    async with http_app(answer) as app:
        yield Scene(server, app, folder)


def keys(server: RedisServer) -> object:
    with server.wire() as wire:
        return wire("DBSIZE")


async def test_the_preview_names_every_part_in_order_and_changes_nothing(server: RedisServer, tmp_path: Path) -> None:
    async with scene_of(server, tmp_path) as scene:
        found = await scene.plan()
        assert list(dict.fromkeys(target.partition(":")[0] for target in found.targets)) == [
            "cleanup.expired on cache-1",
            "cleanup.files on system/logs",
            "cleanup.app on app-bad",
            "cleanup.app on app-good",
        ]
        out = {line.label: line.after for line in found.lines if line.after.startswith("left out")}
        assert set(out) == {
            "cleanup.expired on cache-dead", "cleanup.expired on cache-kept", "cleanup.temp on system",
        }  # fmt: skip
        assert "refused the connection" in out["cleanup.expired on cache-dead"] or "127.0.0.1" in str(out)
        assert "read_only" in out["cleanup.expired on cache-kept"]
        for file in scene.files:
            assert any(target.startswith(f"cleanup.files on system/logs: {file}") for target in found.targets)
        assert found.count > len(scene.files)
        assert found.touches == ("cache-1", "app-bad", "app-good")
        assert all(file.exists() for file in scene.files)
    assert keys(server) == EXPIRED + 1


async def test_one_failing_application_stops_nothing_and_is_counted(server: RedisServer, tmp_path: Path) -> None:
    async with scene_of(server, tmp_path) as scene:
        run = await scene.apply(await scene.plan())
    assert run.message == "4 applied, 3 successful, 1 failed", run.lines
    assert [line.label[0] for line in run.lines] == ["●", "●", "✖", "●"]
    assert f"{EXPIRED:,} expired keys freed" in run.lines[0].after
    assert run.lines[0].after.endswith("; recovered")
    assert "500" in run.lines[2].after
    assert run.proof is Proof.UNKNOWN, "nobody can tell what the application freed"
    intents = {record["action"]: record for record in scene.log.records() if record.get("part_of") == run.plan.id}
    assert {target.partition("  ")[0] for target in intents["cleanup.files"]["targets"]} == {*map(str, scene.files)}
    assert keys(server) == 1
    assert not any(file.exists() for file in scene.files)
    assert (tmp_path / "kept.txt").exists()


async def test_what_changed_since_the_preview_is_left_and_the_rest_done(server: RedisServer, tmp_path: Path) -> None:
    async with scene_of(server, tmp_path) as scene:
        found = await scene.plan()
        server.stop()
        server.start()
        scene.files[0].unlink()
        run = await scene.apply(found)
    assert "run_id was" in run.lines[0].after
    assert run.left == 1
    assert not any(file.exists() for file in scene.files)


async def test_cancelled_it_begins_no_further_part(server: RedisServer, tmp_path: Path) -> None:
    async with scene_of(server, tmp_path) as scene:
        scene.cancel_at = "1 of 4"
        run = await scene.apply(await scene.plan())
        assert run.outcome is Outcome.CANCELLED
        assert [line.after for line in run.lines[1:]] == ["left: cancelled before its turn"] * 3
        assert all(file.exists() for file in scene.files)


async def test_two_sources_that_are_one_server_are_swept_one_after_the_other(
    server: RedisServer, tmp_path: Path
) -> None:
    async with scene_of(server, tmp_path) as scene:
        twin = msgspec.structs.replace(scene.ground.sources["cache-1"], name="cache-twin")
        scene.ground.sources = {**scene.ground.sources, "cache-twin": twin}
        run = await scene.apply(await scene.plan())
    assert run.message == "5 applied, 4 successful, 1 failed", run.lines
