"""Screen 9: what runs comes first, then what was done, with its proof; each action once."""

from perftui.tui.panes import actions
from perftui.tui.widgets.text import plain
from tests.support import acts, states


def lines(cells: int = 200) -> list[str]:
    return [plain(row.lines[0]) for row in actions.draw(acts.with_actions(states.incident()), cells).rows]


def test_each_action_stands_there_once_the_running_one_first() -> None:
    found = lines()
    assert len(found) == 5
    assert "restart worker@1.service" in found[0]
    assert "running 40 %" in found[0]


def test_a_finished_one_says_how_it_ended_what_proved_it_and_whether_it_can_be_taken_back() -> None:
    tuned = lines()[1]
    for words in ("ada", "raise maxmemory of cache-2 to 6 GiB", "succeeded", "● recovered", " u ", "reason: ticket 7"):
        assert words in tuned


def test_what_only_the_audit_log_knows_has_its_day() -> None:
    assert "2d ago" in lines()[-1]
    assert "interrupted" in lines()[-1]


def test_nothing_done_yet_is_said() -> None:
    assert actions.draw(states.bare(), 80).empty == "nothing has been done from here yet"


def test_what_was_part_of_another_says_of_which() -> None:
    state = acts.with_actions(states.incident())
    part = acts.audited("p9", 300, title="free cache-1", part_of="p8")
    state.audit = (part, acts.audited("p8", 301, title="memory cleanup: 3 parts"), *state.audit)
    found = [plain(row.lines[0]) for row in actions.draw(state, 200).rows]
    assert ["part of memory cleanup: 3 parts; 5,700 expired keys freed" in line for line in found].count(True) == 1
    state.audit = (part,)
    assert "part of p8" in plain(actions.draw(state, 200).rows[-1].lines[0])
