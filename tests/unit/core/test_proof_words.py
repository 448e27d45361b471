"""What will prove a plan, in words."""

import pytest

from perftui.core.action import Must, Plan, Risk, Watch
from perftui.core.metric import Direction
from perftui.core.proof_words import proof_words


@pytest.mark.parametrize(
    ("metric", "label", "must", "bad", "goal", "words"),
    [
        ("service.up", "web is up", Must.IMPROVE, "down", 1.0, "web is up"),
        ("http.up", "shop is up", Must.KEEP, "down", None, "shop is up"),
        ("queue.completed", "completed/s", Must.IMPROVE, "down", 1e-6, "completed/s above 0"),
        ("queue.depth", "depth", Must.IMPROVE, "up", None, "depth down"),
        ("queue.depth", "depth", Must.KEEP, "up", None, "depth not up"),
        ("redis.hit_ratio", "hit rate", Must.IMPROVE, "down", 0.8, "hit rate above 80 %"),
    ],
)
def test_each_watch_says_what_is_waited_for(
    metric: str, label: str, must: Must, bad: Direction, goal: float | None, words: str
) -> None:
    watch = Watch(label=label, source="there", metric=metric, bad=bad, must=must, goal=goal)
    plan = Plan(
        id="p", action="a.b", title="", target="there", digest="", expires=0.0, risk=Risk.LOW, reversible=False,
        confirm="y", command="", watches=(watch,), window=30.0,
    )  # fmt: skip
    assert proof_words(plan) == [f"{words}; watched for 30 s"]
