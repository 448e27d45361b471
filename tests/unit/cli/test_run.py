"""How `perftui run` shows a plan and a run; the command itself is tested with a real agent and server."""

import pytest

from perftui.cli import main
from perftui.cli.run_text import preview, result
from perftui.core.action import Line, Outcome, Plan, Proof, Risk, Run

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
    estimate=0.01,
)


def test_a_preview_says_everything_that_is_known_and_not() -> None:
    assert preview(PLAN).splitlines() == [
        "free expired keys on cache-1",
        "  db0                              10 keys -> at most 7 freed",
        "  takes about 1 s   risk low   undo no",
        "  rests on  INFO, just read",
        "  unknown   how many have expired",
        "  warning   a cluster",
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


@pytest.mark.parametrize("words", [["run"], ["run", "cleanup.expired"], ["run", "a", "b", "--nope"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.run(words)
    assert caught.value.code == 2
