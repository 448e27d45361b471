"""The `system` collector on the host that runs the tests, held against psutil and against what the test does."""

import asyncio
import pwd
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from perftui.collectors.host.processes import COLUMNS, MAX_ROWS
from perftui.collectors.system import SystemCollector
from perftui.config.kinds import SystemOptions
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import SystemClock
from perftui.core.metric import Kind
from perftui.core.reading import Cell, Reading
from perftui.core.text import clean
from tests.support.servers import eventually, wait_until
from tests.unit.collectors.host.tree import descriptors, values

pytestmark = pytest.mark.integration


@pytest.fixture
async def system() -> AsyncIterator[SystemCollector]:
    """A collector that has polled once, so that the next poll has rates."""
    collector = SystemCollector("host", SystemOptions(), SystemClock())
    await collector.open()
    await collector.poll()
    yield collector
    await collector.close()


def processes(reading: Reading) -> dict[int, dict[str, Cell]]:
    named = [dict(zip(COLUMNS, row, strict=True)) for row in reading.tables["processes"].rows]
    return {int(row["pid"] or 0): row for row in named}


async def test_every_sample_is_in_the_catalogue_and_sane(system: SystemCollector) -> None:
    await asyncio.sleep(0.3)
    reading = await system.poll()
    for sample in reading.samples:
        metric = CATALOGUE[sample.metric]
        assert sample.value >= 0, sample
        assert metric.kind is not Kind.RATIO or sample.value <= 1, sample
    shown = values(reading)
    assert 0 <= shown["system.cpu.utilization",] <= 1
    assert shown["system.memory.usage",] < shown["system.memory.limit",] < 1e15
    assert shown["system.uptime",] > 1
    assert "/" in {key[-1] for key in shown if key[0] == "system.filesystem.utilization"}
    assert len({(each.metric, each.attributes) for each in reading.samples}) == len(reading.samples)


async def test_aggregates_agree_with_psutil(system: SystemCollector) -> None:
    shown = values(await system.poll())
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    assert shown["system.memory.host.limit",] == memory.total
    assert shown["system.memory.host.usage",] == pytest.approx(memory.total - memory.available, rel=0.2)
    assert shown["system.paging.limit",] == swap.total
    assert shown["system.cpu.logical.count",] == psutil.cpu_count()
    assert shown["system.uptime",] == pytest.approx(time.time() - psutil.boot_time(), abs=3)


async def test_the_process_table_agrees_with_psutil(system: SystemCollector) -> None:
    async def all_words() -> bool:
        return all(row["user"] is not None for row in processes(await system.poll()).values())

    await eventually(all_words)
    reading = await system.poll()
    shown = processes(reading)
    assert values(reading)["system.processes.count",] == pytest.approx(len(psutil.pids()), abs=10)
    compared = sum(agrees(pid, row) for pid, row in shown.items())
    assert compared >= min(len(shown), MAX_ROWS) * 0.8


def agrees(pid: int, row: dict[str, Cell]) -> bool:
    """Return whether process `pid` could be compared: it lives still; what never changes must be equal."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            name, created, command = process.name(), process.create_time(), process.cmdline()
            threads, resident, user = process.num_threads(), process.memory_info().rss, process.uids().effective
    except psutil.NoSuchProcess:
        return False
    if abs(created - float(row["start"] or 0)) > 1:
        return False
    # A kernel worker's name follows its work.
    assert str(row["name"])[:15] == name[:15] or name.startswith("kworker/")
    assert str(row["command"] or "").split()[:3] == clean(" ".join(command), 200).split()[:3]
    assert row["user"] in (pwd.getpwuid(user).pw_name, str(user))
    assert row["nice"] == process.nice()
    assert row["threads"] == pytest.approx(threads, abs=20)
    assert row["memory"] == pytest.approx(resident, rel=0.5, abs=64 << 20)
    return True


async def test_a_busy_process_rises_to_the_top_and_one_that_ended_is_gone(system: SystemCollector) -> None:
    burner = await asyncio.create_subprocess_exec("/bin/sh", "-c", "while :; do :; done")
    try:

        async def is_seen() -> bool:
            row = processes(await system.poll()).get(burner.pid)
            return row is not None and float(row["cpu"] or 0) > 0.2 and row["command"] is not None

        await eventually(is_seen, every=0.2)
    finally:
        burner.kill()
        await burner.wait()
    assert burner.pid not in processes(await system.poll())


async def test_closing_leaves_no_descriptor() -> None:
    before = descriptors()
    collector = SystemCollector("host", SystemOptions(), SystemClock())
    await collector.poll()
    assert descriptors() > before
    await collector.close()
    wait_until(lambda: descriptors() == before)  # a thread may have been in the middle of one
