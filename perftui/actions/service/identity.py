"""What pins a service between its preview and its change, and which are touched with care."""

import os
from pathlib import Path

from perftui.actions.service.manager import Manager
from perftui.connect.units import Unit
from perftui.core.errors import Refused

LIFELINES = ("ssh.service", "sshd.service", "networking.service", "NetworkManager.service", "wpa_supplicant.service")
FOUNDATIONS = ("dbus.service", "dbus-broker.service", "polkit.service", "init.scope")


def identity_of(home: str, unit: Unit, now: float) -> dict[str, str]:
    """Return what tells this run of a unit from any other; what crashes again and again is pinned by that alone."""
    pinned = {"manager": home, "unit": unit.name}
    if unit.crash_loop(now):
        return pinned | {"state": "crashes again and again"}
    return pinned | {"state": unit.active, "invocation": unit.invocation, "pid": _process(unit.pid)}


def _process(pid: int | None) -> str:
    """Return pid and start time, which no other process has."""
    if not pid:
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return str(pid)
    return f"{pid}@{fields[19]}"


def care(unit: Unit) -> str:
    """Return why a stop or restart of this unit could cut the branch that one sits on; empty for all others."""
    if unit.name in LIFELINES:
        return "this host may be out of reach without it"
    if unit.name in FOUNDATIONS or unit.name.startswith(("systemd-", "user@", "session-")):
        return "systemd and logins depend on it"
    return ""


def refuse_own(unit: Unit, verb: str) -> None:
    """Refuse to stop or restart what this agent itself runs in: nobody would be left to tell how it ended."""
    group = unit.cgroup.rstrip("/")
    if unit.pid == os.getpid() or (group and any(f"{own}/".startswith(f"{group}/") for own in _own_cgroups())):
        raise Refused("target", f"this agent itself runs in {unit.name}", f"{verb} it by hand")


def _own_cgroups() -> list[str]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    return [line.split(":", 2)[2] for line in lines if line.count(":") >= 2]


async def read_identity(manager: Manager, name: str, now: float) -> dict[str, str]:
    """Return the identity of a unit, read afresh. Raises SourceError."""
    unit = await manager.one(name)
    return identity_of(await manager.home(), unit, now)
