"""When a change of a service is over, and how it ended."""

import os
from pathlib import Path

import pytest

from perftui.actions.service import identity
from perftui.actions.service.identity import identity_of, refuse_own
from perftui.actions.service.settle import ended_reload, ended_restart, ended_start, ended_stop
from perftui.connect.units import Unit
from perftui.core.errors import Refused


def unit(active: str, sub: str = "", **more: object) -> Unit:
    return Unit(name="web.service", active=active, sub=sub, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (unit("active", "running"), ""),
        (unit("activating", "start"), None),
        (unit("failed", "failed", job="17", exit="exit 3"), None),
        (unit("failed", "failed", exit="exit 3"), "it failed: exit 3"),
        (unit("activating", "auto-restart", exit="exit 3"), "it ended at once and is about to be restarted: exit 3"),
        (unit("inactive", "dead", result="success"), "it ended at once: success"),
        (unit("inactive", "dead", result="success", is_oneshot=True), ""),
        (unit("inactive", "dead", job="17"), None),
    ],
)
def test_a_start(now: Unit, end: str | None) -> None:
    assert ended_start(now) == end


def test_a_restart_is_over_when_another_run_of_it_is_up() -> None:
    ended = ended_restart(unit("active", "running", invocation="a"))
    assert ended(unit("active", "running", invocation="a")) is None
    assert ended(unit("deactivating", "stop-sigterm", invocation="a", job="17")) is None
    assert ended(unit("active", "running", invocation="b")) == ""
    assert ended(unit("failed", "failed", invocation="b", exit="exit 3")) == "it failed: exit 3"


def test_a_stop_and_a_reload() -> None:
    assert ended_stop(unit("deactivating", "stop-sigterm")) is None
    assert ended_stop(unit("inactive", "dead", job="17")) is None
    assert ended_stop(unit("failed", "failed")) == ""
    assert ended_reload(unit("reloading", "reload")) is None
    assert ended_reload(unit("active", "running", reload_failed=True)) == "its reload command failed"
    assert ended_reload(unit("failed", "failed", exit="exit 3")) == "it is failed now: exit 3"


def test_a_run_is_pinned_and_a_crash_loop_by_that_alone() -> None:
    first = identity_of("boot", unit("active", invocation="a", pid=os.getpid()), 1000.0)
    assert first["pid"].startswith(f"{os.getpid()}@")
    assert first != identity_of("boot", unit("active", invocation="b", pid=os.getpid()), 1000.0)
    assert first != identity_of("another boot", unit("active", invocation="a", pid=os.getpid()), 1000.0)
    loops = [unit("activating", "auto-restart"), unit("active", restarts=9, since=999.0, invocation="c")]
    assert len({str(identity_of("boot", each, 1000.0)) for each in loops}) == 1


@pytest.mark.parametrize(
    "group", ["/user.slice/user-7.slice/user@7.service", "/user.slice/user-7.slice/user@7.service/a"]
)
def test_what_the_agent_itself_runs_in_is_left_alone(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setattr(identity, "_own_cgroups", lambda: ["/user.slice/user-7.slice/user@7.service/a"])
    with pytest.raises(Refused, match="this agent itself runs in"):
        refuse_own(unit("active", cgroup=group), "stop")
    refuse_own(unit("active", cgroup="/user.slice/user-7.slice/user@7.service/ab"), "stop")
    refuse_own(unit("active", cgroup="/"), "stop")
    refuse_own(unit("active", cgroup=str(Path("/system.slice/web.service"))), "stop")
