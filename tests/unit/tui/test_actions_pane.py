"""Screen 9: what runs comes first, then what was done, with its proof; each action once."""

from perftui.core.action import Undo
from perftui.tui.panes import actions
from perftui.tui.widgets.text import plain, width
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
    (line,) = [plain(row.lines[0]) for row in actions.draw(state, 200).rows if row.id == "p9"]
    assert "part of p8" in line


def test_the_newest_comes_first_also_where_the_log_and_the_runs_tell_of_it() -> None:
    state = acts.with_actions(states.incident())
    state.audit = (acts.audited("p0", 9000), acts.audited("new", 1, title="the newest"), *state.audit)
    assert [row.id for row in actions.draw(state, 80).rows] == ["p1", "new", "p2", "p3", "p4", "p0", "p5"]
    assert plain(actions.draw(state, 80).note) == "7 actions · 1 running"


def test_on_a_small_screen_the_glyphs_of_outcome_and_proof_stay() -> None:
    state = acts.with_actions(states.incident())
    state.audit = (*state.audit, acts.audited("bad", 400, outcome="partial", proof="worse"))
    found = {row.id: row.lines[0] for row in actions.draw(state, 56).rows}
    assert plain(found["bad"]).startswith("▲") and plain(found["bad"]).rstrip().endswith("✖")
    assert plain(found["p2"]).startswith("●") and plain(found["p2"]).rstrip().endswith("●")
    assert all(width(line) <= 56 for line in found.values())


def test_what_was_taken_back_offers_no_undo() -> None:
    state = acts.with_actions(states.incident())
    state.runs = ()
    undo = Undo(action="cache.tune", params={})
    state.audit = (acts.audited("p1", 5, undo=undo), acts.audited("p2", 6, undo=undo, undone=True))
    assert [" u " in plain(row.lines[0]) for row in actions.draw(state, 200).rows] == [True, False]
