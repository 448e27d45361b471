"""What systemctl prints becomes properties, moments, amounts; what goes wrong is told in plain words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.connect import systemctl as module
from perftui.connect.journal import journal_lines
from perftui.connect.systemctl import Systemctl, amount, length, moment, parse_show, unit_name
from perftui.connect.systemd_units import DETAIL, STATE, read_units, unit_of
from perftui.connect.units import Unit, exit_words
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, Unreachable
from tests.support.stand_in_systemctl import StandIn, stand_in


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield stand_in(tmp_path, monkeypatch)


def test_blocks_are_told_apart_and_values_are_cleaned() -> None:
    output = "Id=a.service\nDescription=A=b \x1b[31m\nMemoryCurrent=[not set]\n\nId=b.service\nResult=\n"
    assert parse_show(output) == [
        {"Id": "a.service", "Description": "A=b ␛[31m", "MemoryCurrent": ""},
        {"Id": "b.service", "Result": ""},
    ]


def test_moments_amounts_and_lengths_as_systemd_prints_them() -> None:
    assert moment("Sat 2026-11-21 16:39:05 UTC") == 1795279145.0
    assert (moment(""), moment("n/a"), moment("Sat 2026-13-41 16:39:05 UTC")) == (None, None, None)
    assert (amount("536870912"), amount("infinity"), amount("")) == (536870912.0, None, None)
    assert [length(text) for text in ("500ms", "1.500000s", "1min 30s", "2s", "infinity", "")] == [
        0.5, 1.5, 90.0, 2.0, None, None,
    ]  # fmt: skip


def test_names_of_units() -> None:
    assert unit_name("nginx") == "nginx.service"
    assert unit_name("worker@3.service") == "worker@3.service"
    assert unit_name("a.timer") == "a.timer"
    for bad in ("", "*.service", "--all", "a b", "a/b", ".service", "x" * 300):
        with pytest.raises(ValueError, match="no name of a unit"):
            unit_name(bad)


def test_how_a_process_ended() -> None:
    assert exit_words(1, 137) == "exit 137 (SIGKILL, often out of memory)"
    assert exit_words(1, 3) == "exit 3"
    assert exit_words(1, 203) == "exit 203 (its program cannot be run)"
    assert exit_words(2, 9) == "killed by SIGKILL, often out of memory"
    assert exit_words(3, 11) == "killed by SIGSEGV, core dumped"
    assert exit_words(0, 0) == ""


def test_who_should_run_and_does_not() -> None:
    block = {"Id": "a.service", "ActiveState": "inactive", "UnitFileState": "enabled", "ConditionResult": "yes"}
    assert unit_of(block).up() == 0.0
    for change in (
        {"UnitFileState": "disabled"},
        {"Type": "oneshot"},
        {"TriggeredBy": "a.timer"},
        {"ConditionResult": "no"},
        {"ActiveState": "activating", "SubState": "start"},
    ):
        assert unit_of(block | change).up() is None, change
    assert unit_of(block | {"ActiveState": "failed", "Type": "oneshot"}).up() == 0.0
    assert unit_of(block | {"ActiveState": "activating", "SubState": "auto-restart"}).up() == 0.0
    assert unit_of(block | {"ActiveState": "active"}).up() == 1.0


def test_a_crash_loop_is_told_by_its_restarts() -> None:
    assert (
        Unit(name="a", active="active", restarts=3, since=100.0).crash_loop(130.0).startswith("its manager restarted")
    )
    assert Unit(name="a", active="active", restarts=3, since=100.0).crash_loop(1000.0) == ""
    assert Unit(name="a", active="active", restarts=0, since=100.0).crash_loop(101.0) == ""
    assert "again and again" in Unit(name="a", active="failed", result="start-limit-hit").crash_loop(0.0)
    assert Unit(name="a", active="failed", result="exit-code", exit="exit 3").crash_loop(0.0) == ""


async def test_units_are_read_by_pattern_and_by_name(systemd: StandIn) -> None:
    systemd.add("web.service", running=True, description="Web\x1b]0;x\x07")
    systemd.add("mail.service", "oom", running=True)
    systemd.add("worker@.service")
    names = [block["Id"] for block in await Systemctl().show(["*.service"], STATE)]
    assert sorted(names) == ["mail.service", "web.service"]
    web, mail, gone = await read_units(Systemctl(), ["web.service", "mail.service", "gone.service"])
    assert (web.active, web.exists, web.is_up, web.memory) == ("active", True, True, float(64 << 20))
    assert web.description == "Web␛]0;x␇"
    assert (mail.active, mail.result, mail.exit) == (
        "failed", "oom-kill", "killed: out of memory, killed by SIGKILL, often out of memory",
    )  # fmt: skip
    assert gone.exists is False


async def test_what_refuses_says_what_to_do(systemd: StandIn) -> None:
    systemd.add("web.service")
    systemd.fault("denied")
    with pytest.raises(Denied, match="run the agent as root, or let polkit grant it"):
        await Systemctl().verb("start", ["web.service"])
    systemd.fault("gone")
    with pytest.raises(Unreachable, match="systemd does not run on this host"):
        await Systemctl().show(["*.service"], DETAIL)


async def test_what_is_not_there_is_no_answer_to_trust(systemd: StandIn) -> None:
    with pytest.raises(BadAnswer, match=r"Unit nope\.service not found"):
        await Systemctl().verb("start", ["nope.service"])


async def test_a_systemctl_that_hangs_is_ended_with_all_it_started(
    systemd: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOW_DEADLINE", 0.3)
    systemd.fault("hangs")
    with pytest.raises(DeadlineExceeded, match="systemctl did not end within 300 ms"):
        await Systemctl().show(["*.service"], STATE)


async def test_without_systemctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="systemctl is not installed"):
        await Systemctl().show(["*.service"], STATE)


async def test_the_last_lines_of_the_journal_are_cleaned(systemd: StandIn) -> None:
    systemd.log("web.service", *(f"2026-11-21T16:39:{n:02}+0000 host web[7]: line {n}\x1b[2J" for n in range(30)))
    lines = await journal_lines("web.service", 3)
    assert [line.partition(": ")[2] for line in lines] == ["line 27␛[2J", "line 28␛[2J", "line 29␛[2J"]
    assert await journal_lines("silent.service") == ()
