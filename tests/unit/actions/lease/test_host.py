"""The lease of this host is of the thing, whatever its sources are called, and nobody but root keeps root off."""

import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest

from perftui.actions.lease import host
from perftui.actions.lease.host import host_lease
from perftui.config.kinds import KINDS, Options, SupervisorOptions, SystemdOptions, SystemOptions
from perftui.config.settings import SourceSettings
from perftui.core.errors import Refused

NOBODY = 65534


class Forgetful(set[str]):
    """Knows nothing of what this process holds."""

    def __contains__(self, _: object) -> bool:
        return False


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two holders in this process stand for two agents."""
    monkeypatch.setattr(host, "_OURS", Forgetful())


def source_of(options: Options, name: str = "there") -> SourceSettings:
    kind = next(kind for kind, each in KINDS.items() if isinstance(options, each))
    return SourceSettings(name=name, kind=kind, options=options)


HOST = source_of(SystemOptions())


@contextmanager
def squatter(backlog: int | None) -> Iterator[None]:
    """Take the name of this host as another user than root; None: without listening, 0: its backlog is full."""
    with socket.socket(socket.AF_UNIX) as taken, socket.socket(socket.AF_UNIX) as first:
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            taken.bind(host._name(HOST))
            if backlog is not None:
                taken.listen(backlog)
        finally:
            if is_root:
                os.seteuid(0)
        if backlog == 0:
            first.connect(host._name(HOST))
        yield


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SystemOptions(), SystemOptions(processes=False)),
        (SystemdOptions(), SystemdOptions(units=("web.service",))),
        (SystemdOptions(scope="user"), SystemdOptions(scope="user")),
        (SupervisorOptions(url="unix:///tmp/s.sock"), SupervisorOptions(url="unix:///tmp/../tmp/s.sock")),
        (SupervisorOptions(url="http://localhost:9001"), SupervisorOptions(url="http://127.0.0.1:9001/RPC2")),
    ],
)
async def test_two_names_of_one_thing_are_one_lease(first: Options, second: Options) -> None:
    async with host_lease(source_of(first, "web-3")) as lease:
        assert lease.note == ""
        with pytest.raises(Refused, match=rf"\(pid {os.getpid()}\) of uid {os.getuid()} holds another"):
            await host_lease(source_of(second, "another")).__aenter__()


@pytest.mark.usefixtures("strangers")
async def test_different_things_are_held_apart() -> None:
    urls = ("unix:///tmp/a.sock", "unix:///tmp/b.sock", "http://127.0.0.1:9001", "http://127.0.0.1:9002")
    systemds = (SystemdOptions(), SystemdOptions(scope="user"))
    things: list[Options] = [SystemOptions(), *systemds, *(SupervisorOptions(url=url) for url in urls)]
    async with AsyncExitStack() as stack:
        for each in things:
            assert (await stack.enter_async_context(host_lease(source_of(each)))).note == ""


async def test_one_agent_with_two_names_of_its_host_does_not_refuse_itself() -> None:
    async with host_lease(HOST), host_lease(HOST) as second:
        assert "this agent holds the same server already" in second.note
    async with host_lease(HOST) as again:
        assert again.note == ""


@pytest.mark.parametrize("backlog", [None, 0, 5])
async def test_another_user_who_took_the_name_keeps_users_off_and_not_root(
    monkeypatch: pytest.MonkeyPatch, backlog: int | None
) -> None:
    with squatter(backlog):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(Refused, match="holds there"):
            await host_lease(HOST).__aenter__()
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        async with host_lease(HOST) as lease:
            assert lease.note.startswith("no lease: ")
            assert lease.note.endswith("has taken the name of there, and only root's would keep root off")


async def test_without_descriptors_or_rights_nobody_is_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    lowest = os.dup(0)
    os.close(lowest)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        async with host_lease(HOST) as lease:
            assert lease.note.startswith("no lease: the name of there cannot be taken (too many open files)")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def forbidden(_: socket.socket, name: str) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    async with host_lease(HOST) as lease:
        assert lease.note.startswith("no lease: the name of there cannot be taken (operation not permitted)")
