"""What was done lately: how long an action still leaves its subject alone, and how often a target was acted upon."""

from perftui.core.clock import Clock

HOUR = 3600.0


class Recent:
    """Cooldowns and starts of actions, of this agent and, out of the audit log, of others. Times are monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rest_until: dict[tuple[str, str], float] = {}
        self._begun: dict[str, tuple[str, float]] = {}

    def began(self, plan: str, target: str, ago: float = 0.0) -> None:
        """Count a start on a target, once a plan; `ago` in seconds."""
        now = self._clock.monotonic()
        self._begun = {key: each for key, each in self._begun.items() if now - each[1] < HOUR}
        if ago < HOUR:
            self._begun.setdefault(plan, (target, now - max(ago, 0.0)))

    def rest(self, action: str, lock: str, seconds: float) -> None:
        """Let an action leave what it locked alone for so long from now, or longer if it was to."""
        now = self._clock.monotonic()
        self._rest_until = {key: until for key, until in self._rest_until.items() if until > now}
        if seconds > 0:
            self._rest_until[action, lock] = max(now + seconds, self._rest_until.get((action, lock), now))

    def resting(self, action: str, lock: str) -> float:
        """Return for how many seconds more; 0 when it may run."""
        return max(0.0, self._rest_until.get((action, lock), 0.0) - self._clock.monotonic())

    def within_hour(self, target: str) -> int:
        """Return how many actions began on a target within the last hour."""
        now = self._clock.monotonic()
        return sum(name == target and now - at < HOUR for name, at in self._begun.values())
