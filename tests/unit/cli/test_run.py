"""How `perftui run` shows a plan and a run; the command itself is tested with a real agent and server."""

import pytest

from perftui.cli import main
from perftui.cli.run_text import preview, result
from perftui.core.action import Line, Must, Outcome, Plan, Proof, Risk, Run, Undo, Watch

PLAN = Plan(
    id="p",
    action="cleanup.expired",
    title="free expired keys on cache-1",
    target="cache-1",
    digest="d",
    expires=1.0,
    risk=Risk.LOW,
    reversible=False,
    confirm="y",
    command="redis-cli --scan",
    lines=(Line("db0", "10 keys", "at most 7 freed"),),
    rests_on=("INFO, just read",),
    unknown=("how many have expired",),
    warnings=("a cluster",),
    guards=("cooldown: none",),
    targets=tuple(f"db{number}" for number in range(12)),
    count=15,
    watches=(
        Watch(label="hit rate", source="cache-1", metric="redis.hit_ratio", bad="down", must=Must.IMPROVE, goal=0.7),
        Watch(label="evictions", source="cache-1", metric="redis.keys.evicted"),
    ),
    window=30.0,
    estimate=0.01,
)


def test_a_preview_says_everything_that_is_known_and_not() -> None:
    assert preview(PLAN).splitlines() == [
        "free expired keys on cache-1",
        "  db0                              10 keys -> at most 7 freed",
        *(f"  target    db{number}" for number in range(10)),
        "  target    and 5 more",
        "  takes about 1 s   risk low   undo no",
        "  warning   a cluster",
        "  guard     cooldown: none",
        "  rests on  INFO, just read",
        "  proof     hit rate above 70 %, evictions not up; watched for 30 s",
        "  unknown   how many have expired",
        "  same as   redis-cli --scan",
    ]


def test_a_result_ends_with_its_proof() -> None:
    lines = (Line("keys", "10", "3"), Line("freed", after="7"))
    run = Run(plan=PLAN, outcome=Outcome.SUCCEEDED, proof=Proof.RECOVERED, message="7 freed", lines=lines)
    assert result(run).splitlines() == [
        "succeeded: 7 freed",
        "  keys                             10 -> 3",
        "  freed                            7",
        "  proof     recovered",
    ]


def test_a_result_says_what_was_not_done_and_how_to_take_back_what_was() -> None:
    undo = Undo(action="cache.tune", params={"maxmemory": "1GiB"}, title="set maxmemory back to 1 GiB")
    run = Run(plan=PLAN, outcome=Outcome.PARTIAL, message="3 of 5", failed=1, left=1, undo=undo)
    assert result(run).splitlines() == [
        "partial: 3 of 5 (1 left alone, 1 failed)",
        "  proof     pending",
        "  undo      perftui undo p   (set maxmemory back to 1 GiB)",
    ]


@pytest.mark.parametrize("words", [["run"], ["run", "cleanup.expired"], ["run", "a", "b", "--nope"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.run(words)
    assert caught.value.code == 2
