"""All Alertmanagers together: a change is told at once, what they bring is shown, and none ends another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec
import pytest

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager import peers
from perftui.alerts.notify.alertmanager.peers import MOST_ENDED, Alertmanagers
from perftui.alerts.notify.alertmanager.push import AlertPush
from perftui.config.notify import Route
from perftui.core.alert import Alert, AlertState, Mute, Severity, Stage
from perftui.core.clock import ManualClock
from tests.support.servers import free_port
from tests.support.stand_in_alertmanager import StandInAlertmanager, stand_in

HOT = Alert(rule="cpu", source="web-3", metric="system.cpu.utilization", state=AlertState.FIRING, since=1.0)
CPU = {"name": "alertname", "value": "cpu", "isRegex": False, "isEqual": True}


class Scene:
    """Alertmanagers that run; `until` waits for what the test wants to see."""

    def __init__(self, **urls: str) -> None:
        self.clock = ManualClock()
        self.desk = Desk(self.clock)
        self.shown: list[tuple[int, tuple[str, ...]]] = []
        routes = {name: Route(alertmanager=url) for name, url in urls.items()}
        self.all = Alertmanagers(routes, self.desk, self.clock, "web-3", self._show)

    def _show(self) -> None:
        self.shown.append((len(self.desk.silences), self.all.problems))

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.all.run())
            while not holds():  # noqa: ASYNC110 - what it waits for is in another's hands
                await asyncio.sleep(0.005)
            running.cancel()


@pytest.fixture
async def server() -> AsyncIterator[StandInAlertmanager]:
    async with stand_in(ManualClock()) as server:
        yield server


async def test_another_severity_is_told_at_once(server: StandInAlertmanager) -> None:
    scene = Scene(am=server.url)

    def told() -> set[str]:
        return {alert["labels"]["severity"] for alert in server.pushed}

    def rises() -> bool:
        worse = msgspec.structs.replace(HOT, severity=Severity.CRITICAL)
        scene.all.take([worse] if told() else [HOT], [])
        return told() == {"warning", "critical"}

    await scene.until(rises)


async def test_what_an_exchange_brings_is_shown(server: StandInAlertmanager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "EVERY", 0.01)
    server.add("b1", [CPU])
    scene = Scene(am=server.url, gone=f"http://127.0.0.1:{free_port()}")
    await scene.until(lambda: len(scene.shown) >= 2 and len(server.requests) >= 1)
    assert scene.shown[-1] == (1, ("gone: connection refused: nothing listens there",))
    assert len(scene.shown) == 2


async def test_what_ends_during_a_slow_exchange_takes_bounded_memory(server: StandInAlertmanager) -> None:
    server.hangs = True
    scene = Scene(am=server.url)

    def filled() -> bool:
        if server.was_asked.is_set():
            scene.all.take([], [HOT] * 1000)
        return server.was_asked.is_set()

    await scene.until(filled)
    assert len(scene.all._peers["am"].ended) == MOST_ENDED


async def test_a_defect_is_said_and_ends_no_other(server: StandInAlertmanager, monkeypatch: pytest.MonkeyPatch) -> None:
    take = AlertPush.take

    def broken(push: AlertPush, firing: Iterable[Alert], ended: Iterable[Alert]) -> None:
        if push._name == "odd":
            raise RuntimeError("s3cret")
        take(push, firing, ended)

    monkeypatch.setattr(AlertPush, "take", broken)
    scene = Scene(odd=server.url, am=server.url)

    def told() -> bool:
        scene.all.take([HOT], [])
        return bool(server.pushed and scene.all.problems)

    await scene.until(told)
    (problem,) = scene.all.problems
    assert problem.startswith("odd: broken: RuntimeError at test_peers.py:")
    assert scene.shown


async def test_what_no_longer_follows_from_another_is_told_at_once(
    server: StandInAlertmanager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "EVERY", 3600.0)
    scene = Scene(am=server.url)
    follows = msgspec.structs.replace(HOT, mutes=(Mute(stage=Stage.INHIBITION, reason="follows from gone"),))

    def is_loud_and_told() -> bool:
        scene.all.take([HOT if server.was_asked.is_set() else follows], [])
        return bool(server.pushed)

    await scene.until(is_loud_and_told)
    assert len(server.pushed) == 1
