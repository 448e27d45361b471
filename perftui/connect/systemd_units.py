"""Units out of the properties that `systemctl show` gives; the names are those of org.freedesktop.systemd1(5).

ReloadResult, TriggeredBy and ConsistsOf are in that page of systemd 252; older ones leave out what they do not know.
"""

from collections.abc import Sequence

from perftui.connect.systemctl import Properties, Systemctl, amount, moment
from perftui.connect.units import Unit, exit_words

STATE = (
    "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "Type", "Result", "ExecMainCode", "ExecMainStatus",
    "NRestarts", "StateChangeTimestamp", "MainPID", "MemoryCurrent", "CPUUsageNSec", "TasksCurrent", "Description",
    "CanReload", "TriggeredBy", "ConditionResult",
)  # fmt: skip
"""What a poll needs."""
DETAIL = (
    *STATE, "CanStart", "CanStop", "RefuseManualStart", "RefuseManualStop", "Job", "InvocationID", "ControlGroup",
    "ReloadResult", "RequiredBy", "BoundBy", "ConsistsOf",
)  # fmt: skip
"""What an action needs."""
_RESULTS = {
    "oom-kill": "killed: out of memory",
    "timeout": "it took too long",
    "watchdog": "its watchdog was not fed in time",
    "protocol": "it did not report as its type demands",
    "resources": "the system refused it resources",
    "start-limit-hit": "started too often in too short a time",
    "exec-condition": "its condition was not met",
}


async def read_units(systemctl: Systemctl, names: Sequence[str]) -> list[Unit]:
    """Return units with all that actions need. Raises SourceError."""
    return [unit_of(block) for block in await systemctl.show(names, DETAIL)]


def unit_of(block: Properties) -> Unit:
    """Return the unit of one block."""
    get = block.get
    enabled, kind = get("UnitFileState", ""), get("Type", "")
    starts_itself = kind != "oneshot" and not get("TriggeredBy") and get("ConditionResult", "yes") != "no"
    return Unit(
        name=get("Id", ""),
        active=get("ActiveState", ""),
        sub=get("SubState", ""),
        exists=get("LoadState") != "not-found",
        masked=get("LoadState") == "masked",
        result=get("Result", ""),
        exit=_exit(block),
        restarts=_whole(get("NRestarts", "")),
        since=moment(get("StateChangeTimestamp", "")),
        pid=_whole(get("MainPID", "")) or None,
        memory=amount(get("MemoryCurrent", "")),
        cpu=None if (used := amount(get("CPUUsageNSec", ""))) is None else used / 1e9,
        tasks=_whole(get("TasksCurrent", "")),
        description=get("Description", ""),
        enabled=enabled,
        wanted=enabled in ("enabled", "enabled-runtime") and starts_itself,
        is_oneshot=kind == "oneshot",
        can_start=get("CanStart") != "no" and get("RefuseManualStart") != "yes",
        can_stop=get("CanStop") != "no" and get("RefuseManualStop") != "yes",
        can_reload=get("CanReload") == "yes",
        reload_failed=get("ReloadResult", "success") not in ("", "success"),
        job=get("Job", "").removeprefix("0"),
        invocation=get("InvocationID", ""),
        cgroup=get("ControlGroup", ""),
        takes_along=_takes_along(block),
    )


def _exit(block: Properties) -> str:
    code, status = _whole(block.get("ExecMainCode", "")) or 0, _whole(block.get("ExecMainStatus", "")) or 0
    result = block.get("Result", "")
    how = exit_words(code, status)
    why = _RESULTS.get(result, "")
    if result in ("", "success") and code == 1 and status == 0:
        return ""
    return f"{why}, {how}" if why and how and how != "exit 0" else why or how


def _takes_along(block: Properties) -> tuple[str, ...]:
    names = [name for each in ("RequiredBy", "BoundBy", "ConsistsOf") for name in block.get(each, "").split()]
    return tuple(dict.fromkeys(name for name in names if not name.endswith(".target")))


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
