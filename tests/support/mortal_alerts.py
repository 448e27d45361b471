"""The alert engine of an agent over a real state.db, to be killed: run as a program, it is started anew at each word.

`python -m tests.support.mortal_alerts FOLDER` forks one life for each line on its input, so that none waits for
imports: `run SEED` lives until it is killed, `calm SEED` until nothing fires and nobody is told any more. On the output
a life tells, one JSON report a line, what it has shown and promised; `{"gone": -9}` is how it ended. The route of
notifications is a file, FOLDER/sent, that each is appended to.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from perftui.alerts import alerting, keeper
from perftui.alerts.alerting import Alerting
from perftui.alerts.notify import exec_sender
from perftui.alerts.notify.notification import Notification
from perftui.alerts.rules.amount import Amount
from perftui.alerts.rules.rule import Levels, Rule, RuleBook
from perftui.config.duration import Duration
from perftui.config.notify import Route
from perftui.core.catalogue import CATALOGUE
from perftui.core.reading import Reading, Sample
from perftui.core.status import SourceState, SourceStatus
from perftui.core.wire import AlertsView

METRIC = "system.cpu.utilization"
SOURCES = tuple(f"web-{number}" for number in range(4))
SERIES = tuple((("cpu", str(number)),) for number in range(3))
SPEED = 500.0
"""Seconds of the engine's clock in one of ours."""
TICK = 1.0 / SPEED
QUIET = 720.0
"""Seconds of the engine's clock without news after which there will be none: more than any wait of a route."""
RULE = Rule(
    name="busy",
    metric=METRIC,
    above=Levels(warning=Amount(0.7), critical=Amount(0.9)),
    hold=Duration(2.0),
    clear_for=Duration(2.0),
    cooldown=Duration(5.0),
    notify=("pager",),
)


class FastClock:
    """The clock of this machine, fast; the same for one life and the next."""

    def monotonic(self) -> float:
        return time.monotonic() * SPEED

    def wall(self) -> float:
        return 1_700_000_000.0 + self.monotonic()


class FileSender:
    """A receiver that takes a while, so that a kill can come between its yes and our note of it."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._file = os.open(arguments[0], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def send(self, notification: Notification) -> None:
        sent = {"key": notification.dedup_key, "sequence": notification.sequence, "end": notification.resolved}
        os.write(self._file, msgspec.json.encode(sent) + b"\n")
        await asyncio.sleep(2 * TICK)


class Life:
    """One run of the engine on the values of the hour, with people who acknowledge and silence."""

    def __init__(self, folder: Path, seed: int, *, calm: bool) -> None:
        self._clock = FastClock()
        self._dice = random.Random(seed)
        self._calm = calm
        self._view = AlertsView()
        self._news_at = self._clock.monotonic()
        self._alerting = Alerting(
            RuleBook(rules=(RULE,)),
            CATALOGUE,
            {"pager": _pager(folder)},
            self._clock,
            self._show,
            state=folder / "state.db",
        )

    async def run(self) -> None:
        await self._alerting.open(60.0)
        works = (self._alerting.run(), self._alerting.deliver(), self._watch(), self._decide())
        tasks = [asyncio.create_task(work) for work in works]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def _show(self, view: AlertsView, _urgent: bool) -> None:
        if view.firing or view.delivery.waiting or view.delivery.sent != self._view.delivery.sent:
            self._news_at = self._clock.monotonic()
        self._view = view
        firing = [[alert.key, alert.since, alert.ack and alert.ack.author] for alert in view.firing]
        ended = [[alert.key, alert.since] for alert in view.log]
        silences = [silence.id for silence in view.silences]
        tell(now=self._clock.monotonic(), firing=firing, ended=ended, silences=silences)

    async def _watch(self) -> None:
        while not (self._calm and self._is_over()):
            for source in SOURCES:
                self._alerting.observe(self._reading(source))
            now = self._clock.monotonic()
            self._alerting.tick(
                SourceStatus(name=name, kind="system", state=SourceState.OK, last_ok=now) for name in SOURCES
            )
            await asyncio.sleep(TICK)

    def _is_over(self) -> bool:
        return not self._alerting.rules.firing() and self._clock.monotonic() > self._news_at + QUIET

    def _reading(self, source: str) -> Reading:
        now = self._clock.monotonic()
        samples = tuple(Sample(METRIC, self._value(source, series, now), series) for series in SERIES)
        return Reading(source=source, monotonic=now, wall=self._clock.wall(), duration=0.0, samples=samples)

    def _value(self, source: str, series: tuple[tuple[str, str], ...], now: float) -> float:
        """Return a square wave, of another length and height for each series; nothing when all is calm."""
        number = SOURCES.index(source) * len(SERIES) + SERIES.index(series)
        up = now / (20.0 + 9 * (number % 7)) % 1.0 < 0.6
        return (0.8 if number % 2 else 0.95) if up and not self._calm else 0.1

    async def _decide(self) -> None:
        """Acknowledge and silence at random; what is told of it was promised to somebody."""
        while True:
            await asyncio.sleep(self._dice.uniform(TICK, 10 * TICK))
            open_alerts = [
                alert for alert in self._alerting.desk.judge(self._alerting.rules.firing()) if alert.ack is None
            ]
            if self._dice.random() < 0.5 and open_alerts:
                alert = self._dice.choice(open_alerts)
                ack = await self._alerting.ack(alert.key, f"ana {self._dice.random():.9f}", "")
                tell(acked=[alert.key, alert.since, ack.author])
            elif not self._calm and len(self._view.silences) < 10:
                matchers = {"source": self._dice.choice(SOURCES), "cpu": str(self._dice.randrange(3))}
                silence = await self._alerting.silence(matchers, self._dice.uniform(60, 120), "bo", "")
                tell(silenced=[silence.id, silence.expires])


def _pager(folder: Path) -> Route:
    soon, never = Duration(1.0), Duration(0.0)
    return Route(exec=(str(folder / "sent"),), group_wait=soon, group_interval=soon, repeat=never)


def tell(**report: Any) -> None:
    """Write one report."""
    os.write(1, msgspec.json.encode(report) + b"\n")


def main(folder: Path) -> None:
    # Nothing is shown or promised before it is on disk here, however slow the disk of a test is.
    alerting.PACE, keeper.PATIENCE, alerting.KEPT_PATIENCE = 2 * TICK, 60.0, 60.0
    exec_sender.ExecSender = FileSender  # type: ignore[misc, assignment]
    for line in sys.stdin:
        mood, seed = line.split()
        child = os.fork()
        if not child:
            asyncio.run(Life(folder, int(seed), calm=mood == "calm").run())
            return
        tell(started=child)
        _, status = os.waitpid(child, 0)
        os.write(1, b"\n")  # a kill may have torn the last report
        tell(gone=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
