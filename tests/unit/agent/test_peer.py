import grp
import os
import pwd
import socket
from collections.abc import Callable

import pytest

from perftui.agent import peer


def user(gid: int, name: str = "anna") -> Callable[[int], pwd.struct_passwd]:
    return lambda uid: pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh"))


def group(*members: str) -> Callable[[str], grp.struct_group]:
    return lambda name: grp.struct_group((name, "x", 42, list(members)))


def test_whoever_connects_is_known_by_the_kernel() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = peer.identify(ours)
    assert found is not None
    assert (found.pid, found.uid, found.role) == (os.getpid(), os.getuid(), peer.ADMIN)


@pytest.mark.parametrize(
    ("gid", "members", "role"), [(42, (), peer.VIEWER), (7, ("anna",), peer.VIEWER), (7, ("bert",), None)]
)
def test_the_group_may_look_and_a_stranger_may_not(
    monkeypatch: pytest.MonkeyPatch, gid: int, members: tuple[str, ...], role: str | None
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", user(gid))
    monkeypatch.setattr(grp, "getgrnam", group(*members))
    assert peer._role(54_321) == role


def test_root_is_admin() -> None:
    assert peer._role(0) == peer.ADMIN


def test_what_the_environment_says_is_a_claim_and_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(
        "builtins.open", lambda *_args, **_kwargs: __import__("io").BytesIO(b"SUDO_USER=eve\x1b[31m\0PASSWORD=x\0")
    )
    with ours, theirs:
        assert peer._claims(1) == {"SUDO_USER": "eve␛[31m"}
