"""What happens less often than polls do."""


class Every:
    """Says when something is due: at once, then every `period` seconds."""

    def __init__(self, period: float) -> None:
        self.period = period
        self._next = float("-inf")

    def due(self, at: float) -> bool:
        """Return whether it is time, and if so begin the next period."""
        if at < self._next:
            return False
        self._next = at + self.period
        return True

    def hasten(self) -> None:
        """Let it be due at the next poll."""
        self._next = float("-inf")
