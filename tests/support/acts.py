"""Services and actions made up for tests: units of systemd in all states, runs, and what the audit log says."""

from perftui.client.state import State
from perftui.core.action import AuditRow, Line, Outcome, Plan, Proof, Risk, Run, Undo
from perftui.core.reading import Table
from tests.support import states

UNITS = Table(
    columns=("unit", "active", "sub", "result", "exit", "restarts", "since", "pid", "memory", "cpu", "tasks",
             "description"),
    rows=(
        ("nginx.service", "active", "running", "success", "", 0, states.WALL - 9000, 811, 41e6, 0.02, 5, "web server"),
        ("worker@1.service", "failed", "failed", "exit-code", "exit 137", 4, states.WALL - 174, None, None, None, None,
         "worker of webhook"),
        ("backup.service", "inactive", "dead", "success", "", 0, states.WALL - 80_000, None, None, None, None, ""),
        ("app.service", "activating", "auto-restart", "exit-code", "exit 1", 12, states.WALL - 3, None, None, None, 1,
         "the shop \x1b[2J".replace("\x1b", "␛")),
    ),
)  # fmt: skip


def with_services(state: State) -> State:
    """Return the state with a systemd source and its units."""
    states.add(state, "systemd", "systemd", (states.sample("service.failed", 1.0),))
    state.tables["systemd", "units"] = UNITS
    return state


def plan(id: str = "p1", title: str = "restart worker@1.service", **more: object) -> Plan:
    fixed = {
        "id": id,
        "action": "service.restart",
        "title": title,
        "target": "systemd",
        "subject": "worker@1.service",
        "digest": "d",
        "expires": 1e12,
        "risk": Risk.MEDIUM,
        "reversible": False,
        "confirm": "y",
        "command": "systemctl restart worker@1.service",
    }
    return Plan(**(fixed | more))  # type: ignore[arg-type]


def run(**more: object) -> Run:
    fixed = {"plan": plan(), "started": states.WALL - 12, "who": "ada", "fraction": 0.4, "message": "waiting for it"}
    return Run(**(fixed | more))  # type: ignore[arg-type]


def audited(id: str, ago: float, **more: object) -> AuditRow:
    fixed = {
        "plan": id,
        "at": states.WALL - ago,
        "done": states.WALL - ago + 3,
        "action": "cleanup.expired",
        "target": "cache-2",
        "title": "free expired keys on cache-2",
        "key": "c",
        "who": "bob",
        "outcome": "succeeded",
        "proof": "recovered",
        "message": "5,700 expired keys freed, 1.2 MiB",
    }
    return AuditRow(**(fixed | more))  # type: ignore[arg-type]


def with_actions(state: State) -> State:
    """Return the state with an action that runs, one that can be taken back, and older ones out of the audit log."""
    undo = Undo(action="cache.tune", params={"maxmemory": "4GiB"}, title="set maxmemory back to 4 GiB")
    tuned = plan("p2", "raise maxmemory of cache-2 to 6 GiB", action="cache.tune", target="cache-2", subject="")
    done = {
        "outcome": Outcome.SUCCEEDED,
        "proof": Proof.RECOVERED,
        "done": states.WALL - 300,
        "ended": states.WALL - 270,
    }
    state.runs = (
        run(),
        run(plan=tuned, started=states.WALL - 301, message="maxmemory 4 → 6 GiB", undo=undo, fraction=1.0,
            lines=(Line("maxmemory", "4 GiB", "6 GiB"),), reason="ticket 7", **done),
    )  # fmt: skip
    state.audit = (
        audited("p2", 301, action="cache.tune", key="o", title="raise maxmemory of cache-2 to 6 GiB"),
        audited("p3", 620),
        audited("p4", 5000, outcome="failed", proof="unknown", message="broke off: connection refused"),
        audited("p5", 200_000, outcome="interrupted", proof="", who="carol", passed=("cooldown",)),
    )
    return state
