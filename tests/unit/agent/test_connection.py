import msgspec

from perftui.agent.connection import parts
from perftui.core.wire import MAX_LINE, MAX_UPDATE, Update, line


def test_a_large_state_travels_in_parts_of_which_none_comes_near_the_limit() -> None:
    state = {f"reading/{number}": msgspec.Raw(b'"' + b"x" * 3000 + b'"') for number in range(800)}
    found = list(parts(state))
    assert len(found) > 4
    assert {topic for part in found for topic in part} == set(state)
    assert all(len(line(Update(1, part))) < MAX_UPDATE + 100_000 < MAX_LINE for part in found)


def test_a_small_state_is_one_part_and_nothing_is_none() -> None:
    assert list(parts({"alerts": msgspec.Raw(b"1")})) == [{"alerts": msgspec.Raw(b"1")}]
    assert list(parts({})) == []
