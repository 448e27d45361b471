"""Keeps an Alertmanager in step: it gets the alerts of its route, its silences hold here, and ours hold there."""

import random
from collections.abc import Iterable

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.push import AlertPush
from perftui.alerts.notify.alertmanager.silences import SilenceExchange
from perftui.config.notify import Route
from perftui.connect.alertmanager import Alertmanager
from perftui.core.alert import Alert
from perftui.core.clock import Clock
from perftui.core.errors import NotifyError

FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
"""Seconds between two tries while it does not work; after longer ones alerts would have run out there."""


class AlertmanagerSync:
    """One Alertmanager, as the route `name` has it; `problem` says what does not work, empty when all is well."""

    def __init__(self, name: str, route: Route, client: Alertmanager, desk: Desk, clock: Clock, host: str) -> None:
        """`host` is the name of the machine that watches."""
        self.problem = ""
        self._name = name
        self._client = client
        self._clock = clock
        self._alerts = AlertPush(name, route, client, clock, host)
        self._silences = SilenceExchange(name, client, desk, clock, host)
        self._failures = 0
        self._not_before = float("-inf")

    async def step(self, firing: Iterable[Alert], ended: Iterable[Alert]) -> None:
        """Take in all that fires and what ended since the last step, and exchange what is due; it raises nothing.

        While it is to be left alone after a failure, this only takes in.
        """
        self._alerts.take(firing, ended)
        if self._clock.monotonic() >= self._not_before:
            await self._exchange()

    async def close(self) -> None:
        """Close the connection; what fires there runs out by itself, unless another agent goes on telling it."""
        await self._client.close()

    async def _exchange(self) -> None:
        lines: list[str] = []
        failures: list[NotifyError] = []
        # The silences first: a silenced alert must not call anybody, and the answer tells that system's time.
        for part in (self._silences.exchange, self._alerts.push):
            try:
                lines.append(await part())
            except NotifyError as error:
                failures.append(error)
                lines.append(str(error))
        self._pace(failures)
        self.problem = next((f"{self._name}: {line}" for line in lines if line), "")

    def _pace(self, failures: list[NotifyError]) -> None:
        """After a failure, wait longer each time before the next try, and at least as long as it asked."""
        if not failures:
            self._failures, self._not_before = 0, float("-inf")
            return
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT) * random.uniform(0.8, 1.0)
        asked = max(failure.retry_after or 0.0 for failure in failures)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock.monotonic() + max(wait, min(asked, LONGEST_WAIT))
