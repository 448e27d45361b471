"""Who is at the other end of a Unix socket, and what they may do."""

import grp
import os
import pwd
import socket
import struct

import msgspec

from perftui.core.text import clean

GROUP = "perftui"
ADMIN = "admin"
VIEWER = "viewer"
_NO_LOGIN = 0xFFFF_FFFF
_CREDENTIALS = struct.Struct("3i")
_CLAIMS = ("SSH_CONNECTION", "SUDO_USER")


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """The process that connected: pid and uid by SO_PEERCRED, `login` the user that logged in (loginuid).

    `claimed` holds what its environment says (SSH_CONNECTION, SUDO_USER): a claim, no proof.
    """

    pid: int
    uid: int
    login: str
    role: str
    claimed: dict[str, str] = {}


def identify(link: socket.socket) -> Peer | None:
    """Return who connected, None for a stranger: neither owner, root nor in the group."""
    pid, uid, _ = _CREDENTIALS.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    role = _role(uid)
    if role is None:
        return None
    return Peer(pid=pid, uid=uid, login=_login(pid, uid), role=role, claimed=_claims(pid))


def _role(uid: int) -> str | None:
    """Return admin for the agent's owner and root, viewer for the group, None for strangers."""
    if uid in (0, os.geteuid()):
        return ADMIN
    try:
        user, group = pwd.getpwuid(uid), grp.getgrnam(GROUP)
    except KeyError:
        return None
    return VIEWER if user.pw_gid == group.gr_gid or user.pw_name in group.gr_mem else None


def user_name(uid: int) -> str:
    """Return the name of a user, or `uid 1234` without one."""
    try:
        return clean(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return f"uid {uid}"


def _login(pid: int, uid: int) -> str:
    try:
        with open(f"/proc/{pid}/loginuid") as file:
            login = int(file.read())
    except (OSError, ValueError):
        login = _NO_LOGIN
    return user_name(uid if login == _NO_LOGIN else login)


def _claims(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return {}
    found = (pair.partition(b"=") for pair in pairs)
    return {name.decode(): clean(value, 120) for name, _, value in found if name.decode("utf-8", "replace") in _CLAIMS}
