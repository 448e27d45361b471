"""An Alertmanager in step with us, however it behaves; it is a stand-in on a real socket."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import pytest

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.push import HOLDS_FOR, RESEND_EVERY
from perftui.alerts.notify.alertmanager.silences import PULL_EVERY
from perftui.alerts.notify.alertmanager.sync import LONGEST_WAIT, AlertmanagerSync
from perftui.alerts.notify.alertmanager.terms import matchers_here, matchers_there
from perftui.config.notify import Route
from perftui.config.secret import Secret
from perftui.connect import alertmanager
from perftui.connect.alertmanager import Alertmanager, LabelMatcher
from perftui.core.alert import Alert, AlertState, Mute, Severity, Stage
from perftui.core.clock import ManualClock
from perftui.core.matcher import fits, matches
from tests.support.servers import free_port
from tests.support.stand_in_alertmanager import StandInAlertmanager, stand_in

HOT = Alert(
    rule="cpu",
    source="web-3",
    metric="system.cpu.utilization",
    attributes=(("cpu", "0"),),
    kind="system",
    host="web-3",
    state=AlertState.FIRING,
    severity=Severity.WARNING,
    since=1_700_000_000.0 - 90,
    value_text="81 %",
    summary="CPU at 81 %",
    runbook="https://runbooks/cpu",
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    return Desk(clock)


@pytest.fixture
async def peer(clock: ManualClock) -> AsyncIterator[StandInAlertmanager]:
    async with stand_in(clock) as server:
        yield server


@pytest.fixture
async def sync(clock: ManualClock, desk: Desk, peer: StandInAlertmanager) -> AsyncIterator[AlertmanagerSync]:
    made = sync_with(peer.url, desk, clock)
    yield made
    await made.close()


def sync_with(url: str, desk: Desk, clock: ManualClock, **options: Any) -> AlertmanagerSync:
    route = Route(alertmanager=url, token=Secret("s3cret-token"), **options)
    return AlertmanagerSync("am", route, Alertmanager(url, route.token, clock), desk, clock, "web-3")


def ends_in(alert: dict[str, Any], clock: ManualClock) -> float:
    return round(datetime.fromisoformat(alert["endsAt"]).timestamp() - clock.wall(), 3)


class TestAlerts:
    async def test_what_fires_is_told_at_once_and_every_minute(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        await sync.step([HOT], [])
        assert sync.problem == ""
        [told] = peer.pushed
        assert told["labels"] == {
            "alertname": "cpu",
            "source": "web-3",
            "metric": "system.cpu.utilization",
            "cpu": "0",
            "kind": "system",
            "host": "web-3",
            "severity": "warning",
        }
        assert told["annotations"]["summary"] == "CPU at 81 %"
        assert told["annotations"]["runbook_url"] == "https://runbooks/cpu"
        assert ends_in(told, clock) == HOLDS_FOR
        clock.advance(RESEND_EVERY / 2)
        await sync.step([HOT], [])
        assert len(peer.pushes) == 1
        clock.advance(RESEND_EVERY / 2)
        await sync.step([HOT], [])
        assert len(peer.pushes) == 2
        assert "authorization: bearer s3cret-token" in peer.headers[0].lower()

    async def test_what_is_muted_here_is_told_all_the_same(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager
    ) -> None:
        await sync.step([msgspec.structs.replace(HOT, mutes=(Mute(stage=Stage.SILENCE, reason="so"),))], [])
        assert len(peer.pushed) == 1

    async def test_what_follows_from_another_is_told_only_while_it_is_loud(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        follows = msgspec.structs.replace(HOT, mutes=(Mute(stage=Stage.INHIBITION, reason="follows from gone"),))
        await sync.step([follows], [])
        await sync.step([], [over(clock)])
        assert peer.pushed == []
        await sync.step([follows], [])
        await sync.step([HOT], [])
        assert [ends_in(alert, clock) for alert in peer.pushed] == [HOLDS_FOR]
        clock.advance(1)
        await sync.step([follows], [])
        assert [ends_in(alert, clock) for alert in peer.pushes[-1]] == [0.0]
        clock.advance(RESEND_EVERY)
        await sync.step([follows], [])
        await sync.step([], [over(clock)])
        assert len(peer.pushes) == 2

    async def test_what_ended_is_told_until_it_is_taken_and_then_never_again(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        await sync.step([HOT], [])
        peer.fails = (503, "starting")
        await sync.step([], [over(clock)])
        assert sync.problem == "am: refused: HTTP 503: starting"
        peer.fails = None
        clock.advance(LONGEST_WAIT)
        await sync.step([], [])
        clock.advance(RESEND_EVERY)
        await sync.step([], [])
        assert sync.problem == ""
        assert [ends_in(alert, clock) <= 0 for alert in peer.pushed] == [False, True]

    async def test_an_alert_that_came_and_went_between_two_steps_is_told(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        await sync.step([], [over(clock)])
        assert len(peer.pushed) == 1

    async def test_another_severity_ends_the_alert_that_it_was(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:

        await sync.step([HOT], [])
        clock.advance(1)
        await sync.step([msgspec.structs.replace(HOT, severity=Severity.CRITICAL)], [])
        told = {alert["labels"]["severity"]: ends_in(alert, clock) for alert in peer.pushes[-1]}
        assert told == {"warning": 0.0, "critical": HOLDS_FOR}

    async def test_its_clock_decides_when_an_alert_runs_out(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        peer.ahead = 12 * 3600.0
        await sync.step([HOT], [])
        assert ends_in(peer.pushed[0], clock) == pytest.approx(peer.ahead + HOLDS_FOR, abs=2)

    async def test_a_wall_clock_that_jumped_back_gives_no_alert_that_begins_after_its_end(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        future = msgspec.structs.replace(HOT, since=clock.wall() + 12 * 3600)
        await sync.step([future], [])
        clock.advance(1)
        await sync.step([], [msgspec.structs.replace(future, resolved_at=future.since)])
        assert all(alert["startsAt"] <= alert["endsAt"] for alert in peer.pushed)
        assert ends_in(peer.pushed[-1], clock) <= 0

    async def test_a_route_says_which_alerts_it_takes(
        self, desk: Desk, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        made = sync_with(peer.url, desk, clock, matchers={"source": "db-*"})
        await made.step([HOT], [])
        await made.close()
        assert peer.pushed == []

    async def test_a_rule_says_which_routes_take_its_alerts(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager
    ) -> None:
        await sync.step([msgspec.structs.replace(HOT, notify=("pager",))], [])
        assert peer.pushed == []
        await sync.step([msgspec.structs.replace(HOT, notify=("pager", "am"))], [])
        assert len(peer.pushed) == 1

    async def test_what_it_rejects_is_said_and_not_sent_again_at_once(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        peer.rejects = "invalid label name"
        await sync.step([HOT], [over(clock, rule="memory")])
        assert sync.problem == "am: refused: HTTP 400: invalid label name"
        clock.advance(1)
        await sync.step([HOT], [])
        assert peer.requests.count("POST /prefix/api/v2/alerts") == 1

    async def test_many_alerts_go_in_several_requests(self, sync: AlertmanagerSync, peer: StandInAlertmanager) -> None:
        await sync.step([msgspec.structs.replace(HOT, source=f"web-{number}") for number in range(1000)], [])
        assert [len(push) for push in peer.pushes] == [250] * 4


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (401, "am: refused: HTTP 401: its token is missing or wrong"),
            (404, "am: refused: HTTP 404: no Alertmanager there"),
            (500, "am: refused: HTTP 500: ␛[2Jno"),
        ],
    )
    async def test_a_refusal_is_said_in_words(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, status: int, said: str
    ) -> None:
        peer.fails = (status, "\x1b[2Jno")
        await sync.step([HOT], [])
        assert sync.problem == said

    async def test_nothing_is_asked_until_it_is_time_to_try_again(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, clock: ManualClock
    ) -> None:
        peer.fails = (429, "slow down")
        await sync.step([HOT], [])
        asked = len(peer.requests)
        clock.advance(39)  # it asked for 40
        await sync.step([HOT], [])
        assert len(peer.requests) == asked
        peer.fails = None
        clock.advance(2)
        await sync.step([HOT], [])
        assert (len(peer.pushed), sync.problem) == (1, "")

    async def test_one_that_hangs_ends_by_a_deadline_and_holds_up_no_step(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(alertmanager, "DEADLINE", 0.05)
        peer.hangs = True
        await sync.step([HOT], [])
        assert sync.problem == "am: no answer within 0.05 s"

    async def test_nobody_there(self, desk: Desk, clock: ManualClock) -> None:
        made = sync_with(f"http://127.0.0.1:{free_port()}", desk, clock)
        await made.step([HOT], [])
        assert made.problem == "am: connection refused: nothing listens there"

    async def test_a_token_that_cannot_be_had(self, desk: Desk, peer: StandInAlertmanager, clock: ManualClock) -> None:
        client = Alertmanager(peer.url, Secret("env:NO_SUCH"), clock)
        made = AlertmanagerSync("am", Route(), client, desk, clock, "web-3")
        await made.step([HOT], [])
        assert made.problem == "am: secret env:NO_SUCH: the environment has no NO_SUCH"
        assert peer.requests == []


class TestSilences:
    async def test_theirs_hold_here(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        peer.ahead = 600.0
        peer.add("b1", [equal("alertname", "cpu")], seconds=120, comment="deploy\x1b[2J")
        await sync.step([HOT], [])
        [silence] = desk.silences
        assert (silence.id, silence.origin, silence.author, silence.comment) == ("b1", "am", "ana", "deploy␛[2J")
        assert silence.matchers == {"rule": "cpu"}
        assert silence.expires - clock.monotonic() == pytest.approx(120, abs=2)
        assert desk.judge([HOT])[0].mutes

    async def test_expired_ones_and_those_that_are_gone_do_not(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        peer.add("b1", [equal("alertname", "cpu")])
        await sync.step([], [])
        peer.silences["b1"]["status"] = {"state": "expired"}
        clock.advance(PULL_EVERY)
        await sync.step([], [])
        assert desk.silences == ()

    async def test_they_go_on_holding_while_it_does_not_answer(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        peer.add("b1", [equal("alertname", "cpu")])
        await sync.step([], [])
        peer.fails = (500, "")
        clock.advance(PULL_EVERY)
        await sync.step([], [])
        assert len(desk.silences) == 1

    async def test_ours_hold_there_until_they_are_ended_here(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        silence = desk.silence({"rule": "redis-*", "source": "!cache-1"}, 600, "ana", "moving")
        await sync.step([], [])
        [made] = peer.silences.values()
        assert made["matchers"] == [
            {"name": "alertname", "value": r"redis\-.*", "isRegex": True, "isEqual": True},
            {"name": "source", "value": "cache-1", "isRegex": False, "isEqual": False},
        ]
        assert (made["createdBy"], made["comment"]) == ("ana", f"moving [perftui web-3 {silence.id}]")
        assert ends_in(made, clock) == 600
        clock.advance(PULL_EVERY)
        await sync.step([], [])
        assert [each.origin for each in desk.silences] == [""]
        desk.unsilence(silence.id)
        await sync.step([], [])
        assert made["status"]["state"] == "expired"
        assert len(peer.silences) == 1

    async def test_one_ended_while_it_did_not_answer_is_ended_later(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        silence = desk.silence({"rule": "cpu"}, 600, "ana")
        await sync.step([], [])
        peer.fails = (502, "")
        desk.unsilence(silence.id)
        await sync.step([], [])
        peer.fails = None
        clock.advance(LONGEST_WAIT)
        await sync.step([], [])
        assert peer.silences["theirs-0"]["status"]["state"] == "expired"
        assert desk.silences == ()

    async def test_after_a_restart_ours_are_known_again(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        desk.silence({"rule": "cpu"}, 600, "ana")
        await sync.step([], [])
        again = sync_with(peer.url, desk, clock)
        await again.step([], [])
        await again.close()
        assert len(peer.silences) == 1
        assert len(desk.silences) == 1

    async def test_one_of_ours_that_somebody_ended_there_is_not_made_again(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        desk.silence({"rule": "cpu"}, 600, "ana")
        await sync.step([], [])
        peer.silences["theirs-0"]["status"] = {"state": "expired"}
        clock.advance(PULL_EVERY)
        await sync.step([], [])
        assert len(peer.silences) == 1

    async def test_one_of_ours_that_was_extended_there_is_theirs_from_then_on(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        desk.silence({"rule": "cpu"}, 600, "ana")
        await sync.step([], [])
        peer.silences["theirs-0"]["endsAt"] = "2030-01-01T00:00:00Z"
        clock.advance(601)
        desk.expire()
        await sync.step([], [])
        assert [silence.origin for silence in desk.silences] == ["am"]
        assert peer.silences["theirs-0"]["status"]["state"] == "active"

    async def test_one_that_it_rejects_is_said_and_holds_here(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        peer.rejects = "invalid regular expression"
        silence = desk.silence({"rule": "~(?!x)y"}, 600, "ana")
        for _ in range(2):
            await sync.step([], [])
            clock.advance(PULL_EVERY)
        said = f"am: the silence {silence.id} holds only here: refused: HTTP 400: invalid regular expression"
        assert sync.problem == said
        assert peer.requests.count("POST /prefix/api/v2/silences") == 1

    @pytest.mark.parametrize("value", ["(a+)+b", "(a|a)*b", "((a*)){2,}b", "[[:alpha:]]", "(", "x" * 600])
    async def test_one_that_cannot_be_followed_here_is_said(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, value: str
    ) -> None:
        peer.add("b1", [equal("alertname", value) | {"isRegex": True}])
        peer.add("b2", [equal("alertname", "cpu")])
        await sync.step([], [])
        assert [silence.id for silence in desk.silences] == ["b2"]
        assert sync.problem.startswith("am: its silence b1 does not hold here: ")

    async def test_each_answer_s_own_clock_makes_no_other_silences(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        peer.add("b1", [equal("alertname", "cpu")], seconds=600)
        await sync.step([], [])
        held = desk.silences
        for jitter in (0.000_003, -0.000_002, 0.2):
            clock.advance(PULL_EVERY)
            clock.jump(jitter)
            await sync.step([], [])
            assert desk.silences is held
        assert sum(request.startswith("GET") for request in peer.requests) == 4

    async def test_how_many_more_there_are_than_can_hold_here_is_said(
        self, sync: AlertmanagerSync, peer: StandInAlertmanager, desk: Desk, clock: ManualClock
    ) -> None:
        for number in range(230):
            peer.add(f"b{number}", [equal("alertname", "cpu")], seconds=600 + number)
        peer.add("endless", [equal("alertname", "(a+)+b") | {"isRegex": True}], seconds=60)
        await sync.step([], [])
        assert [silence.id for silence in desk.silences] == [f"b{number}" for number in range(200)]
        assert sync.problem.startswith("am: 30 of its silences do not hold here: 200 are the most; its silence endless")


class TestTerms:
    @pytest.mark.parametrize(
        "pattern", ["cpu", "cpu-*", "?pu", "[ab]x", "[!ab]x", "[*]", "!cpu", "~c.u|x", "!~c.u", "", "a[", "~\\!x"]
    )
    def test_a_pattern_means_the_same_there_and_back(self, pattern: str) -> None:
        back = matchers_here(matchers_there({"rule": pattern}))["rule"]
        for value in ("cpu", "cpu-1", "xpu", "ax", "cx", "*", "", "a[", "!x", "x"):
            assert fits(back, value) is fits(pattern, value)

    def test_a_plain_pattern_is_no_regular_expression_there(self) -> None:
        assert matchers_there({"rule": "a[*]b"}) == (LabelMatcher(name="alertname", value="a*b"),)

    def test_several_conditions_on_one_label_all_hold(self) -> None:
        here = matchers_here(
            [
                LabelMatcher(name="alertname", value="redis.*", is_regex=True),
                LabelMatcher(name="alertname", value=".*memory", is_regex=True),
                LabelMatcher(name="alertname", value="redis-no-memory", is_equal=False),
            ]
        )
        assert matches(here, {"rule": "redis-memory"})
        assert not matches(here, {"rule": "redis-latency"})
        assert not matches(here, {"rule": "redis-no-memory"})

    def test_a_silence_without_conditions_silences_nothing(self) -> None:
        with pytest.raises(ValueError, match="no matchers"):
            matchers_here([])


def over(clock: ManualClock, rule: str = "cpu") -> Alert:

    return msgspec.structs.replace(HOT, rule=rule, state=AlertState.RESOLVED, resolved_at=clock.wall())


def equal(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True}
