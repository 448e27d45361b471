import os
import platform
import subprocess

import psutil
import pytest

from perftui.actions.process import proc
from perftui.actions.process.ioprio import CLASSES, IoPriority, get_io_priority, set_io_priority
from perftui.actions.process.proc import Process


def process(pid: int, parent: int) -> Process:
    return Process(pid, parent, "x", "S", 1, 0.0, 0, 0, 1, is_kernel=False)


def test_a_process_is_what_psutil_says() -> None:
    found, known = proc.look(os.getpid()), psutil.Process()
    assert found is not None
    assert (found.parent, found.nice, found.threads) == (known.ppid(), known.nice(), known.num_threads())
    assert found.name == known.name()[:15]
    assert proc.user_of(os.getpid()) == known.username()


def test_what_is_gone_is_none() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert proc.look(child.pid) is None
    assert proc.user_of(child.pid) == proc.service_of(child.pid) == ""


def test_a_family_is_named_parents_first_and_ancestors_are_told() -> None:
    known = {each.pid: each for each in (process(1, 0), process(5, 1), process(9, 5), process(6, 1), process(7, 9))}
    assert [each.pid for each in proc.family(5, known)] == [5, 9, 7]
    assert proc.family(77, known) == []
    assert proc.ancestors(7, known) == {9, 5, 1}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the call has other numbers there")
def test_an_io_priority_is_set_and_read_back_as_psutil_does() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            for wanted in (IoPriority("best-effort", 2), IoPriority("idle", 0)):
                set_io_priority(child.pid, wanted)
                assert get_io_priority(child.pid) == wanted
                told = psutil.Process(child.pid).ionice()
                assert (CLASSES[int(told.ioclass)], int(told.value)) == wanted
        finally:
            child.kill()
    with pytest.raises(ProcessLookupError):
        get_io_priority(child.pid)
