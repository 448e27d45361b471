"""Signals and priorities on processes that the tests start themselves."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perftui.actions.contract import Action, Ground
from perftui.actions.process import proc
from perftui.actions.process.priority import ProcessIonice, ProcessRenice
from perftui.actions.process.proc import Process
from perftui.actions.process.signals import ProcessSignal
from perftui.collectors.host import open_files
from perftui.core.action import Outcome, Plan, Proof, Risk, Run
from perftui.core.alert import Alert
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, TargetChanged
from perftui.core.reading import Reading, Table
from tests.support.servers import wait_until
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration

_TREE = """
import subprocess, sys, time
children = [subprocess.Popen(['sleep', '300']) for _ in range(2)]
print(*(child.pid for child in children), flush=True)
time.sleep(300)
"""
_DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(300)"
)
Find = Callable[[int], Process | None]


def signals(find: Find = proc.look, patience: float = 5.0) -> Callable[[Ground, ManualClock], Action]:
    return lambda ground, clock: ProcessSignal(ground, clock, find, patience)


async def plan(stage: Stage, **params: object) -> Plan:
    return await stage.runner.plan(stage.action, "host", {name: str(value) for name, value in params.items()})


async def run(stage: Stage, **params: object) -> Run:
    made = await plan(stage, **params)
    return await stage.applied(made, made.confirm)


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended and collected at last."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode()


async def test_term_ends_a_process_and_the_proof_says_gone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started("sleep", "300") as sleeper:
        previewed = await plan(stage, pid=sleeper.pid)
        assert sleeper.poll() is None
        assert previewed.command == f"kill -TERM {sleeper.pid}"
        assert (previewed.risk, previewed.confirm, previewed.count) == (Risk.MEDIUM, "y", 1)
        done = await stage.applied(previewed)
        assert (done.outcome, done.proof, done.applied) == (Outcome.SUCCEEDED, Proof.HELD, 1), done
        assert sleeper.wait(5) == -signal.SIGTERM


async def test_the_tree_is_previewed_and_ended_only_when_asked(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started(sys.executable, "-c", _TREE) as parent:
        children = [int(word) for word in read_line(parent).split()]
        alone = await plan(stage, pid=parent.pid)
        assert alone.count == 1
        assert any("2 processes descend" in text for text in alone.warnings)
        assert sum("below the other" in line.after for line in alone.lines) == 2
        assert alone.locks == (f"host/{parent.pid}",)
        whole = await plan(stage, pid=f"0{parent.pid}", tree="yes")
        assert set(whole.locks) == {f"host/{pid}" for pid in (parent.pid, *children)}
        done = await run(stage, pid=parent.pid, tree="yes")
        assert (done.plan.count, done.applied, done.proof) == (3, 3, Proof.HELD)
        wait_until(lambda: all(is_over(pid) for pid in children))


def is_over(pid: int) -> bool:
    found = proc.look(pid)
    return found is None or found.is_gone


async def test_one_that_ignores_term_is_unchanged_and_kill_is_named(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals(patience=0.3))
    with started(sys.executable, "-c", _DEAF) as deaf:
        read_line(deaf)
        done = await run(stage, pid=deaf.pid)
        assert (done.outcome, done.proof) == (Outcome.SUCCEEDED, Proof.UNCHANGED)
        assert done.proof_lines[0].after == "still there after 0.3 s: preview KILL"
        killing = await plan(stage, pid=deaf.pid, signal="KILL")
        assert (killing.risk, killing.confirm) == (Risk.HIGH, "host")
        ended = await stage.applied(killing, "host")
        assert ended.proof is Proof.HELD


async def test_stop_is_taken_back_by_cont(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started("sleep", "300") as sleeper:
        stopped = await run(stage, pid=sleeper.pid, signal="STOP")
        assert (stopped.proof, stopped.plan.reversible) == (Proof.HELD, True)
        assert state(sleeper.pid) == "T"
        assert stopped.undo is not None
        back = await stage.runner.undo(stopped.plan.id)
        assert (back.params["signal"], back.params["pid"]) == ("CONT", str(sleeper.pid))
        going = await stage.applied(back)
        assert going.proof is Proof.HELD
        assert state(sleeper.pid) == "S"


async def test_a_signal_that_it_does_not_handle_is_told_to_end_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    handled = "import signal, time; signal.signal(signal.SIGHUP, print); print('ready', flush=True); time.sleep(300)"
    with started("sleep", "300") as sleeper, started(sys.executable, "-c", handled) as daemon:
        read_line(daemon)
        assert "does not handle HUP, which then ends it" in str(
            (await plan(stage, pid=sleeper.pid, signal="HUP")).warnings
        )
        assert (await plan(stage, pid=daemon.pid, signal="HUP")).warnings == ()


async def test_that_its_unit_may_start_it_again_is_told_as_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "service_of", lambda pid: "nginx.service")
    stage = Stage(tmp_path, signals())
    with started("sleep", "300") as sleeper:
        for name in ("TERM", "KILL"):
            assert (
                "its unit nginx.service may start it again" in (await plan(stage, pid=sleeper.pid, signal=name)).unknown
            )
        assert (await plan(stage, pid=sleeper.pid, signal="HUP")).unknown == ("what it makes of the signal",)


def state(pid: int) -> str:
    found = proc.look(pid)
    return "" if found is None else found.state


async def test_a_pid_that_another_process_got_is_never_signalled(tmp_path: Path) -> None:
    reused = False

    def find(pid: int) -> Process | None:
        found = proc.look(pid)
        return found._replace(start=found.start + 1) if found is not None and reused else found

    stage = Stage(tmp_path, signals(find))
    with started("sleep", "300") as sleeper:
        previewed = await plan(stage, pid=sleeper.pid)
        reused = True
        with pytest.raises(TargetChanged):
            await stage.runner.apply(previewed.id, "y", ADMIN)
        action = ProcessSignal(stage, stage.clock, find)
        assert not action._send(next(iter([proc.look(sleeper.pid)])), signal.SIGTERM)  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert sleeper.poll() is None
        with pytest.raises(Refused, match=r"was chosen is gone; sleep .* has its pid now"):
            await plan(stage, pid=sleeper.pid, started=1)


async def test_what_ended_since_the_preview_is_left_and_the_rest_gets_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started(sys.executable, "-c", _TREE) as parent:
        first, second = (int(word) for word in read_line(parent).split())
        previewed = await plan(stage, pid=parent.pid, tree="yes")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: is_over(first))
        done = await stage.applied(previewed)
        assert (done.applied, done.left, done.failed) == (2, 1, 0)
        wait_until(lambda: is_over(second))


async def test_what_the_kernel_refuses_is_told_and_the_rest_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, signals(patience=0.2))
    send = signal.pidfd_send_signal
    calls: list[int] = []

    def refused_once(descriptor: int, number: int) -> None:
        calls.append(number)
        if len(calls) == 1:
            raise PermissionError(1, "Operation not permitted")
        send(descriptor, number)

    with started(sys.executable, "-c", _TREE) as parent:
        children = [int(word) for word in read_line(parent).split()]
        monkeypatch.setattr(signal, "pidfd_send_signal", refused_once)
        done = await run(stage, pid=parent.pid, tree="yes")
        assert (done.outcome, done.applied, done.failed) == (Outcome.PARTIAL, 2, 1)
        assert done.lines[0].before == "operation not permitted"
        assert done.proof is Proof.UNCHANGED
        wait_until(lambda: all(is_over(pid) for pid in children))


async def test_a_zombie_is_refused_and_says_whose_it_is(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started("true") as zombie:
        wait_until(lambda: state(zombie.pid) == "Z")
        with pytest.raises(Refused, match=f"zombie; its parent, process {os.getpid()}"):
            await plan(stage, pid=zombie.pid)


async def test_the_host_and_we_ourselves_are_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    for pid, why in ((1, "process 1"), (os.getpid(), "itself"), (os.getppid(), "holds the agent|process 1")):
        with pytest.raises(Refused, match=why):
            await plan(stage, pid=pid)
    with pytest.raises(Refused, match="no process"):
        await plan(stage, pid=2**22 - 1)
    with pytest.raises(Refused, match=r"tree|itself|holds"):
        await plan(stage, pid=os.getppid(), tree="yes")


async def test_a_thread_of_the_kernel_is_refused(tmp_path: Path) -> None:
    def find(pid: int) -> Process | None:
        return Process(pid, 2, "kworker/0", "I", 1, 0.0, 0, 0, 1, is_kernel=True)

    with pytest.raises(Refused, match="thread of the kernel"):
        await plan(Stage(tmp_path, signals(find)), pid=99)


_AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from perftui.actions.params import read_params
from perftui.actions.process.signals import ProcessSignal
from perftui.core.errors import Refused
from tests.unit.actions.stage import Stage
stage = Stage(Path(sys.argv[2]), ProcessSignal)
os.setresuid(65534, 65534, 65534)
try:
    asyncio.run(stage.runner.plan("process.signal", "host", {"pid": sys.argv[1]}))
except Refused as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_a_process_of_another_user_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with started("sleep", "300") as sleeper:
        words = [sys.executable, "-c", _AS_NOBODY, str(sleeper.pid), str(tmp_path)]
        said = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=30)
    assert said.stdout.startswith("refused by rights: sleep"), said
    assert "run the agent as root or root" not in said.stdout
    assert "run the agent as root" in said.stdout


async def test_a_critical_process_needs_the_name_typed(tmp_path: Path) -> None:
    code = "open('/proc/self/comm', 'w').write('sshd'); print('named', flush=True); import time; time.sleep(300)"
    with started(sys.executable, "-c", code) as fake:
        read_line(fake)
        previewed = await plan(Stage(tmp_path, signals()), pid=fake.pid)
        assert (previewed.risk, previewed.confirm) == (Risk.HIGH, "host")
        assert any("your way to it" in text for text in previewed.warnings)


async def test_renice_reads_back_and_is_taken_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ProcessRenice)
    with started("sleep", "300") as sleeper:
        before = os.getpriority(os.PRIO_PROCESS, sleeper.pid)
        done = await run(stage, pid=sleeper.pid, nice=before + 3)
        assert done.plan.watches == (), "what other processes do says nothing of it"
        assert (done.proof, os.getpriority(os.PRIO_PROCESS, sleeper.pid)) == (Proof.HELD, before + 3)
        back = await stage.applied(await stage.runner.undo(done.plan.id))
        assert (back.proof, os.getpriority(os.PRIO_PROCESS, sleeper.pid)) == (Proof.HELD, before)
        with pytest.raises(Refused, match="already"):
            await plan(stage, pid=sleeper.pid, nice=before)
        with pytest.raises(Refused, match="at most 19"):
            await plan(stage, pid=sleeper.pid, nice=20)


async def test_every_thread_gets_the_new_nice_value(tmp_path: Path) -> None:
    code = (
        "import threading, time\n"
        "[threading.Thread(target=time.sleep, args=(300,), daemon=True).start() for _ in range(3)]\n"
        "print('ready', flush=True); time.sleep(300)"
    )
    with started(sys.executable, "-c", code) as busy:
        read_line(busy)
        await run(Stage(tmp_path, ProcessRenice), pid=busy.pid, nice=15)
        assert {os.getpriority(os.PRIO_PROCESS, each) for each in proc.threads_of(busy.pid)} == {15}


async def test_ionice_reads_back_and_is_taken_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ProcessIonice)
    with started("sleep", "300") as sleeper:
        done = await run(stage, pid=sleeper.pid, **{"class": "best-effort", "level": 6})
        assert (done.proof, done.proof_lines[0].after) == (Proof.HELD, "best-effort 6"), done
        back = await stage.applied(await stage.runner.undo(done.plan.id))
        assert back.proof is Proof.HELD


async def test_without_the_right_a_better_place_is_refused_in_clear_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "may", lambda capability: False)
    with started("sleep", "300") as sleeper:
        with pytest.raises(Refused, match="CAP_SYS_NICE"):
            await plan(Stage(tmp_path / "1", ProcessRenice), pid=sleeper.pid, nice=-5)
        with pytest.raises(Refused, match="CAP_SYS_NICE"):
            await plan(Stage(tmp_path / "2", ProcessIonice), pid=sleeper.pid, **{"class": "realtime"})


async def test_what_could_not_be_taken_back_is_not_called_reversible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "may", lambda capability: False)
    stage = Stage(tmp_path, ProcessRenice)
    for limit, can_go_back in ((0, False), (20, True)):
        with started("sleep", "300") as sleeper:
            # Raising the real limit takes a right (CAP_SYS_RESOURCE) that root in a container lacks.
            monkeypatch.setattr(resource, "prlimit", lambda pid, which, limit=limit: (limit, limit))
            assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == 0
            done = await run(stage, pid=sleeper.pid, nice=10)
            assert (done.plan.reversible, done.undo is not None) == (can_go_back, can_go_back)
            assert ("back to 0 is for root alone (CAP_SYS_NICE)" in done.plan.warnings) is not can_go_back
            if can_go_back:
                back = await stage.applied(await stage.runner.undo(done.plan.id))
                assert back.proof is Proof.HELD
            else:
                with pytest.raises(Refused, match="CAP_SYS_NICE"):
                    await plan(stage, pid=sleeper.pid, nice=0)
    offers = stage.runner.offers(key="f7", params={"pid": "42"})
    assert {offer.reversible for offer in offers} == {False}


@pytest.mark.parametrize("make", [ProcessSignal, ProcessRenice, ProcessIonice])
async def test_offers_pin_the_process_that_is_selected(tmp_path: Path, make: type[Action]) -> None:
    stage = Stage(tmp_path, make)
    columns, row = ("pid", "threads", "name"), (42, 3, "mailer")
    stage.readings = {"host": with_table("processes", Table(columns=columns, rows=(row,)))}
    assert stage.runner.offers() == ()
    offers = stage.runner.offers(params={"pid": "42", "started": "4711"})
    assert {(offer.params["pid"], offer.params["started"]) for offer in offers} == {("42", "4711")}
    unpinned = stage.runner.offers(params={"pid": "42"})
    assert len(unpinned) == len(offers)
    assert not any("started" in offer.params for offer in unpinned)


async def test_signals_are_offered_by_the_name_of_the_process(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    columns, row = ("pid", "threads", "name"), (42, 3, "mailer")
    stage.readings = {"host": with_table("processes", Table(columns=columns, rows=(row,)))}
    offers = stage.runner.offers(key="f9", params={"pid": "42"})
    assert [offer.title for offer in offers] == [
        f"{name} mailer 42" for name in ("TERM", "HUP", "STOP", "CONT", "KILL")
    ]


def with_table(name: str, table: Table) -> Reading:
    return Reading(source="host", monotonic=0, wall=0, duration=0, tables={name: table})


async def test_who_holds_deleted_files_is_offered_hup_against_a_full_disk(tmp_path: Path) -> None:
    stage = Stage(tmp_path, signals())
    with started("sleep", "300") as sleeper:
        found = proc.look(sleeper.pid)
        assert found is not None
        row = (
            1.2 * 2**30,
            "/var/log/app.log",
            sleeper.pid,
            "sleep",
            "session-1.scope",
            3,
            "/var",
            "ext4",
            1,
            found.start,
        )
        stage.readings = {"host": with_table("deleted_files", Table(columns=open_files.COLUMNS, rows=(row,)))}
        full = [
            Alert(rule="disk", source="host", metric="system.filesystem.utilization", attributes=where)
            for where in ((("mountpoint", "/var"),), (("mountpoint", "/home"),))
        ]
        stage.firing = full
        (offer,) = stage.runner.offers(alert=full[0].key)
        assert (offer.action, offer.note.startswith("holds 1.2 GiB of deleted files")) == ("process.signal", True)
        assert stage.runner.offers(alert=full[1].key) == ()
        assert (await plan(stage, **offer.params)).targets == (f"sleep {sleeper.pid} started at tick {found.start}",)
