"""How often a route may be told anything but that an incident is over."""

from perftui.core.clock import Clock

TOKENS = 2
"""Notifications at once: the first of a trouble and one that turned out worse; a third would only bury them."""
REFILL = 30.0
"""Seconds until there is one more: a person reads no faster, and chat services allow about one message a second to all
of a team's programs together."""


class Bucket:
    """A token bucket: full at first, one token more each `REFILL` seconds, never more than `TOKENS`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = float(TOKENS)
        self._filled_at = clock.monotonic()

    def available(self) -> int:
        """Return how many notifications may go out now."""
        self._fill()
        return int(self._tokens)

    def take(self) -> bool:
        """Use up one token; False when there is none."""
        if self.available() < 1:
            return False
        self._tokens -= 1.0
        return True

    def wait(self) -> float:
        """Return the seconds until there is a token, 0 when there is one."""
        self._fill()
        return max(0.0, (1.0 - self._tokens) * REFILL)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(float(TOKENS), self._tokens + (now - self._filled_at) / REFILL)
        self._filled_at = now
