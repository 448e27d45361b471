"""What is not known about a queue is not shown as well."""

import pytest

from perftui.tui.panes import queues
from perftui.tui.widgets.text import plain
from tests.support import states


def glyph(added: float, done: float, workers: float | None, depth: float = 120) -> str:
    """Return the state glyph of a queue with such figures."""
    state = states.bare()
    states.add(state, "jobs", "redis", states.queue("mail", depth, 3, 0, added, done, workers))
    return plain(queues.draw(state, 100).rows[0].lines[0])[0]


@pytest.mark.parametrize(
    ("shown", "figures"),
    [
        ("?", (5.0, 0.0, None)),
        ("●", (5.0, 2.0, None)),
        ("●", (0.0, 0.0, None)),
        ("●", (5.0, 0.0, 2.0)),
        ("●", (5.0, 0.0, None, 0)),
    ],
    ids=["abandoned, maybe", "completes", "does not grow", "has workers", "is empty"],
)
def test_a_queue_that_only_grows_is_not_well_when_its_workers_are_unknown(
    shown: str, figures: tuple[float, float, float | None]
) -> None:
    assert glyph(*figures) == shown
