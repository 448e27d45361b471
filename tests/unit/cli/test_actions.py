"""`perftui actions`: what can be done, on what, and with which parameters."""

from perftui.cli.actions import _lines
from perftui.core.action import ActionInfo, Param, Risk
from perftui.core.status import SourceStatus

INFO = ActionInfo(
    id="cache.tune",
    title="Tune memory",
    key="o",
    risk=Risk.MEDIUM,
    reversible=True,
    kinds=("redis", "keydb"),
    params=(
        Param(name="policy", help="which keys go", choices=("noeviction", "allkeys-lru")),
        Param(name="samples", help="how many", default="5"),
        Param(name="unit", help="which", required=True),
    ),
)


def test_an_action_has_its_targets_and_parameters_below_it() -> None:
    sources = [SourceStatus(name="cache-1", kind="redis"), SourceStatus(name="web", kind="http")]
    assert _lines(INFO, sources) == [
        "cache.tune             medium   yes    Tune memory",
        "    on cache-1",
        "    policy=noeviction|allkeys-lru     which keys go",
        "    samples=5                         how many",
        "    unit=…                            which",
    ]


def test_one_without_a_target_says_what_it_works_on() -> None:
    assert _lines(INFO, [])[1] == "    on none here; it works on redis and keydb"
