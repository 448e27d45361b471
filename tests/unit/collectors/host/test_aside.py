import itertools
import threading

from perftui.collectors.host.aside import Aside
from tests.support.servers import wait_until


def test_brings_its_result_a_poll_later_and_runs_again_when_it_is_due() -> None:
    runs = itertools.count(1)
    aside = Aside(lambda: next(runs), every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.latest(1.0) == 1)
    assert aside.latest(9.0) == 1
    aside.latest(10.0)
    wait_until(lambda: aside.latest(11.0) == 2)


def test_a_hung_job_holds_one_thread_and_its_old_result_goes_away() -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    answers = iter([True, False])

    def job() -> str:
        started.release()
        if not next(answers):
            release.wait(30)
        return "fine"

    aside = Aside(job, every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.latest(1.0) == "fine")
    before = threading.active_count()
    assert aside.latest(10.0) == "fine"
    assert started.acquire(timeout=5)
    assert started.acquire(timeout=5)
    assert [aside.latest(at) for at in (20.0, 30.0, 31.0)] == ["fine", "fine", None]
    assert aside.running_for(31.0) == 21.0
    assert threading.active_count() <= before + 1
    release.set()
    wait_until(lambda: aside.running_for(32.0) == 0.0)


def test_an_error_is_kept_in_plain_words() -> None:
    def job() -> str:
        raise PermissionError(13, "Permission denied")

    aside = Aside(job, every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.error == "permission denied")
    assert aside.latest(1.0) is None
