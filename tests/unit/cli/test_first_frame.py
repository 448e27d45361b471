"""The early frame: figures that agree with psutil's, lines that fit, text that stays text."""

import os
import time

import psutil
import pytest

from perftui.cli.frame_paint import Line, Painter, bar, box, cells, fit
from perftui.cli.frame_processes import Process, Processes, top
from perftui.cli.frame_rows import overview, process_rows, rescue, system_rows
from perftui.cli.frame_sample import Disk, Host, Sample

GIB = 1024.0**3
SAMPLE = Sample(
    wall=1_700_000_000.0,
    uptime=3_600_000.0,
    load=(3.2, 2.8, 2.1),
    cpu=0.64,
    steal=0.004,
    waiting=0.0,
    cores=[0.71, 0.58, None, 0.6],
    memory={"MemTotal": 32 * GIB, "MemAvailable": 2 * GIB, "SwapTotal": 0.0, "SwapFree": 0.0, "Cached": 3 * GIB},
    pressure={"cpu": 0.08, "io": 0.012},
    devices=[],
    disks=[Disk("/var/lib", 0.85, 5 * GIB, 0.95)],
    links=[],
)
HOSTILE = Process(7, "evil\x1b]0;owned\x07\x1b[2J", "D", 1 << 20, 0.5)


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


@pytest.mark.parametrize(("columns", "rows"), [(160, 45), (120, 40), (80, 24), (60, 20), (40, 12), (20, 5)])
def test_both_screens_fit_every_size(columns: int, rows: int) -> None:
    for lines in (
        overview(SAMPLE, [HOSTILE], "starting…", columns, rows),
        rescue(SAMPLE, [HOSTILE], columns, rows, by_memory=False),
    ):
        assert len(lines) <= rows
        assert max(cells(text(line)) for line in lines[:-1]) <= columns


def test_why_the_console_is_not_there_is_always_shown() -> None:
    for columns, rows in ((160, 45), (80, 24), (60, 20)):
        shown = [text(line) for line in overview(SAMPLE, [], "the agent cannot be started: no room", columns, rows)]
        assert any("the agent cannot be started: no room" in line for line in shown)


def test_levels_are_told_by_a_mark_and_missing_is_no_zero() -> None:
    rows = [text(row) for row in system_rows(SAMPLE, 80)]
    assert "64 %" in rows[0]
    assert "✖" not in rows[0]
    assert "71 58 – 60" in rows[1]
    assert "94 % ✖" in rows[2]
    assert "dirty –" in rows[3]
    assert "85 % ▲ inodes 95 %" in rows[4]
    assert "memory" not in rows[-1]


@pytest.mark.parametrize("no_colour", ["", "1"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_no_control_of_others_reaches_the_terminal(
    no_colour: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_colour)
    painter = Painter(encoding)
    painted = b"".join(painter.paint(row) for row in process_rows([HOSTILE], 5, by_memory=True))
    assert b"\x07" not in painted
    assert b"\x1b]" not in painted
    assert b"\x1b[2J" not in painted
    assert (b"\x1b[33m" in painted) is not bool(no_colour)
    assert encoding == "utf-8" or painted.isascii()


def test_the_frame_comes_in_one_piece_and_blank_cells_are_skipped() -> None:
    painter = Painter("utf-8")
    frame = [painter.paint(line) for line in overview(SAMPLE, [], "starting…", 160, 45)]
    assert sum(len(line) + len("\x1b[45;1H\x1b[2K") for line in frame if line) < 4000  # what a pseudo-terminal takes
    line: Line = [("a", "dim"), ("b", "dim"), (" " * 20, "text"), ("c", "ok"), ("d", "text")]
    assert painter.paint(line) == b"\x1b[2mab\x1b[20C\x1b[0;32mc\x1b[md"


def test_ascii_takes_the_same_cells() -> None:
    line = [*bar(0.53, 20, "ok"), ("│─┌┐└┘●▲✖…–↑↓·", "text")]
    assert len(Painter("utf-8", ascii_only=True).paint([(text(line), "text")])) == cells(text(line))


def test_lines_are_cut_and_padded_by_columns_not_characters() -> None:
    assert text(fit([("数据库", "text"), ("x", "dim")], 5)) == "数据x"
    assert cells(text(fit([("数据库", "text")], 10))) == 10
    assert all(cells(text(line)) == 30 for line in box("Title", "note", [[("数" * 40, "text")]], 30, 4))


def test_bars_stay_in_their_columns() -> None:
    for share in (None, 0.0, 0.499, 0.999, 1.0, 7.0, -1.0):
        assert len(text(bar(share, 12, "ok"))) == 12


def test_the_host_agrees_with_psutil() -> None:
    host = Host()
    first, memory = host.sample(), psutil.virtual_memory()
    assert first.cpu is None
    assert first.cores == [None] * (psutil.cpu_count() or 0)
    assert first.memory_used == pytest.approx((memory.total - memory.available) / memory.total, abs=0.02)
    root = next(disk for disk in first.disks if disk.mount == "/")
    assert root.used == pytest.approx(psutil.disk_usage("/").percent / 100, abs=0.01)
    deadline = time.monotonic() + 5
    while (second := host.sample()).cpu is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert second.cpu is not None
    assert 0.0 <= second.cpu <= 1.0


def test_processes_know_themselves_and_their_cpu_at_the_second_look() -> None:
    processes = Processes()
    mine = next(each for each in processes.look() if each.pid == os.getpid())
    assert mine.cpu is None
    assert mine.resident == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    again = next(each for each in processes.look() if each.pid == os.getpid())
    assert again.cpu is not None
    assert again.cpu > 0


def test_order_by_cpu_and_by_memory() -> None:
    busy, big = Process(1, "busy", "R", 10, 0.9), Process(2, "big", "S", 99, 0.1)
    assert top([big, busy], 1, by_memory=False) == [busy]
    assert top([big, busy], 1, by_memory=True) == [big]
    new = [Process(1, "a", "S", 10, None), Process(2, "b", "S", 99, None)]
    assert top(new, 1, by_memory=False) == [new[1]]
