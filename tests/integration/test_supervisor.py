"""Programs of a real supervisord: read, started, stopped, restarted, scaled; and what goes wrong with each."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from perftui.actions.frame import runner as runner_module
from perftui.actions.service import manager as manager_module
from perftui.collectors.supervisor import SupervisorCollector
from perftui.config import probe
from perftui.config.duration import Duration
from perftui.config.kinds import SupervisorOptions
from perftui.config.remedies import ScaleGroup
from perftui.config.secret import Secret
from perftui.connect.supervisor import Fault, Supervisor
from perftui.connect.units import Unit
from perftui.core import known_secrets
from perftui.core.action import Line, Outcome, Proof
from perftui.core.clock import SystemClock
from perftui.core.errors import BadAnswer, Denied, Refused, Unreachable
from tests.support.servers import eventually
from tests.support.supervisor_server import PASSWORD, SupervisorServer, supervisor_server
from tests.unit.actions.service.scene import Scene
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def shared() -> Iterator[SupervisorServer]:
    with supervisor_server(PASSWORD) as running:
        yield running


@pytest.fixture
async def server(shared: SupervisorServer) -> SupervisorServer:
    """Give each test the shared server with every program stopped but those that start by themselves."""
    supervisor = Supervisor(shared.options())

    async def all_stopped() -> bool:  # it waits for none that is stopping already, and may come before an autostart
        await supervisor.call("supervisor.stopAllProcesses", False)
        return all(unit.active in ("inactive", "failed") for unit in await supervisor.units())

    await eventually(all_stopped)
    await supervisor.call("supervisor.startProcess", "sleeper", True)
    return shared


def scene(server: SupervisorServer, folder: Path, deadline: float = 15.0) -> Scene:
    return Scene(folder / "audit", "supervisor", server.options(), deadline=deadline)


@asynccontextmanager
async def answering(answer: bytes, path: Path) -> AsyncIterator[None]:
    """Answer each request with these bytes, and hang up."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read(1 << 16)
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer_one, path):
        yield


async def state(server: SupervisorServer, name: str) -> str:
    units = {unit.name: unit for unit in await Supervisor(server.options()).units()}
    return units[name].active


async def is_in(server: SupervisorServer, name: str, wanted: str) -> bool:
    return await state(server, name) == wanted


async def test_its_programs_are_read_in_the_words_of_all_services(server: SupervisorServer) -> None:
    supervisor = Supervisor(server.options())
    with suppress(Fault):  # it may have ended before it was looked at
        await supervisor.call("supervisor.startProcess", "fails", False)

    async def has_failed() -> bool:
        return await state(server, "fails") == "failed"

    await eventually(has_failed)
    collector = SupervisorCollector("programs", server.options(), SystemClock())
    await collector.open()
    reading = await collector.poll()
    rows = {
        row[0]: dict(zip(reading.tables["units"].columns, row, strict=True)) for row in reading.tables["units"].rows
    }
    assert (rows["sleeper"]["active"], rows["sleeper"]["enabled"]) == ("active", "enabled")
    assert (rows["fails"]["active"], rows["fails"]["exit"]) == ("failed", "exit 3")
    assert rows["worker:worker_1"]["active"] == "inactive"
    up = {dict(each.attributes)["unit"]: each.value for each in reading.samples if each.metric == "service.up"}
    assert up == {"sleeper": 1.0, "fails": 0.0, "stubborn": 0.0}, "idle is not meant to run; stubborn starts by itself"


async def test_a_program_is_started_and_stopped_again(server: SupervisorServer, tmp_path: Path) -> None:
    stage = scene(server, tmp_path)
    plan = await stage.preview("service.start", unit="idle")
    assert plan.command == f"supervisorctl -s unix://{server.socket} -u ada start idle"
    assert PASSWORD not in repr(plan)
    run = await stage.confirm(plan)
    assert (run.outcome, run.proof, run.message) == (Outcome.SUCCEEDED, Proof.HELD, "idle started"), run
    run = await stage.confirm(await stage.runner.undo(run.plan.id))
    assert run.outcome is Outcome.SUCCEEDED, run
    assert await state(server, "idle") == "inactive"
    assert PASSWORD not in "".join(str(record) for record in stage.log.records())


async def test_the_preview_of_what_failed_shows_its_exit_and_its_last_words(
    server: SupervisorServer, tmp_path: Path
) -> None:
    stage = scene(server, tmp_path)
    run = await stage.do("service.start", unit="fails")
    assert run.proof is not Proof.RECOVERED, run
    plan = await stage.preview("service.start", unit="fails")
    lines = {line.label: line.before for line in plan.lines}
    assert lines["ended"] == "exit 3"
    assert lines["log"] == "no such table: users"


async def test_a_restart_is_another_process(server: SupervisorServer, tmp_path: Path) -> None:
    before = (await manager_module.SupervisorManager(server.options()).one("sleeper")).pid
    run = await scene(server, tmp_path).do("service.restart", unit="sleeper")
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.HELD), run
    after = (await manager_module.SupervisorManager(server.options()).one("sleeper")).pid
    assert after
    assert after != before


async def test_what_ignores_term_is_restarted_all_the_same(server: SupervisorServer, tmp_path: Path) -> None:
    await Supervisor(server.options()).call("supervisor.startProcess", "stubborn", True)
    started = time.monotonic()
    run = await scene(server, tmp_path).do("service.restart", unit="stubborn")
    assert run.outcome is Outcome.SUCCEEDED, run
    assert time.monotonic() - started >= 1.0, "it took the time until supervisord killed it"


async def test_what_does_not_stop_in_time_is_told(
    server: SupervisorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_module, "STOP_DEADLINE", 0.3)
    await Supervisor(server.options()).call("supervisor.startProcess", "stubborn", True)
    stage = scene(server, tmp_path)
    run = await stage.do("service.restart", unit="stubborn")
    assert run.outcome is Outcome.FAILED
    assert "stubborn was told to stop and has not within" in run.message


async def test_what_is_stopping_when_the_restart_is_cancelled_is_started_again(
    server: SupervisorServer, tmp_path: Path
) -> None:
    await Supervisor(server.options()).call("supervisor.startProcess", "stubborn", True)
    stage = scene(server, tmp_path)
    plan = await stage.preview("service.restart", unit="stubborn")
    await stage.begin(plan)
    await eventually(lambda: is_in(server, "stubborn", "deactivating"))
    stage.runner.cancel(plan.id, ADMIN)
    run = await stage.ended(plan)
    assert "stubborn" in run.message
    assert await state(server, "stubborn") == "active"


async def test_what_is_stopping_when_the_agent_ends_is_killed_and_started_again(
    server: SupervisorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "CLOSE_DEADLINE", 0.2)
    supervisor = Supervisor(server.options())
    await supervisor.call("supervisor.startProcess", "deaf", True)
    before = (await manager_module.SupervisorManager(server.options()).one("deaf")).pid
    try:
        stage = scene(server, tmp_path)
        plan = await stage.preview("service.restart", unit="deaf")
        await stage.begin(plan)
        await eventually(lambda: is_in(server, "deaf", "deactivating"))
        await stage.runner.close()
        (run,) = stage.runner.runs
        after = await manager_module.SupervisorManager(server.options()).one("deaf")
        assert after.active == "active"
        assert after.pid != before
        assert "deaf was killed, as it was slow to stop, and started again" in run.message
        assert run.outcome is Outcome.SUCCEEDED
        assert [record["event"] for record in stage.log.records()][:2] == ["intent", "outcome"]
    finally:
        await supervisor.call("supervisor.stopProcess", "deaf", False)
        with suppress(Fault):
            await supervisor.call("supervisor.signalProcess", "deaf", "KILL")


async def test_a_crash_loop_is_told_while_it_is_started(server: SupervisorServer, tmp_path: Path) -> None:
    stage = scene(server, tmp_path)
    run = await stage.do("service.start", unit="loops")
    assert run.outcome is Outcome.FAILED
    assert "it ended at once and is about to be restarted: Exited too quickly" in run.message

    async def backs_off() -> bool:
        units = {unit.name: unit for unit in await Supervisor(server.options()).units()}
        return units["loops"].sub == "auto-restart"

    await eventually(backs_off)
    plan = await stage.preview("service.restart", unit="loops")
    assert any("again and again" in warning for warning in plan.warnings)


async def test_what_cannot_be_spawned_says_why(server: SupervisorServer, tmp_path: Path) -> None:
    stage = scene(server, tmp_path)
    run = await stage.do("service.start", unit="missing")
    assert (run.outcome, run.applied) == (Outcome.FAILED, 0)
    assert "missing: its program file does not exist" in run.message
    run = await stage.do("service.start", unit="unspawnable")
    assert run.outcome is Outcome.FAILED
    plan = await stage.preview("service.start", unit="unspawnable")
    assert any("couldn't chdir to /nonexistent: ENOENT" in line.before for line in plan.lines)


async def test_unknown_programs_and_what_makes_no_sense_are_refused(server: SupervisorServer, tmp_path: Path) -> None:
    stage = scene(server, tmp_path)
    for action, unit, why in (
        ("service.start", "nothing", "services has no nothing"),
        ("service.start", "worker:*", "services has no worker"),
        ("service.start", "sleeper", "runs already"),
        ("service.reload", "sleeper", "works on systemd"),
        ("service.limit", "sleeper", "works on systemd"),
    ):
        with pytest.raises(Refused, match=why):
            await stage.preview(action, unit=unit)
    with pytest.raises(Fault, match="nothing: there is no such program"):
        await Supervisor(server.options()).call("supervisor.startProcess", "nothing", False)


async def test_programs_of_a_group_are_scaled_and_back(server: SupervisorServer, tmp_path: Path) -> None:
    stage = scene(server, tmp_path)
    workers(stage)
    run = await stage.do("service.scale", group="workers", count="3")
    assert (run.outcome, run.proof, run.applied) == (Outcome.SUCCEEDED, Proof.HELD, 3), run
    assert await state(server, "worker:worker_3") == "active"
    back = await stage.runner.undo(run.plan.id)
    assert back.lines[0] == Line("workers", "3 of at most 4 run", "0 run")
    run = await stage.confirm(back)
    assert run.outcome is Outcome.SUCCEEDED, run
    assert await state(server, "worker:worker_1") == "inactive"


def after_the_first_start(monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> None:
    """Let something happen once the first of several programs was started."""
    start = manager_module.SupervisorManager._start

    async def start_and_more(self: manager_module.SupervisorManager, unit: Unit) -> None:
        await start(self, unit)
        what()

    monkeypatch.setattr(manager_module.SupervisorManager, "_start", start_and_more)


def workers(stage: Scene) -> None:
    group = ScaleGroup(source="services", unit="worker:worker_{n}", max=4, step=3, deadline=Duration(8.0))
    stage.group("workers", group)


async def test_a_scale_is_cancelled_between_two_programs(
    server: SupervisorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = scene(server, tmp_path)
    workers(stage)
    plan = await stage.preview("service.scale", group="workers", count="3")
    after_the_first_start(monkeypatch, lambda: stage.runner.cancel(plan.id, ADMIN))
    run = await stage.confirm(plan)
    assert (run.outcome, run.applied) == (Outcome.CANCELLED, 1), run
    assert run.message.startswith("workers: 1 of 3 run; cancelled before the end")
    assert run.undo is not None
    assert await state(server, "worker:worker_2") == "inactive"


async def test_a_scale_that_loses_supervisord_says_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with supervisor_server() as server:
        stage = scene(server, tmp_path)
        workers(stage)
        after_the_first_start(monkeypatch, server.kill)
        run = await stage.do("service.scale", group="workers", count="3")
    assert (run.outcome, run.applied, run.failed) == (Outcome.PARTIAL, 1, 3), run
    assert run.message.startswith("workers: how many run now is not known; 1 were told to start; ")
    assert str(server.socket) in run.message
    assert run.undo is not None
    assert run.undo.params == {"group": "workers", "count": "0"}


async def test_a_scale_that_loses_supervisord_at_its_first_step_may_have_done_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with supervisor_server() as server:
        stage = scene(server, tmp_path)
        workers(stage)

        async def lost(self: manager_module.SupervisorManager, unit: Unit) -> None:
            server.kill()
            await self.one(unit.name)

        monkeypatch.setattr(manager_module.SupervisorManager, "_start", lost)
        run = await stage.do("service.scale", group="workers", count="3")
    assert (run.outcome, run.applied, run.failed) == (Outcome.FAILED, 0, 3), run
    assert run.message.startswith("workers: how many run now is not known; ")
    assert run.undo is not None


async def test_no_known_secret_of_its_log_is_in_a_preview(
    server: SupervisorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_secrets, "_known", {})
    known_secrets.remember("table: users")
    stage = scene(server, tmp_path)
    await stage.do("service.start", unit="fails")
    plan = await stage.preview("service.start", unit="fails")
    assert [line.before for line in plan.lines if line.label == "log"][-1] == "no such ***"


async def test_a_supervisord_that_dies_in_the_middle_is_told(tmp_path: Path) -> None:
    with supervisor_server() as server:
        stage = scene(server, tmp_path)
        await eventually(lambda: is_in(server, "stubborn", "active"))
        plan = await stage.preview("service.restart", unit="stubborn")
        await stage.begin(plan)

        await eventually(lambda: is_in(server, "stubborn", "deactivating"))
        server.kill()
        run = await stage.ended(plan)
    assert run.outcome is Outcome.FAILED
    assert "look at stubborn" in run.message, run.message
    assert run.undo is not None
    assert run.undo.action == "service.start", "it may have been left stopped"


async def test_a_wrong_password_and_no_server_are_told_apart(server: SupervisorServer, tmp_path: Path) -> None:
    with pytest.raises(Denied, match="wrong username or password"):
        await Supervisor(server.options("wrong")).units()
    with pytest.raises(Denied, match="wrong username or password"):
        await Supervisor(SupervisorOptions(url=f"unix://{server.socket}")).units()
    with pytest.raises(Denied, match="the environment has no NOWHERE"):
        options = SupervisorOptions(url=f"unix://{server.socket}", username="ada", password=Secret("env:NOWHERE"))
        await Supervisor(options).units()
    with pytest.raises(Unreachable, match="the socket does not exist"):
        await Supervisor(SupervisorOptions(url=f"unix://{tmp_path}/none.sock")).units()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"+PONG\r\n\r\n", "no supervisord answers there"),
        (b"HTTP/1.0 200 OK\r\n\r\n<!DOCTYPE a [<!ENTITY b 'c'>]><methodResponse/>", "declares entities"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "its answer is not XML-RPC"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * (5 << 20), "larger than 4 MiB"),
    ],
)
async def test_what_is_no_supervisord_is_not_believed(tmp_path: Path, answer: bytes, why: str) -> None:
    async with answering(answer, tmp_path / "s.sock"):
        with pytest.raises(BadAnswer, match=why):
            await Supervisor(SupervisorOptions(url=f"unix://{tmp_path}/s.sock")).units()


async def test_it_is_found_by_its_socket(server: SupervisorServer, tmp_path: Path) -> None:
    assert await probe.supervisor(str(server.socket)) == "supervisor"
    assert await probe.supervisor(f"{tmp_path}/none.sock") is None
    async with answering(b"+PONG\r\n", tmp_path / "redis.sock"):
        assert await probe.supervisor(f"{tmp_path}/redis.sock") is None


async def test_three_calls_at_once_are_answered(server: SupervisorServer) -> None:
    supervisor = Supervisor(server.options())
    found = await asyncio.gather(*(supervisor.units() for _ in range(3)))
    assert [len(units) for units in found] == [12, 12, 12]
