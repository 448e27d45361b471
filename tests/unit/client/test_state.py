import pytest

from perftui.client.state import Link
from perftui.core.status import SourceState
from tests.support import states


@pytest.mark.parametrize(
    ("link", "age", "stale"),
    [
        (Link.LIVE, 4.9, False),
        (Link.LIVE, 5.1, True),
        (Link.LOST, 1.9, False),
        (Link.LOST, 2.1, True),
    ],
)
def test_figures_are_stale_by_their_age_and_sooner_without_an_agent(link: Link, age: float, stale: bool) -> None:
    state = states.bare()
    states.add(state, "cache-1", "redis", states.redis(), age=age)
    state.link = link
    assert state.is_stale("cache-1") is stale


def test_a_source_without_figures_is_stale() -> None:
    state = states.bare()
    states.add(state, "cache-1", "redis", status=SourceState.WAITING)
    assert state.is_stale("cache-1") and state.is_stale("nobody")
