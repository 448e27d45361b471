"""SIGKILL at any moment: what was begun is in the audit log, the log holds together, and the next agent says so."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.audit.journal import process_mark
from perftui.actions.audit.log import AuditLog
from perftui.cli import main
from perftui.config.paths import state_dir
from perftui.core.action import Outcome
from perftui.core.errors import AuditError
from tests.support.agents import agent_pids, attached, end_agents, write_config
from tests.support.mortal_actions import STEPS
from tests.support.redis_server import redis_server
from tests.support.servers import eventually, wait_until

pytestmark = pytest.mark.integration
LIVES = 40
LONGEST = 0.16
"""Seconds: a little more than a life takes that nobody ends."""


class Lives:
    """The mortal runner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = AuditLog(folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mortal_actions", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        )

    def run(
        self, kill_after: float | None = None, *, held_at: int | None = None, whole: bool = False
    ) -> list[dict[str, Any]]:
        """Let one live, killed so many seconds after its start or before a step, or until its own end.

        Return its reports. `whole`: the action is two as one.
        """
        words = ["live", *(["whole"] if whole else []), *([str(held_at)] if held_at is not None else [])]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{' '.join(words)}\n".encode())
        self._process.stdin.flush()
        told: list[dict[str, Any]] = []
        for line in self._process.stdout:
            if line.strip().endswith(b"}") and line.startswith(b"{"):
                told.append(msgspec.json.decode(line))
                if (kill_after is not None and "started" in told[-1]) or "held" in told[-1]:
                    time.sleep(kill_after or 0.0)
                    with contextlib.suppress(ProcessLookupError):  # it came to its own end
                        os.kill(told[0]["started"], signal.SIGKILL)
                    kill_after = None
                if "gone" in told[-1]:
                    return told
        pytest.fail("the mortal runner is gone")

    def effects(self) -> Counter[str]:
        """Return the steps that were taken, by plan."""
        path = self.folder / "effects"
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def events(self, event: str) -> dict[str, dict[str, Any]]:
        """Return the records of one kind, by plan."""
        return {str(record["plan"]): record for record in self.log.records() if record["event"] == event}

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    found = Lives(tmp_path)
    yield found
    found.end()


def test_killed_between_any_two_steps_it_leaves_an_intent_or_an_outcome(lives: Lives) -> None:
    dice, in_the_middle = random.Random(4), 0
    lives.run()  # the first one pays for what is imported late
    for number in range(LIVES):
        if number % 2:
            lives.run(held_at=dice.randrange(1, STEPS))
        else:
            lives.run(dice.uniform(0.0, LONGEST))
        lives.log.verify()
        intents, outcomes, effects = lives.events("intent"), lives.events("outcome"), lives.effects()
        assert set(effects) <= set(intents), "nothing is done that was not announced"
        in_the_middle += len(set(effects) - set(outcomes))
    assert in_the_middle >= LIVES // 2
    (shown,) = [dict(told["shown"]) for told in lives.run() if "shown" in told]
    intents, outcomes = lives.events("intent"), lives.events("outcome")
    assert set(intents) == set(outcomes), "the next one closes what was left open"
    interrupted = {plan for plan, record in outcomes.items() if record["outcome"] == Outcome.INTERRUPTED}
    assert {plan for plan, outcome in shown.items() if outcome == "interrupted"} == interrupted & set(shown)
    for plan, steps in lives.effects().items():
        assert plan in interrupted or steps == STEPS, "what is not told as interrupted was done to its end"
    assert lives.log.verify() > LIVES


def test_the_next_one_shows_as_interrupted_what_was_at_work_and_does_not_go_on_with_it(lives: Lives) -> None:
    killed = lives.run(held_at=20)
    (plan,) = [told["planned"] for told in killed if "planned" in told]
    steps = lives.effects()[plan]
    assert steps == 20
    for _ in range(2):
        (shown,) = [dict(told["shown"]) for told in lives.run() if "shown" in told]
        assert [each for each, outcome in shown.items() if outcome == "interrupted"] == [plan]
        assert lives.effects()[plan] == steps
    assert [record["event"] for record in lives.log.records() if record["plan"] == plan] == ["intent", "outcome"]


def test_of_several_actions_as_one_the_part_that_was_at_work_is_shown_as_interrupted_with_the_whole(
    lives: Lives,
) -> None:
    killed = lives.run(held_at=STEPS + 20, whole=True)
    (whole,) = [told["planned"] for told in killed if "planned" in told]
    (second,) = [told["held"] for told in killed if "held" in told]
    (shown,) = [dict(told["shown"]) for told in lives.run() if "shown" in told]
    intents, outcomes = lives.events("intent"), lives.events("outcome")
    parts = [plan for plan, intent in intents.items() if intent["part_of"] == whole]
    assert [(lives.effects()[plan], outcomes[plan]["outcome"]) for plan in parts] == [
        (STEPS, "succeeded"), (20, "interrupted"),
    ]  # fmt: skip
    assert parts[1] == second
    assert [shown.get(plan) for plan in (whole, *parts)] == ["interrupted", None, "interrupted"]


@pytest.mark.parametrize(("how", "line"), [("changed", 5), ("removed", 4), ("swapped", 4), ("added", 6)])
def test_a_log_that_was_tampered_with_is_found_out(
    lives: Lives, how: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        lives.run()
    path = lives.log.path
    lines = path.read_bytes().splitlines(keepends=True)
    assert lives.log.verify() == len(lines) == 9
    match how:
        case "changed":
            lines[4] = lines[4].replace(b"succeeded", b"cancelled")
        case "removed":
            del lines[3]
        case "swapped":
            lines[3], lines[4] = lines[4], lines[3]
        case "added":
            lines.insert(5, lines[4])
    path.write_bytes(b"".join(lines))
    with pytest.raises(AuditError, match=rf"line {line}:"):
        lives.log.verify()
    own = state_dir()
    own.mkdir(parents=True)
    (own / "audit.jsonl").write_bytes(path.read_bytes())
    assert main.run(["audit", "verify"]) != 0
    assert f"line {line}:" in capsys.readouterr().err


def test_a_dead_process_that_nobody_has_collected_yet_is_dead() -> None:
    with subprocess.Popen(["true"]) as child:
        wait_until(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
        assert process_mark(child.pid) is None
    assert process_mark(os.getpid()) is not None


async def test_a_real_agent_killed_at_work_is_shown_as_interrupted_by_the_next(tmp_path: Path) -> None:
    fill = "for i=1,300000 do redis.call('SET', 'k'..i, 'x', 'EX', 1000) end"
    with redis_server() as server:
        with server.wire() as wire:
            wire("EVAL", fill, 0)
        config = write_config(tmp_path, f'discover = false\n[sources.cache-1]\nkind = "redis"\nurl = "{server.url}"\n')
        try:
            async with attached(config) as client:
                plan = await client.plan("cleanup.expired", "cache-1", {})
                run = await client.apply(plan, "y")
                assert run.outcome is Outcome.RUNNING
                (pid,) = agent_pids()
                os.kill(pid, signal.SIGKILL)

                async def told() -> bool:
                    return [(run.plan.id, run.outcome) for run in client.state.runs] == [(plan.id, Outcome.INTERRUPTED)]

                await eventually(told, deadline=20)
        finally:
            end_agents()
    log = AuditLog(state_dir())
    assert [record["event"] for record in log.records()] == ["intent", "outcome"]
    assert log.verify() == 2
