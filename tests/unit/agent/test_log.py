"""The agent's log: what is in which file, what never is, and a disk that does not take it."""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perftui.agent.log import AGENT, ALERTS, PERFORMANCE, SOURCES, Logs, log_defects, open_logs, say, say_defect, warn
from perftui.agent.log_file import LogFile
from perftui.agent.log_format import redact
from perftui.config.secret import Secret
from tests.support.servers import wait_until

Opened = Callable[..., Logs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "perftui"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def opened(folder: Path, notes: list[str]) -> Iterator[Opened]:
    """Open the log and close it at the end of the test, if the test has not."""
    made: list[Logs] = []

    def start(**options: int) -> Logs:
        made.append(open_logs(folder, notes.append, **options))
        return made[-1]

    yield start
    for logs in made:
        logs.close()


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / f"{name}.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def events(folder: Path, name: str) -> list[str]:
    return [line["event"] for line in lines(folder, name)]


def test_each_file_has_what_belongs_there(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(PERFORMANCE, "agent", cpu_ratio=0.01)
    say(ALERTS, "alert fired", rule="cpu", attributes={"cpu": "0"})
    warn(SOURCES, "source failing", source="cache-1")
    logs.close()
    assert events(folder, "performance") == ["agent"]
    assert events(folder, "error") == ["source failing"]
    assert events(folder, "combined") == ["agent", "alert fired", "source failing"]


def test_a_line_says_when_how_bad_where_and_what(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(ALERTS, "alert fired", rule="cpu", value=0.93, missing=None, level="a level of its own")
    logs.close()
    [line] = lines(folder, "combined")
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "perftui.alerts",
        "event": "alert fired",
        "rule": "cpu",
        "value": 0.93,
        "missing": None,
        "level_": "a level of its own",
    }


def test_files_are_the_owners_alone(opened: Opened, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "combined.log").touch(mode=0o644)
    logs = opened()
    warn(AGENT, "something")
    logs.close()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2


def test_the_folder_is_made_for_the_owner_alone(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(AGENT, "something")
    logs.close()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_full_files_are_kept_for_a_while_and_lines_stay_whole(folder: Path) -> None:
    file = LogFile(folder / "combined.log", limit=2000, copies=3)
    for number in range(1000):
        file.append(b"event %d\n" % number)
    file.close()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["combined.log", "combined.log.1", "combined.log.2"]
    assert all(path.stat().st_size <= 2000 for path in folder.iterdir())
    kept = [line for name in reversed(names) for line in (folder / name).read_text().splitlines()]
    assert kept == [f"event {number}" for number in range(1000 - len(kept), 1000)]


def test_a_file_that_somebody_removed_is_made_again(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(AGENT, "first")
    wait_until(lambda: events(folder, "combined") == ["first"])
    (folder / "combined.log").unlink()
    say(AGENT, "second")
    logs.close()
    assert events(folder, "combined") == ["second"]


def test_nothing_outside_acts_on_a_terminal_that_shows_the_log(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(AGENT, "process \x1b[2J", name="a\nb\u202e", nested=["\x07", {"\x1b": "\x1b"}])
    logs.close()
    text = (folder / "combined.log").read_text()
    assert "\\u00" not in text
    assert text.count("\n") == 1
    assert lines(folder, "combined")[0]["name"] == "a␊b<U+202E>"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("redis://:s3cret@cache-1:6379/0 refused", "redis://***@cache-1:6379/0 refused"),
        ("https://ana:s3/c@ret@web-1/health", "https://***@web-1/health"),
        ("http://web-1:8080/a@b", None),
        ("https://web-1/stats?key=s3cret&x=1", "https://web-1/stats?key=***&x=1"),
        (
            "https://hooks.slack.com/services/T0/B0/a8s3cretXXXXXXXXXXXX1234",
            "https://hooks.slack.com/services/T0/B0/***",
        ),
        ("slack://xoxb/s3cret/token failed", "slack://*** failed"),
        ("password=s3cret host=db-1", "password=*** host=db-1"),
        ("CACHE1_PASSWORD='s3cret word' next", "CACHE1_PASSWORD=*** next"),
        ('{"api_key": "s3cret"}', '{"api_key": ***}'),
        ("Authorization: Basic czNjcmV0", None),
        ("sent bearer s3cret.value to it", "sent bearer *** to it"),
        ("IDENTIFIED BY 's3cret'", "IDENTIFIED BY ***"),
        ("the token s3cret00000000000000 is wrong", "the token *** is wrong"),
        ("-----BEGIN RSA PRIVATE KEY----- s3cret", "***"),
        ("eyJhbGciOiJIUzI1.s3cret.sig", "***"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(said: str, kept: str | None) -> None:
    told = redact(said)
    assert "s3c" not in told
    assert "czNj" not in told
    assert kept in (None, told)


@pytest.mark.parametrize(
    "said",
    [
        "memory of redis://cache-1:6379/0 at 93 %",
        "unknown key: intervall",
        "http://web-1:8080/health: connection refused: nothing listens there",
        "the environment has no CACHE1_PASSWORD",
        "2026-11-21T13:00:00.000Z mysql-bin.000123 at 12:30:00",
    ],
)
def test_what_is_none_stays(said: str) -> None:
    assert redact(said) == said


def test_a_secret_that_was_read_is_left_out_wherever_it_stands() -> None:
    Secret.literal("Tr0ub4dor &3").reveal()
    assert redact("WRONGPASS for 'Tr0ub4dor &3', really (Tr0ub4dor &3)") == "WRONGPASS for '***', really (***)"


def test_a_field_with_a_telling_name_is_left_out(opened: Opened, folder: Path) -> None:
    logs = opened()
    say(AGENT, "asked", password="hunter2", headers={"Authorization": "x y", "Accept": "*"})
    logs.close()
    [line] = lines(folder, "combined")
    assert (line["password"], line["headers"]) == ("***", {"Authorization": "***", "Accept": "*"})


@pytest.mark.parametrize("part", ["://", "a:", "password=", "/a1", "token ", "@", '"', "x" * 40 + "/"])
def test_no_text_takes_long_to_clean(part: str) -> None:
    started = time.process_time()
    redact((part * 2000)[:2000])
    assert time.process_time() - started < 0.25


def test_a_defect_says_where_and_no_values(opened: Opened, folder: Path) -> None:
    def broken() -> None:
        hidden = "value-of-a-local"
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("password=s3cret") from (error if hidden else None)

    logs = opened()
    try:
        broken()
    except ValueError as error:
        say_defect("polling broke", error)
    logs.close()
    [line] = lines(folder, "error")
    assert line["event"] == "polling broke"
    assert [each["error"] for each in line["defect"]] == ["ValueError: password=***", "KeyError: 'first'"]
    assert "unit/agent/test_log.py:" in line["defect"][0]["frames"][0]
    assert line["defect"][0]["frames"][-1].endswith("broken")
    assert "value-of-a-local" not in (folder / "error.log").read_text()


async def test_what_nobody_caught_in_the_loop_goes_to_the_log(
    opened: Opened, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = opened()
    loop = asyncio.get_running_loop()
    log_defects(loop)
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    logs.close()
    [line] = lines(folder, "error")
    assert line["defect"][0]["error"] == "ZeroDivisionError: division by zero"
    assert capsys.readouterr().err == ""


def test_what_libraries_warn_of_is_in_it(opened: Opened, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = opened()
    logging.getLogger("some.library").warning("deprecated %s", "thing")
    logging.getLogger("some.library").info("chatter")
    logs.close()
    assert events(folder, "error") == ["deprecated thing"]
    assert capsys.readouterr().err == ""


def test_a_record_that_cannot_be_formatted_harms_nobody(
    opened: Opened, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    logs = opened()
    AGENT.warning("%d of %d", 1)
    say(AGENT, "broken", field=Broken())
    say(AGENT, "fine")
    logs.close()
    assert [event for event in events(folder, "combined") if event != "events lost"] == ["fine"]
    assert capsys.readouterr().err == ""


class TestBadDisk:
    def test_a_folder_that_cannot_be_written_is_noted_once_and_the_log_resumes(
        self, opened: Opened, folder: Path, notes: list[str]
    ) -> None:
        folder.parent.mkdir(parents=True)
        folder.write_text("a file where the folder should be")
        logs = opened()
        for number in range(3):
            say(AGENT, f"lost {number}")
        wait_until(lambda: logs._writer._unwritten == 3)
        assert len(notes) == 1
        assert "cannot be written: " in notes[0]
        folder.unlink()
        say(AGENT, "found")
        logs.close()
        assert events(folder, "combined") == ["events lost", "found"]
        assert lines(folder, "error")[0]["unwritten"] == 3
        assert (len(notes), notes[-1]) == (2, "")

    def test_a_full_disk_is_noted_and_leaves_no_torn_line(
        self, opened: Opened, folder: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = threading.Event()
        write = os.write

        def limited(descriptor: int, data: bytes) -> int:
            return write(descriptor, data[:10] if full.is_set() else data)

        monkeypatch.setattr(os, "write", limited)
        logs = opened()
        full.set()
        say(AGENT, "torn")
        wait_until(lambda: bool(notes))
        assert notes[0].endswith("no space left on device; it goes on when it can")
        full.clear()
        say(AGENT, "whole")
        logs.close()
        assert events(folder, "combined") == ["events lost", "whole"]

    def test_a_pipe_that_nobody_reads_holds_up_nothing(self, opened: Opened, folder: Path, notes: list[str]) -> None:
        folder.mkdir(parents=True)
        os.mkfifo(folder / "combined.log")
        logs = opened()
        say(AGENT, "lost")
        logs.close()
        assert len(notes) == 1

    def test_a_link_is_not_followed(self, opened: Opened, folder: Path, notes: list[str], tmp_path: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "combined.log").symlink_to(tmp_path / "elsewhere")
        logs = opened()
        say(AGENT, "lost")
        logs.close()
        assert not (tmp_path / "elsewhere").exists()
        assert len(notes) == 1

    def test_a_disk_that_hangs_costs_records_and_no_time(
        self, opened: Opened, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reached, released = threading.Event(), threading.Event()
        monkeypatch.setattr("perftui.agent.log.QUEUE", 10)
        append = LogFile.append

        def slow(file: LogFile, data: bytes) -> None:
            reached.set()
            released.wait(10)
            append(file, data)

        monkeypatch.setattr(LogFile, "append", slow)
        logs = opened()
        say(AGENT, "event")
        assert reached.wait(10)
        for _ in range(25):
            say(AGENT, "event")
        released.set()
        logs.close()
        assert events(folder, "combined") == ["event", "events lost", *["event"] * 10]
        assert lines(folder, "error")[0]["dropped"] == 15


def test_without_a_log_nothing_is_printed(capsys: pytest.CaptureFixture[str], opened: Opened) -> None:
    opened().close()
    say(AGENT, "nobody listens")
    assert capsys.readouterr().err == ""
