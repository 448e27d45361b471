"""One service as systemd or supervisor tells of it, in the same words."""

import msgspec

from perftui.core.units import seconds as words

OUT_OF_MEMORY = "SIGKILL, often out of memory"
RECENT = 60.0
"""Seconds: what restarted within them is still in its crash loop."""
_SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
_SIGNALS |= {9: OUT_OF_MEMORY, 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS"}


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What a preview, a table and the end of an action go by.

    `active` and `sub` are systemd's words, `result` why it last ended (`exit-code`, `oom-kill`), `exit` how, in words.
    `since` is wall seconds, `cpu` the CPU seconds that it has used, `memory` bytes. `job`: a change of it is queued or
    under way. `invocation` is new at each start. `wanted`: it is meant to run (enabled, autostart).
    `takes_along` are the units that a stop or restart of it stops, too.
    """

    name: str
    active: str
    sub: str = ""
    exists: bool = True
    masked: bool = False
    result: str = ""
    exit: str = ""
    restarts: int | None = None
    since: float | None = None
    pid: int | None = None
    memory: float | None = None
    cpu: float | None = None
    tasks: int | None = None
    description: str = ""
    enabled: str = ""
    wanted: bool = False
    is_oneshot: bool = False
    can_start: bool = True
    can_stop: bool = True
    can_reload: bool = False
    reload_failed: bool = False
    job: str = ""
    invocation: str = ""
    cgroup: str = ""
    takes_along: tuple[str, ...] = ()

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self.active in ("active", "reloading")

    @property
    def is_waiting_to_restart(self) -> bool:
        """Whether it has just ended and its manager is about to start it again."""
        return self.sub == "auto-restart"

    def up(self) -> float | None:
        """Return 1 when it runs, 0 when it should and does not; None where that is not yet or not at all the case."""
        if self.is_up:
            return 1.0
        if self.active == "failed" or self.is_waiting_to_restart:
            return 0.0
        return 0.0 if self.active == "inactive" and self.wanted else None

    def crash_loop(self, now: float) -> str:
        """Return in words why this is a crash loop, empty when it is none; `now` in wall seconds."""
        if self.sub in ("auto-restart", "fatal") or self.result == "start-limit-hit":
            times = f", restarted {_times(self.restarts)}" if self.restarts else ""
            return f"it crashes again and again{times}: {self.exit or self.result or 'no reason given'}"
        if self.restarts and self.is_up and self.since is not None and now - self.since < RECENT:
            last = f", the last time {words(max(0.0, now - self.since))} ago"
            return f"its manager restarted it {_times(self.restarts)}{last}: {self.exit or 'it runs just now'}"
        return ""


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def exit_words(code: int, status: int) -> str:
    """Return how a process ended; `code` as waitid(2) gives it (1 exited, 2 killed, 3 dumped core), 0 not at all."""
    if code == 1:
        by_shell = _SIGNALS.get(status - 128, "") if status > 128 else ""
        meaning = by_shell or EXEC_FAILURES.get(status, "")
        return f"exit {status} ({meaning})" if meaning else f"exit {status}"
    if code in (2, 3):
        return f"killed by {_SIGNALS.get(status, f'signal {status}')}" + (", core dumped" if code == 3 else "")
    return ""


EXEC_FAILURES = {
    200: "its working directory cannot be used",
    203: "its program cannot be run",
    216: "its group does not exist",
    217: "its user does not exist",
    226: "its namespace cannot be set up",
    238: "its state directory cannot be made",
}
"""systemd.exec(5), "Process Exit Codes"."""
