"""What proves that more workers help, also where little has been read yet."""

import pytest

from perftui.actions.service.groups import queue_watches, unmeasured
from perftui.config.remedies import ScaleGroup
from perftui.config.settings import Settings
from perftui.core.action import Must
from perftui.core.reading import Reading, Sample
from perftui.core.series import attributes
from tests.support.ground import StillGround

GROUP = ScaleGroup(unit="worker@{n}", max=4, queues=("mail",))


def ground(kind: str = "bullmq", **values: float) -> StillGround:
    """Return one that has read these metrics of the queue `mail`."""
    found = StillGround(Settings())
    where = attributes({"queue": "mail", "kind": kind})
    samples = tuple(Sample(f"queue.{name}", value, where) for name, value in values.items())
    found.readings["cache-1"] = Reading(source="cache-1", monotonic=0.0, wall=0.0, duration=0.0, samples=samples)
    return found


def watched(found: StillGround, *, is_up: bool = True) -> list[tuple[str, Must, bool]]:
    """Return what is watched, whether it must improve, and whether it has a goal."""
    return [(each.label, each.must, each.goal is not None) for each in queue_watches(GROUP, found, is_up=is_up)]


@pytest.mark.parametrize("rates", [{}, {"completed": 0.0, "failed": 0.0}], ids=["nothing read yet", "standing still"])
def test_where_jobs_wait_and_nobody_works_something_must_be_completed(rates: dict[str, float]) -> None:
    assert watched(ground("bullmq", depth=9.0, **rates)) == [
        ("depth of mail", Must.IMPROVE, False),
        ("completed/s of mail", Must.IMPROVE, True),
        ("failing share of mail", Must.KEEP, False),
    ]


def test_what_completes_already_must_not_complete_less() -> None:
    found = ground(depth=9.0, completed=20.0, failed=0.1)
    _, completed, share = queue_watches(GROUP, found, is_up=True)
    assert (completed.must, completed.goal) == (Must.KEEP, None)
    assert (share.beside, share.tolerance) == ("queue.completed", 0.5)
    assert list(unmeasured(GROUP, found)) == []


def test_fewer_workers_must_make_nothing_worse() -> None:
    assert watched(ground(depth=9.0), is_up=False) == [
        ("depth of mail", Must.KEEP, False),
        ("failing share of mail", Must.KEEP, False),
    ]


def test_what_has_no_figures_yet_is_said() -> None:
    (words,) = unmeasured(GROUP, ground(depth=9.0, completed=0.0))
    assert words.startswith("failing jobs of mail until now: not measured")
    (words,) = unmeasured(GROUP, ground("list", depth=9.0))
    assert "a plain list does not tell" in words
    assert watched(ground("list", depth=9.0)) == [("depth of mail", Must.IMPROVE, False)]
