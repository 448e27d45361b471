"""A stand-in for systemd's `systemctl` and `journalctl`, for hosts where no systemd runs; it is not systemd.

Tests put it first in PATH. Its state is a JSON file; each call reads the clock, so that what takes time takes it
between two calls. It prints what systemd 252 prints for the few verbs that perftui uses (what of that
is recalled, connect/systemctl.py says).

A unit is `{"behaviour": …, "file": "enabled", …}`; behaviours of a start: `runs`, `fails` (exit 3), `killed` (by KILL,
2 s after its start), `oom`, `slow` (activating for `takes` seconds), `hangs` (activating for ever), `crash-loops` (ends
each 0.2 s and is restarted), `stubborn` (runs, and takes `takes` seconds to stop), `oneshot`.
"""

import fcntl
import fnmatch
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # run with -S it finds nothing but the standard library
    import pytest

State = dict[str, Any]
LOOP = 0.2
DENIED = "Interactive authentication required."


class StandIn:
    """The stand-in as a test sees it: its units, what was asked of it, and how it may go wrong."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "systemd.json"
        self._file.write_text(json.dumps({"units": {}, "calls": [], "logs": {}, "fault": ""}))

    def add(self, name: str, behaviour: str = "runs", *, running: bool = False, **more: Any) -> None:
        """Add a unit; a template such as `worker@.service` makes its instances."""
        with self.state() as state:
            unit = state["units"][name] = {"behaviour": behaviour, "file": "enabled", "at": 0.0, "do": "", **more}
            if running:
                _begin(unit, "start")
                unit["at"] -= 3600.0

    def change(self, name: str, **more: Any) -> None:
        """Change what a unit is."""
        with self.state() as state:
            state["units"][name].update(more)

    def do(self, verb: str, name: str) -> None:
        """Let somebody else do it."""
        with self.state() as state:
            _begin(_unit(state, name), verb)

    def log(self, name: str, *lines: str) -> None:
        """Let a unit have written these lines."""
        with self.state() as state:
            state["logs"][name] = list(lines)

    def fault(self, kind: str) -> None:
        """From now on: `denied` (verbs are refused), `hangs` (no call ends), `gone` (no systemd), or empty."""
        with self.state() as state:
            state["fault"] = kind

    @property
    def changes(self) -> list[str]:
        """The calls that change something, in order."""
        return [call for call in json.loads(self._file.read_text())["calls"] if not call.startswith("show")]

    def active(self, name: str) -> str:
        """Return the ActiveState of a unit now."""
        with self.state() as state:
            return str(_properties(name, _unit(state, name))["ActiveState"])

    @contextmanager
    def state(self) -> Iterator[State]:
        """Hold the state, and write it back at the end."""
        with locked(self._file) as state:
            yield state


def stand_in(folder: Path, monkeypatch: "pytest.MonkeyPatch") -> StandIn:
    """Put the stand-in first in PATH, for this test."""
    programs = folder / "stand-in"
    programs.mkdir()
    for name in ("systemctl", "journalctl"):
        words = [sys.executable, "-I", "-S", __file__, name, str(folder / "systemd.json")]
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return StandIn(folder)


@contextmanager
def locked(file: Path) -> Iterator[State]:
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state: State = json.loads(file.read_text())
        yield state
        file.write_text(json.dumps(state))


def _unit(state: State, name: str) -> State | None:
    """Return a unit, or the instance of a template, made when it is first asked for."""
    units = state["units"]
    if name not in units and "@" in name:
        template = units.get(f"{name.partition('@')[0]}@.service")
        if template is not None:
            number = name.partition("@")[2].removesuffix(".service")
            units[name] = {**template, "behaviour": template.get("each", {}).get(number, template["behaviour"])}
            units[name]["file"] = "disabled"
    found: State | None = units.get(name)
    return found


def _begin(unit: State | None, verb: str) -> None:
    assert unit is not None
    unit["invocation"] = unit.get("invocation", 0) + (verb in ("start", "restart"))
    unit["was"], unit["do"], unit["at"] = unit["do"], "start" if verb == "restart" else verb, time.time()


def _properties(name: str, unit: State | None) -> dict[str, object]:
    """Return what `show` knows of a unit now."""
    if unit is None:
        return {"Id": name, "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "CanStart": "no"}
    now, since = time.time(), unit["at"]
    passed = now - since
    found: dict[str, object] = {
        "Id": name,
        "LoadState": "masked" if unit["file"] == "masked" else "loaded",
        "UnitFileState": unit["file"],
        "Type": "oneshot" if unit["behaviour"] == "oneshot" else "simple",
        "Description": unit.get("description", f"The {name} service"),
        "CanStart": "yes",
        "CanStop": "yes",
        "CanReload": "yes" if unit.get("reload") else "no",
        "RefuseManualStart": "no",
        "RefuseManualStop": "no",
        "ReloadResult": unit.get("reload_result", "success"),
        "ConditionResult": "yes" if since else "no",
        "NRestarts": 0,
        "Result": "success",
        "ExecMainCode": 0,
        "ExecMainStatus": 0,
        "MainPID": 0,
        "Job": "",
        "TriggeredBy": "",
        "RequiredBy": unit.get("required_by", "multi-user.target"),
        "ConsistsOf": "",
        "BoundBy": "",
        "ControlGroup": f"/system.slice/{name}",
        "MemoryCurrent": "[not set]",
        "CPUUsageNSec": "[not set]",
        "TasksCurrent": "[not set]",
        "MemoryMax": unit.get("MemoryMax", "infinity"),
        "CPUQuotaPerSecUSec": _per_second(unit.get("CPUQuota", "")),
        "InvocationID": f"{unit.get('invocation', 0):032x}" if unit.get("invocation") else "",
        "StateChangeTimestamp": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(since)) if since else "",
        **_state(unit, passed),
    }
    if found["MainPID"]:
        found |= {"MemoryCurrent": unit.get("memory", 64 << 20), "TasksCurrent": 3}
        found["CPUUsageNSec"] = int(passed * 1e9 * unit.get("cpu", 0.5))
    found.update(unit.get("properties", {}))
    return found


def _state(unit: State, passed: float) -> dict[str, object]:
    """Return what follows from what was done last, and when."""
    behaviour, takes = unit["behaviour"], unit.get("takes", 2.0)
    dead: dict[str, object] = {"ActiveState": "inactive", "SubState": "dead"}
    pid = 4_100_000 + unit.get("invocation", 0)
    running = {"ActiveState": "active", "SubState": "running", "MainPID": pid}
    if unit["do"] == "stop":
        if behaviour == "stubborn" and passed < takes:
            return {"ActiveState": "deactivating", "SubState": "stop-sigterm", "MainPID": pid, "Job": 17}
        return dead
    if unit["do"] != "start":
        return dead
    failed = {"ActiveState": "failed", "SubState": "failed"}
    match behaviour:
        case "fails":
            return failed | {"Result": "exit-code", "ExecMainCode": 1, "ExecMainStatus": 3}
        case "oom":
            return failed | {"Result": "oom-kill", "ExecMainCode": 2, "ExecMainStatus": 9}
        case "killed":
            return running if passed < 2.0 else failed | {"Result": "signal", "ExecMainCode": 2, "ExecMainStatus": 9}
        case "slow" | "hangs":
            if behaviour == "hangs" or passed < takes:
                return {"ActiveState": "activating", "SubState": "start", "Job": 17, "MainPID": pid}
            return running
        case "crash-loops":
            turns = int(passed / LOOP)
            ended = {"NRestarts": turns, "Result": "exit-code", "ExecMainCode": 1, "ExecMainStatus": 137}
            return {"ActiveState": "activating", "SubState": "auto-restart", **ended}
        case "oneshot":
            return dead | {"ExecMainCode": 1}
    return running


def _per_second(quota: str) -> str:
    if not quota:
        return "infinity"
    microseconds = round(float(quota.removesuffix("%")) * 10_000)
    whole, rest = divmod(microseconds, 1_000_000)
    if not whole:
        return f"{microseconds // 1000}ms"
    return f"{whole}.{rest:06}s" if rest else f"{whole}s"


def _systemctl(state: State, words: list[str]) -> int:
    options = [word for word in words if word.startswith("--") and word != "--"]
    verb, *names = [word for word in words if not word.startswith("--")]
    state["calls"].append(" ".join(word for word in words if word not in ("--no-ask-password", "--no-pager", "--")))
    state["calls"][-1] = state["calls"][-1].removeprefix(" ")
    if verb == "show":
        wanted = next(option.partition("=")[2].split(",") for option in options if option.startswith("--property="))
        _show(state, names, wanted)
        return 0
    if state["fault"] == "denied":
        print(f"Failed to {verb} {names[0]}: {DENIED}", file=sys.stderr)
        return 1
    targets = names[:1] if verb == "set-property" else names
    for name in targets:
        if _unit(state, name) is None:
            print(f"Failed to {verb} {name}: Unit {name} not found.", file=sys.stderr)
            return 5
    if verb == "set-property":
        for pair in names[1:]:
            key, _, value = pair.partition("=")
            state["units"][names[0]][key] = value
        return 0
    for name in targets:
        if verb in ("start", "stop", "restart"):
            is_running = _properties(name, _unit(state, name))["ActiveState"] == "active"
            if not (verb == "start" and is_running):
                _begin(_unit(state, name), verb)
        elif verb == "reload" and _properties(name, _unit(state, name))["CanReload"] != "yes":
            print(f"Failed to reload {name}: Job type reload is not applicable for unit {name}.", file=sys.stderr)
            return 3
    return 0


def _show(state: State, names: list[str], wanted: list[str]) -> None:
    found = []
    for name in names:
        if any(sign in name for sign in "*?["):
            known = [unit for unit in state["units"] if "@." not in unit]
            found += [(unit, state["units"][unit]) for unit in known if fnmatch.fnmatchcase(unit, name)]
        else:
            found.append((name, _unit(state, name)))
    blocks = []
    for name, unit in found:
        properties = _properties(name, unit)
        blocks.append("\n".join(f"{key}={properties[key]}" for key in wanted if key in properties))
    print("\n\n".join(blocks))


def _journalctl(state: State, words: list[str]) -> int:
    unit = next(word.partition("=")[2] for word in words if word.startswith("--unit="))
    for line in state["logs"].get(unit, []):
        print(line)
    return 0


def main() -> int:
    _, program, file, *words = sys.argv
    with locked(Path(file)) as state:
        fault = state["fault"]
        if fault not in ("hangs", "gone"):
            return (_systemctl if program == "systemctl" else _journalctl)(state, words)
    if fault == "hangs":
        time.sleep(600)
    print("System has not been booted with systemd as init system (PID 1). Can't operate.", file=sys.stderr)
    print("Failed to connect to bus: Host is down", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
