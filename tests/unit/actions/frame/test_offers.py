"""What is offered: by key, by source, and against an alert in the order that helps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from perftui.actions.contract import Ask
from perftui.config.settings import SourceSettings
from perftui.core.action import Offer
from perftui.core.alert import Alert
from perftui.core.errors import ActionError
from tests.unit.actions.stage import FakeAction, Stage

ALERT = Alert(
    rule="depth",
    source="cache-1",
    metric="queue.waiting",
    attributes=(("queue", "mail"),),
    remedies=("service.start:worker@1", "cleanup.jobs", "no.such"),
)


class Offering(FakeAction):
    """Offers what it is told to, on each of its targets."""

    def __init__(self, id: str, *offers: Mapping[str, object], kind: str = "redis", key: str = "c") -> None:
        super().__init__(id=id)
        self.info = msgspec.structs.replace(self.info, kinds=(kind,), key=key)
        self.made = offers
        self.fails: Exception | None = None

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        if self.fails is not None:
            raise self.fails
        return [msgspec.structs.replace(self.offer(target), **each) for each in self.made]


def stage_of(folder: Path, *actions: FakeAction) -> Stage:
    stage = Stage(folder, actions[0], others=actions[1:])
    stage.firing = [ALERT]
    return stage


def ids(offers: Sequence[Offer]) -> list[str]:
    return [f"{each.action} {each.target} {','.join(each.params.values())}".strip() for each in offers]


async def test_a_picker_shows_the_actions_of_its_key_and_source(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, Offering("a.a", {}), Offering("b.b", {}, key="w"), Offering("c.c", {}, kind="system"))
    assert ids(stage.runner.offers("c")) == ["a.a cache-1", "c.c host"]
    assert ids(stage.runner.offers(source="cache-1")) == ["a.a cache-1", "b.b cache-1"]
    assert ids(stage.runner.offers("w", "host")) == []


async def test_against_an_alert_only_what_its_rule_names_comes_and_then_what_serves_it(tmp_path: Path) -> None:
    shares, serves = {"params": {"queue": "mail"}}, {"serves": ("mail",)}
    stage = stage_of(
        tmp_path,
        Offering("other.shares", shares),
        Offering("other.serves", serves, kind="system"),
        Offering("other.unrelated", {"params": {"queue": "sms"}}),
        Offering("cleanup.jobs", {"params": {"queue": "mail"}}),
        Offering("service.start", {"params": {"queue": "worker@2"}}, {"params": {"queue": "worker@1"}}, kind="system"),
    )
    assert ids(stage.runner.offers(alert=ALERT.key)) == [
        "service.start host worker@1",
        "cleanup.jobs cache-1 mail",
        "other.serves host",
    ]


async def test_where_a_rule_names_nothing_what_shares_its_attributes_comes_but_no_cleanup_of_a_queue(
    tmp_path: Path,
) -> None:
    shares = {"params": {"queue": "mail"}}
    stage = stage_of(tmp_path, Offering("other.shares", shares), Offering("cleanup.jobs", shares))
    stage.firing = [msgspec.structs.replace(ALERT, remedies=())]
    assert ids(stage.runner.offers(alert=ALERT.key)) == ["other.shares cache-1 mail"]


async def test_without_workers_the_history_of_jobs_is_no_remedy(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, Offering("cleanup.jobs", {"params": {"queue": "mail"}}))
    stage.firing = [msgspec.structs.replace(ALERT, remedies=("service.scale",))]
    assert stage.runner.offers(alert=ALERT.key) == ()


async def test_a_subject_that_a_rule_names_is_filled_in(tmp_path: Path) -> None:
    alert = msgspec.structs.replace(ALERT, attributes=(), remedies=("cleanup.fake:sms",))
    stage = Stage(tmp_path)
    stage.firing = [alert]
    assert ids(stage.runner.offers(alert=alert.key)) == ["cleanup.fake cache-1 sms"]


async def test_against_an_alert_that_is_over_there_is_nothing(tmp_path: Path) -> None:
    assert Stage(tmp_path).runner.offers(alert="gone/cache-1/") == ()


async def test_what_cannot_be_applied_now_says_why(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, Offering("a.a", {}, {"params": {"queue": "x"}, "blocked": "it crash-loops"}))
    stage.stale = {"cache-1"}
    assert [(each.blocked, each.note) for each in stage.runner.offers()] == [
        ("", "no fresh readings of cache-1"),
        ("it crash-loops", "no fresh readings of cache-1"),
    ]
    stage.source = msgspec.structs.replace(stage.source, read_only=True)
    assert stage.runner.offers()[0].blocked == "read-only: [sources.cache-1] says read_only = true"


@pytest.mark.parametrize("error", [ActionError("no readings"), KeyError("a defect")])
async def test_an_action_that_fails_hides_no_other(tmp_path: Path, error: Exception) -> None:
    broken = Offering("a.a")
    broken.fails = error
    first, second = stage_of(tmp_path, broken, Offering("b.b", {})).runner.offers()
    assert (first.action, second.action, second.blocked) == ("a.a", "b.b", "")
    assert str(error.args[0]) in first.blocked


async def test_offers_are_bounded_and_none_twice(tmp_path: Path) -> None:
    many = [{"params": {"queue": str(number)}} for number in range(300)]
    stage = stage_of(tmp_path, Offering("a.a", {}, {}, *many))
    offers = stage.runner.offers()
    assert len(offers) == 200
    assert len(set(ids(offers))) == 200
