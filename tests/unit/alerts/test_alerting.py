"""The alert engine as the agent runs it: what is shown is kept, and a decision is on disk when it is answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from perftui.alerts.alerting import ALIVE_EVERY, Alerting
from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.rules.rule import Rule, RuleBook
from perftui.core.alert import AlertState
from perftui.core.clock import ManualClock
from perftui.core.errors import RequestFailed
from perftui.core.reading import Reading, Sample
from perftui.core.status import SourceState, SourceStatus
from perftui.core.wire import AlertsView
from tests.support.servers import eventually
from tests.unit.alerts.evaluation.scene import KNOWN, rule

WELL = SourceStatus(name="web-3", kind="system", state=SourceState.OK)


class Life:
    """One life of an agent's alerting over a folder; the clock goes on from life to life."""

    def __init__(self, folder: Path, clock: ManualClock, *rules: Rule) -> None:
        self.clock = clock
        self.views: list[AlertsView] = []
        book = RuleBook(rules=rules or (rule(),))
        self.alerting = Alerting(book, KNOWN, {}, clock, self._show, state=folder / "perftui" / "state.db")

    def _show(self, view: AlertsView, _urgent: bool) -> None:
        self.views.append(view)

    def second(self, value: float) -> None:
        self.clock.advance(1.0)
        now, wall = self.clock.monotonic(), self.clock.wall()
        sample = Sample("load", value)
        self.alerting.observe(Reading(source="web-3", monotonic=now, wall=wall, duration=0.0, samples=(sample,)))
        self.alerting.tick([WELL])

    async def shown(self, *states: AlertState) -> AlertsView:
        """Wait until the view's alerts are in these states."""

        async def is_shown() -> bool:
            return bool(self.views) and tuple(alert.state for alert in self.views[-1].firing) == states

        await eventually(is_shown)
        return self.views[-1]


@asynccontextmanager
async def living(life: Life) -> AsyncIterator[Life]:
    """Run it; at the end it is gone as after a kill: nothing more is written, the file is let go."""
    await life.alerting.open(5.0)
    task = asyncio.create_task(life.alerting.run())
    try:
        yield life
    finally:
        task.cancel()
        await asyncio.wait({task})
        await end_of(life)


async def end_of(life: Life) -> None:
    """Let go of the database without a word more into it."""
    db = life.alerting.keeper._db
    if db is not None:
        await db.close()


async def test_what_is_shown_is_on_disk_already(tmp_path: Path) -> None:
    clock = ManualClock()
    async with living(Life(tmp_path, clock)) as life:
        life.second(0.9)
        shown = await life.shown(AlertState.FIRING)
    async with living(Life(tmp_path, clock)) as after:
        again = await after.shown(AlertState.UNKNOWN)
        assert again.firing[0].since == shown.firing[0].since


async def test_an_ack_and_a_silence_are_on_disk_when_they_are_answered(tmp_path: Path) -> None:
    clock = ManualClock()
    async with living(Life(tmp_path, clock)) as life:
        life.second(0.9)
        (alert,) = (await life.shown(AlertState.FIRING)).firing
        await life.alerting.ack(alert.key, "ana", "mine")
        silence = await life.alerting.silence({"rule": "load"}, 600, "ana", "")
    async with living(Life(tmp_path, clock)) as after:
        view = await after.shown(AlertState.UNKNOWN)
        assert view.firing[0].ack is not None
        assert [each.id for each in view.silences] == [silence.id]


async def test_a_decision_that_nobody_keeps_is_not_called_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perftui.alerts.alerting.KEPT_PATIENCE", 0.05)
    life = Life(tmp_path, ManualClock())
    await life.alerting.open(5.0)
    with pytest.raises(RequestFailed, match="not on disk"):
        await life.alerting.silence({"rule": "load"}, 600, "ana", "")
    await end_of(life)


async def test_the_times_of_what_fires_go_on_after_a_kill(tmp_path: Path) -> None:
    """It was last bad a quarter of an hour before the kill; half an hour is what it keeps firing for."""
    clock = ManualClock()
    slow = rule(keep_firing_for=1800.0, clear_for=1.0)
    async with living(Life(tmp_path, clock, slow)) as life:
        life.second(0.9)
        await life.shown(AlertState.FIRING)
        for _ in range(900):
            life.second(0.1)
        for _ in range(ALIVE_EVERY):
            life.second(0.1)
        await asyncio.sleep(0.3)
    clock.advance(2.0)
    async with living(Life(tmp_path, clock, slow)) as after:
        await after.shown(AlertState.UNKNOWN)
        for _ in range(800):
            after.second(0.1)
        assert [alert.state for alert in after.alerting.rules.firing()] == [AlertState.FIRING]
        for _ in range(200):
            after.second(0.1)
        assert after.alerting.rules.firing() == []


async def test_after_a_defect_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(tmp_path, ManualClock())
    await life.alerting.open(5.0)
    with monkeypatch.context() as broken:
        broken.setattr(AlertEngine, "firing", lambda _self: [1 / 0])
        life.second(0.9)
        with pytest.raises(ZeroDivisionError):
            await life.alerting.run()
    task = asyncio.create_task(life.alerting.run())
    life.second(0.9)
    await life.shown(AlertState.FIRING)
    task.cancel()
    await asyncio.wait({task})
    await end_of(life)


async def test_what_ended_is_never_neither_firing_nor_ended(tmp_path: Path) -> None:
    async with living(Life(tmp_path, ManualClock())) as life:
        life.second(0.9)
        await life.shown(AlertState.FIRING)
        life.second(0.1)
        view = await life.shown()
        assert [alert.state for alert in view.log] == [AlertState.RESOLVED]
