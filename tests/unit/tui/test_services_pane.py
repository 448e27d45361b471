"""The services: what failed stands first, what is not known is not guessed."""

from perftui.core.status import SourceState
from perftui.tui.panes import services
from perftui.tui.widgets.text import plain
from tests.support import acts, states


def lines(cells: int = 140) -> list[str]:
    content = services.draw(acts.with_services(states.bare()), cells)
    return [plain(row.lines[0]) for row in content.rows]


def test_the_worst_comes_first() -> None:
    assert [line.split()[1] for line in lines()] == [
        "worker@1.service",
        "app.service",
        "backup.service",
        "nginx.service",
    ]


def test_a_failed_unit_says_how_it_ended_and_how_often_it_was_restarted() -> None:
    failed = lines()[0]
    assert failed.startswith("✖")
    for words in ("failed", "exit 137", "2m54s", " 4 "):
        assert words in failed
    assert "– " in failed, "memory of what does not run is missing, not 0"


def test_a_row_carries_what_an_action_on_it_goes_by() -> None:
    row = services.draw(acts.with_services(states.bare()), 120).rows[0]
    assert (row.source, row.params) == ("systemd", (("unit", "worker@1.service"),))


def test_a_source_that_does_not_answer_is_named_above_its_units() -> None:
    state = acts.with_services(states.bare())
    states.add(state, "jobs", "supervisor", status=SourceState.FAILING, error="no such file: /run/supervisor.sock")
    first = services.draw(state, 140).rows[0]
    assert "jobs" in plain(first.lines[0])
    assert "no such file" in plain(first.lines[1])


def test_without_any_it_says_so() -> None:
    assert services.draw(states.bare(), 80).empty == "no systemd or supervisor here"
