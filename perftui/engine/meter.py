"""What watching costs: the agent's own CPU, memory and loop lag, and when it has to back off."""

import asyncio
import os
import time

TICK = 0.1
LATE = 0.25
PAGE = os.sysconf("SC_PAGE_SIZE")
BASE_BUDGET, SOURCE_BUDGET = 0.10, 0.0025
"""Shares of a core that watching may cost: for itself, and for each source."""
BUDGET_WINDOW = 30.0
MOST_BACKOFF = 8.0


class Meter:
    """Measures its own process; loop lag is the drift of `sleep(0.1)` on the loop's clock."""

    def __init__(self) -> None:
        self._worst_lag = 0.0
        self._late_at = float("-inf")
        self._cpu = time.process_time()
        self._at = time.monotonic()
        self._window_cpu, self._window_at = self._cpu, self._at
        self.backoff = 1.0

    async def run(self) -> None:
        """Watch the loop until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(TICK)
            self._notice(loop.time() - before - TICK, loop.time())

    def _notice(self, lag: float, now: float) -> None:
        self._worst_lag = max(self._worst_lag, lag)
        if lag > LATE:
            self._late_at = now

    def judge(self, sources: int) -> float:
        """Return the factor of every interval: doubled while half a minute was over the budget, halved when far below.

        The budget grows with the number of `sources`: 15 % of a core for twenty.
        """
        cpu, now = time.process_time(), time.monotonic()
        if now - self._window_at >= BUDGET_WINDOW:
            used, budget = (cpu - self._window_cpu) / (now - self._window_at), BASE_BUDGET + SOURCE_BUDGET * sources
            self._window_cpu, self._window_at = cpu, now
            if used > budget:
                self.backoff = min(self.backoff * 2, MOST_BACKOFF)
            elif used < budget / 3:
                self.backoff = max(1.0, self.backoff / 2)
        return self.backoff

    def was_late_since(self, moment: float) -> bool:
        """Return whether the loop itself was late since `moment`: then a missed deadline is not the source's fault."""
        return self._late_at >= moment

    def take_lag(self) -> float:
        """Return the worst lag in seconds since the last call."""
        worst, self._worst_lag = self._worst_lag, 0.0
        return worst

    def cpu_utilization(self) -> float | None:
        """Return the share of one core used since the last call, None at once after it."""
        cpu, now = time.process_time(), time.monotonic()
        used, seconds = cpu - self._cpu, now - self._at
        if seconds <= 0:
            return None
        self._cpu, self._at = cpu, now
        return used / seconds

    @staticmethod
    def resident_bytes() -> float | None:
        """Return the resident memory of this process, None where /proc does not say."""
        try:
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * PAGE
        except OSError:
            return None
