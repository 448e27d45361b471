"""Times that outlive a process: a monotonic time means nothing after a reboot, a wall time jumps."""

from functools import cache

import msgspec

from perftui.core.clock import Clock


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One instant on both clocks, and which boot of the machine its monotonic seconds count from."""

    monotonic: float
    wall: float
    boot: str = ""

    @classmethod
    def now(cls, clock: Clock) -> "Moment":
        """Return this instant."""
        return cls(monotonic=clock.monotonic(), wall=clock.wall(), boot=boot_id())


def elapsed(before: Moment, after: Moment) -> float:
    """Return the seconds between two instants, never below 0.

    Within one boot the monotonic clock tells, whatever the wall clock was set to meanwhile; across boots the wall does.
    """
    same_boot = before.boot == after.boot != ""
    seconds = after.monotonic - before.monotonic if same_boot else after.wall - before.wall
    return max(0.0, seconds)


@cache
def boot_id() -> str:
    """Return what tells this boot from others; empty where the system has nothing of the kind."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""
