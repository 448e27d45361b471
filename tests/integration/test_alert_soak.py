"""Hours of random trouble with restarts: what holds for every conversation, whatever happens."""

import random

import msgspec
import pytest

from perftui.alerts.notify.notification import Notification
from perftui.core.alert import Alert, AlertState, Severity
from tests.unit.alerts.notify.stage import Told, acked, alert, muted, route, unseen


class Trouble:
    """Alerts on a few sources that come, go, get worse, and are taken care of, as the dice fall."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.alerts: dict[str, Alert] = {}

    def go_on(self) -> tuple[Alert, ...]:
        for _ in range(self.dice.choice((0, 0, 0, 1, 1, 20))):
            severity = self.dice.choice(list(Severity))
            one = alert(f"host-{self.dice.randrange(5)}", f"rule-{self.dice.randrange(4)}", severity, cooldown=300)
            change = self.dice.choice((None, None, lambda each: each, acked, muted, unseen))
            if change is None:
                self.alerts.pop(one.key, None)
            else:
                self.alerts[one.key] = change(one)
        return tuple(self.alerts.values())


def check(conversation: list[Notification]) -> None:
    """Fail unless it counts up, ends once, and ends what it told and nothing else."""
    assert [each.sequence for each in conversation] == list(range(1, len(conversation) + 1))
    assert [each.resolved for each in conversation] == [False] * (len(conversation) - 1) + [True]
    open_keys: set[str] = set()
    for each in conversation:
        ended = {entry.key for entry in each.ended}
        firing = {entry.key for entry in each.firing}
        assert ended <= open_keys
        assert not ended & firing
        open_keys = (open_keys | firing) - ended
    assert not open_keys


@pytest.mark.parametrize("seed", range(6))
def test_every_conversation_is_whole(seed: int) -> None:
    trouble = Trouble(seed)
    told = Told(slack=route(group_interval=20, repeat=900))
    for minute in range(240):
        told.pass_time(trouble.dice.choice((1, 20, 60)), *trouble.go_on())
        if minute % 50 == 49:
            told.restart(shift=trouble.dice.uniform(-1000.0, 1000.0))
    told.pass_time(1500)
    conversations: dict[str, list[Notification]] = {}
    for each in told.all:
        conversations.setdefault(each.dedup_key, []).append(each)
    assert len(conversations) > 2
    for conversation in conversations.values():
        check(conversation)
    assert [row for row in told.disk if row[0] == "incident"] == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_goes_on_firing_and_nobody_takes_care_of_is_told_in_the_end(seed: int) -> None:
    trouble = Trouble(seed)
    told = Told(slack=route(repeat=0))
    for _ in range(100):
        told.pass_time(10, *trouble.go_on())
    alone = [msgspec.structs.replace(each, ack=None) for each in trouble.alerts.values()]
    firing = [each for each in alone if not each.mutes and each.state is AlertState.FIRING]
    told.pass_time(900, *alone)
    assert len(firing) > 2
    for each in firing:
        assert told.incidents.notes(each.key)[0].startswith("told slack ")
