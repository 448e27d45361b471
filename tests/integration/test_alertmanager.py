"""In step with a real Alertmanager: alerts there, silences on both sides."""

import json
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.sync import AlertmanagerSync
from perftui.alerts.notify.alertmanager.terms import labels_there, pushed
from perftui.config.notify import Route
from perftui.connect.alertmanager import Alertmanager, LabelMatcher, NewSilence, Rejected, moment
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.clock import SystemClock
from perftui.core.matcher import matches
from tests.support.alertmanager_server import alertmanager
from tests.support.servers import free_port

pytestmark = pytest.mark.integration


class Skipping(SystemClock):
    """The clock of this machine, whose seconds for durations can be skipped: what is due in a minute is due now."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), prefix="/some/path") as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[Alertmanager]:
    made = Alertmanager(url, None, SystemClock())
    yield made
    await made.close()


def alert(rule: str, **facts: Any) -> Alert:
    known = Alert(
        rule=rule,
        source="web-3",
        metric="system.cpu.utilization",
        attributes=(("queue.name", "mails / ü"),),
        kind="system",
        host="web-3",
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        since=time.time() - 60,
        summary="CPU at 95 %",
    )
    return msgspec.structs.replace(known, **facts)


def there(url: str, rule: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as answer:
        return [each for each in json.load(answer) if each["labels"]["alertname"] == rule]


def started(client: Alertmanager, url: str, desk: Desk, clock: SystemClock) -> AlertmanagerSync:
    return AlertmanagerSync("am", Route(alertmanager=url), client, desk, clock, "web-3")


async def test_an_alert_is_there_from_firing_to_its_end(client: Alertmanager, url: str) -> None:
    clock = Skipping()
    sync = started(client, url, Desk(clock), clock)
    firing = alert("whole-life")
    await sync.step([firing], [])
    assert sync.problem == ""
    [told] = there(url, "whole-life")
    assert told["status"]["state"] in ("active", "unprocessed")
    assert told["labels"]["queue_name"] == "mails / ü"
    assert told["annotations"] == {"summary": "CPU at 95 %", "agent": "web-3"}
    await sync.step([], [msgspec.structs.replace(firing, state=AlertState.RESOLVED, resolved_at=time.time())])
    assert (sync.problem, there(url, "whole-life")) == ("", [])


async def test_a_silence_made_there_holds_here_until_it_is_ended_there(client: Alertmanager, url: str) -> None:
    clock = Skipping()
    desk = Desk(clock)
    sync = started(client, url, desk, clock)
    now = time.time()
    conditions = (
        LabelMatcher(name="alertname", value="theirs.*", is_regex=True),
        LabelMatcher(name="source", value="db-1", is_equal=False),
    )
    made = NewSilence(
        matchers=conditions, starts_at=moment(now), ends_at=moment(now + 600), created_by="ana", comment="deploy"
    )
    id = await client.add_silence(made)
    await sync.step([], [])
    [silence] = [each for each in desk.silences if each.id == id]
    assert (silence.author, silence.comment, silence.origin) == ("ana", "deploy", "am")
    assert silence.expires - clock.monotonic() == pytest.approx(600, abs=3)
    assert matches(silence.matchers, alert("theirs-1").labels)
    assert not matches(silence.matchers, alert("theirs-1", source="db-1").labels)
    await client.end_silence(id)
    clock.skipped += 60
    await sync.step([], [])
    assert id not in [each.id for each in desk.silences]


@pytest.mark.parametrize("pattern", ["ours", "ou*", "[ou]?rs", "!other-*", "~o.r(s|t)", "!~x.*"])
async def test_a_silence_made_here_holds_there_until_it_is_ended_here(
    client: Alertmanager, url: str, pattern: str
) -> None:
    clock = Skipping()
    desk = Desk(clock)
    sync = started(client, url, desk, clock)
    silence = desk.silence({"rule": pattern, "source": "web-3"}, 600, "ana", "moving")
    await sync.step([alert("ours")], [])
    assert sync.problem == ""
    [told] = there(url, "ours")
    assert told["status"]["silencedBy"]
    desk.unsilence(silence.id)
    await sync.step([alert("ours")], [])
    assert sync.problem == ""
    [told] = there(url, "ours")
    assert told["status"]["silencedBy"] == []
    clock.skipped += 60
    await sync.step([], [])
    assert [each for each in desk.silences if each.comment.startswith("moving")] == []


async def test_a_silence_that_matches_everything_is_refused_there_and_said(client: Alertmanager, url: str) -> None:
    clock = Skipping()
    desk = Desk(clock)
    sync = started(client, url, desk, clock)
    desk.silence({"rule": "*"}, 600, "ana")
    await sync.step([], [])
    assert "holds only here" in sync.problem
    assert "must not match the empty string" in sync.problem


async def test_of_wrong_and_right_alerts_the_right_ones_are_taken(client: Alertmanager, url: str) -> None:
    right = pushed(alert("right"), "web-3", moment(time.time()), moment(time.time() + 60))
    wrong = msgspec.structs.replace(right, labels=labels_there(alert("wrong")) | {"no name": "x"})
    with pytest.raises(Rejected, match="HTTP 400"):
        await client.push([wrong, right])
    assert len(there(url, "right")) == 1


async def test_one_that_is_gone_and_comes_back_gets_what_fires(tmp_path: Path) -> None:
    clock, port = Skipping(), free_port()
    url = f"http://127.0.0.1:{port}"
    client = Alertmanager(url, None, clock)
    sync = started(client, url, Desk(clock), clock)
    with alertmanager(tmp_path, port=port):
        await sync.step([alert("before")], [])
        assert sync.problem == ""
    clock.skipped += 60
    await sync.step([alert("before"), alert("meanwhile")], [])
    assert sync.problem == "am: connection refused: nothing listens there"
    clock.skipped += 60
    with alertmanager(tmp_path, port=port):
        await sync.step([alert("before"), alert("meanwhile")], [])
        assert sync.problem == ""
        assert len(there(url, "before")) == len(there(url, "meanwhile")) == 1
        await client.close()
