"""Runbooks: what was previewed is what runs, parameters stay single arguments, and every end is told as it was."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.contract import Ask, Job
from perftui.actions.runbook.action import RunbookAction, runbook_actions
from perftui.config.duration import Duration
from perftui.config.remedies import HttpCall, Runbook, RunbookParam
from perftui.config.settings import Settings
from perftui.connect import program
from perftui.core.action import Outcome, Plan, Proof, Risk, Run, Undo
from perftui.core.alert import Alert
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, TargetChanged, Unreachable
from tests.support.servers import eventually, free_port
from tests.unit.actions.stage import ADMIN, Stage

PYTHON = sys.executable
SHOW = (PYTHON, "-c", "import sys; print(sys.argv[1:])")
ANY = {"a": RunbookParam()}
HOSTILE = ["a b", "'", '"', "; touch /tmp/owned", "$(id)", "`id`", "a\\", "*", "{b}", "{a}", "%s", "&& id", "é"]


def book(**changes: Any) -> Runbook:
    return Runbook(**{"title": "Drain", "target": "cache-1", **changes})


class Books:
    """A stage whose runner knows one runbook; `params` are given to it."""

    def __init__(self, folder: Path, runbook: Runbook, **others: Runbook) -> None:
        self.stage = Stage(folder, lambda ground, clock: RunbookAction("drain", runbook, ground, clock))
        self.stage.settings = Settings(runbooks={"drain": runbook, **others})
        self.action = RunbookAction("drain", runbook, self.stage, self.stage.clock)

    async def plan(self, **params: str) -> Plan:
        return await self.stage.runner.plan(self.stage.action, "cache-1", params)

    async def start(self, **params: str) -> Plan:
        plan = await self.plan(**params)
        await self.stage.runner.apply(plan.id, plan.confirm, ADMIN)
        return plan

    async def run(self, **params: str) -> Run:
        return await self.stage.ended(await self.start(**params))

    def job(self, plan: Plan) -> Job:
        return Job(self.stage.source, plan, None, lambda *_: None, asyncio.Event())


def said(run: Run) -> list[str]:
    return [line.after for line in run.lines if line.label == "said"]


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_parameter_stays_one_argument(tmp_path: Path, value: str) -> None:
    books = Books(tmp_path, book(command=(*SHOW, "x-{a}", "end"), params=ANY))
    assert said(await books.run(a=value)) == [str([f"x-{value}", "end"])]


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_shell_gets_parameters_as_variables_only(tmp_path: Path, value: str) -> None:
    books = Books(tmp_path, book(shell='printf "%s\\n" "$PARAM_A"', params=ANY))
    plan = await books.plan(a=value)
    assert said(await books.run(a=value)) == [value.strip()]
    assert plan.command.endswith("""/bin/sh -c 'printf "%s\\n" "$PARAM_A"'""")


@pytest.mark.parametrize(
    ("runbook", "params", "why"),
    [
        (book(command=("ls", "{a}"), params=ANY), {"a": "-rf"}, "begins with a dash"),
        (book(shell='ls "$PARAM_A"', params=ANY), {"a": "-rf"}, "begins with a dash"),
        (book(command=("rm", "/data/{a}"), params=ANY), {}, "is empty and stands within an argument"),
        (book(command=("ls", "{a}"), params={"a": RunbookParam(pattern="[a-z]+")}), {"a": "a1"}, r"matches \[a-z\]\+"),
        (book(command=("ls", "{a}"), params={"a": RunbookParam(pattern=".*")}), {"a": "a" * 201}, "matches"),
        (book(command=("ls", "{a}"), params={"a": RunbookParam(choices=("x", "y"))}), {"a": "z"}, "choose x or y"),
        (book(command=("ls", "{a}"), params={"a": RunbookParam(kind="integer")}), {"a": "1; id"}, "a whole number"),
        (book(command=("ls", "{a}"), params=ANY), {"a": "a\x1b[31m"}, "control character"),
        (book(command=("/no/such/program",)), {}, "there is no program /no/such/program"),
    ],
)
async def test_what_no_program_should_get_is_refused(
    tmp_path: Path, runbook: Runbook, params: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await Books(tmp_path, runbook).plan(**params)


async def test_a_dash_may_lead_where_a_pattern_allows_it_or_nothing_could_take_it_for_an_option(tmp_path: Path) -> None:
    params = {"a": RunbookParam(pattern="-?[0-9]+")}
    assert said(await Books(tmp_path / "1", book(command=(*SHOW, "{a}"), params=params)).run(a="-5")) == ["['-5']"]
    inside = book(command=(*SHOW, "--level={a}"), params=ANY)
    assert said(await Books(tmp_path / "2", inside).run(a="-5")) == ["['--level=-5']"]


async def test_the_preview_runs_the_dry_run_and_nothing_else(tmp_path: Path) -> None:
    marker = tmp_path / "done"
    runbook = book(
        command=("touch", str(marker)), dry_run=("echo", "would touch {a}"), params=ANY, dangerous=True, undo="admit"
    )
    books = Books(tmp_path, runbook, admit=book(command=("rm", str(marker)), params=ANY, title="Admit"))
    plan = await books.plan(a="x")
    assert not marker.exists()
    assert [(line.label, line.after) for line in plan.lines][-1] == ("dry run", "would touch x")
    assert (plan.command, plan.targets, plan.count) == (f"touch {marker}", (f"touch {marker}",), 1)
    assert (plan.risk, plan.reversible, plan.confirm) == (Risk.HIGH, True, "cache-1")
    run = await books.run(a="x")
    assert (run.outcome, run.applied, run.message) == (Outcome.SUCCEEDED, 1, "exit 0")
    assert run.undo == Undo(action="runbook.admit", params={"a": "x"}, title="Admit")
    assert marker.exists()


async def test_no_dry_run_is_run_where_nothing_may_be_changed(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    dry = Books(tmp_path, book(command=("true",), dry_run=("touch", str(marker))))
    with pytest.raises(Refused, match="refused by read-only: its preview runs a program, and you attached"):
        await dry.stage.runner.plan("runbook.drain", "cache-1", {}, read_only=True)
    assert not marker.exists()
    without = Books(tmp_path, book(command=("touch", str(marker))))
    assert await without.stage.runner.plan("runbook.drain", "cache-1", {}, read_only=True)
    assert not marker.exists()


async def test_a_failing_dry_run_refuses_with_its_last_line(tmp_path: Path) -> None:
    runbook = book(command=("true",), dry_run=("sh", "-c", "echo first; echo no such server >&2; exit 3"))
    with pytest.raises(Refused, match="its dry run failed, exit 3: no such server"):
        await Books(tmp_path, runbook).plan()


async def test_output_is_harmless_and_bounded(tmp_path: Path) -> None:
    hostile = (
        r"import sys; sys.stdout.buffer.write(b'\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b\xff\xe2\x80\xae\x00\r\n' * 200)"
    )
    run = await Books(tmp_path, book(command=(PYTHON, "-c", hostile))).run()
    assert len(said(run)) == 20
    assert set(said(run)) == {"red \ufffd\ufffd<U+202E>␀"}
    flood = "import sys; [print('x' * 99999) for _ in range(50)]; print('last')"
    run = await Books(tmp_path / "2", book(command=(PYTHON, "-c", flood))).run()
    assert said(run)[-1] == "last"
    assert max(map(len, said(run))) <= 400


async def test_a_failure_is_told_with_its_last_line(tmp_path: Path) -> None:
    run = await Books(tmp_path, book(shell="echo half of it; exit 3")).run()
    assert (run.outcome, run.failed, run.applied) == (Outcome.FAILED, 1, 0)
    assert run.message == "exit 3: half of it; what it had done is not known"


async def test_secrets_of_the_agent_are_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    names = "import os; print(sorted(os.environ), os.getcwd(), os.getsid(0) == os.getpid(), repr(os.read(0, 1)))"
    (line,) = said(await Books(tmp_path, book(command=(PYTHON, "-c", names), params=ANY)).run(a="x"))
    assert "DB_PASSWORD" not in line
    assert "PARAM_A" not in line
    assert line.endswith("/ True b''")
    assert set(program.environment({})) <= {"HOME", "LANG", "PATH", "USER"}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    time.sleep(60)
with open(sys.argv[1] + '.new', 'w') as file:
    file.write(f'{os.getpid()} {os.getppid()}')
os.rename(sys.argv[1] + '.new', sys.argv[1])
print('half-way', flush=True)
time.sleep(60)
"""


@asynccontextmanager
async def stubborn(folder: Path, monkeypatch: pytest.MonkeyPatch, timeout: float) -> AsyncIterator[tuple[Books, Plan]]:
    """Run a program with a child, neither of which heeds TERM; at the end neither may be alive."""
    monkeypatch.setattr(program, "GRACE", 0.1)
    pids = folder / "pids"
    books = Books(folder, book(command=(PYTHON, "-c", STUBBORN, str(pids)), timeout=Duration(timeout)))
    plan = await books.start()
    await eventually(lambda: asyncio.sleep(0, pids.exists()))
    yield books, plan
    both = [int(pid) for pid in pids.read_text().split()]
    await eventually(lambda: asyncio.sleep(0, not any(alive(pid) for pid in both)))


async def test_what_takes_too_long_is_stopped_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stubborn(tmp_path, monkeypatch, 1.0) as (books, plan):
        run = await books.stage.ended(plan)
    assert (run.outcome, run.failed) == (Outcome.FAILED, 1)
    assert run.message == "stopped after 1 s; what it had done is not known"
    assert said(run) == ["half-way"]


async def test_cancelling_stops_it_and_says_that_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stubborn(tmp_path, monkeypatch, 60.0) as (books, plan):
        books.stage.runner.cancel(plan.id, ADMIN)
        run = await books.stage.ended(plan)
    assert (run.outcome, run.applied) == (Outcome.CANCELLED, 0)
    assert "what it had done is not known" in run.message


async def test_a_cancelled_task_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stubborn(tmp_path, monkeypatch, 60.0) as (books, _):
        monkeypatch.setattr("perftui.actions.frame.runner.CLOSE_DEADLINE", 0.01)
        monkeypatch.setattr(program, "GRACE", 60.0)
        await books.stage.runner.close()


async def test_a_daemon_that_keeps_the_pipe_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    run = await Books(tmp_path, book(shell="sleep 30 & echo $!")).run()
    (pid,) = said(run)
    os.kill(int(pid), 9)
    assert run.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(("status", "proof"), [(0, Proof.RECOVERED), (1, Proof.UNCHANGED)])
async def test_the_proof_is_a_program_of_its_own(tmp_path: Path, status: int, proof: Proof) -> None:
    books = Books(tmp_path, book(command=("true",), proof=("sh", "-c", f"echo is up; exit {status}")))
    plan = await books.plan()
    verdict = await books.action.verify(books.job(plan), await books.action.apply(books.job(plan)))
    assert (verdict.proof, verdict.lines[0].after) == (proof, f"exit {status}: is up")


async def test_without_a_proof_nothing_is_claimed(tmp_path: Path) -> None:
    books = Books(tmp_path, book(command=("true",)))
    plan = await books.plan()
    assert (
        await books.action.verify(books.job(plan), await books.action.apply(books.job(plan)))
    ).proof is Proof.UNKNOWN


async def test_a_changed_definition_or_program_must_be_previewed_again(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho one\n")
    script.chmod(0o700)
    books = Books(tmp_path, book(command=(str(script),)))
    plan = await books.plan()
    script.write_text("#!/bin/sh\necho another\n")
    with pytest.raises(TargetChanged, match="file was"):
        await books.stage.runner.apply(plan.id, "y", ADMIN)
    plan = await books.plan()
    books.stage.settings = Settings(runbooks={"drain": book(command=(str(script), "--all"))})
    with pytest.raises(TargetChanged, match="definition was"):
        await books.stage.runner.apply(plan.id, "y", ADMIN)
    with pytest.raises(TargetChanged, match=r"was changed in perftui\.toml"):
        await books.plan()


async def test_it_works_on_its_own_target_only(tmp_path: Path) -> None:
    books = Books(tmp_path, book(command=("true",)))
    other = msgspec.structs.replace(books.stage.source, name="cache-2")
    with pytest.raises(Refused, match=r"runbook\.drain works on cache-1"):
        await books.action.plan(other, books.job(await books.plan()).params)
    assert books.action.offers(other, Ask()) == ()


def test_it_is_offered_against_the_alerts_of_its_rules(tmp_path: Path) -> None:
    params = {"queue": RunbookParam(), "size": RunbookParam(kind="integer")}
    action = Books(tmp_path, book(command=("true",), rules=("web-*",), params=params)).action
    source = action.ground.sources["cache-1"]
    attributes = (("queue", "mail"), ("size", "big"), ("x", "y"))
    alert = Alert(rule="web-slow", source="api", metric="m.m", attributes=attributes)
    (offer,) = action.offers(source, Ask(alert))
    assert (offer.params, offer.serves) == ({"queue": "mail"}, ("api",))
    assert action.offers(source, Ask(msgspec.structs.replace(alert, rule="cpu"))) == ()
    assert len(action.offers(source, Ask(msgspec.structs.replace(alert, rule="cpu", remedies=("runbook.drain",))))) == 1
    assert len(action.offers(source, Ask())) == 1


def test_each_runbook_is_an_action(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    settings = Settings(
        runbooks={"a": book(command=("true",), key="s"), "b": book(shell="true", target="later", params=ANY)}
    )
    found = runbook_actions(settings, stage, ManualClock())
    assert list(found) == ["runbook.a", "runbook.b"]
    assert (found["runbook.a"].info.kinds, found["runbook.a"].info.key) == (("redis",), "s")
    assert "http" in found["runbook.b"].info.kinds
    assert [param.name for param in found["runbook.b"].info.params] == ["a"]


async def test_a_call_that_reached_nobody_changed_nothing(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/drain/{{a}}"
    books = Books(tmp_path, book(http=HttpCall(url=url), params=ANY))
    plan = await books.plan(a="x y")
    assert plan.command == f"curl -X POST {url.replace('{a}', 'x%20y')}"
    with pytest.raises(Unreachable):
        await books.action.apply(books.job(plan))
