"""Who is blamed for a wait, and how sure that is."""

from perftui.collectors.mysql_locks import Holder, Wait, find_metadata_blockers, lock_table, root_blocker_age, root_of
from perftui.collectors.mysql_sessions import Session


def session(
    number: int, seconds: float, *, waits: bool = False, transaction: float | None = None, statement: str = ""
) -> Session:
    command, state = ("Query", "Waiting for table metadata lock") if waits else ("Sleep", "")
    return Session(number, "app", "web-1", "shop", command, seconds, state, statement, waits, transaction)


def test_the_only_transaction_that_is_old_enough_is_likely_the_blocker() -> None:
    waiting = session(3, 10, waits=True)
    sessions = [waiting, session(1, 50, transaction=60), session(2, 1, transaction=2)]
    assert find_metadata_blockers(sessions, []) == [Wait(3, 1, "metadata", "", 10, "likely")]


def test_of_several_candidates_the_oldest_is_named_and_their_number_said() -> None:
    sessions = [session(3, 10, waits=True), session(1, 50, transaction=60), session(2, 1, transaction=20)]
    assert find_metadata_blockers(sessions, [])[0].sure == "1 of 2"


def test_a_waiting_session_is_no_candidate_and_without_one_the_blocker_is_unknown() -> None:
    sessions = [session(3, 10, waits=True, transaction=60), session(4, 5, waits=True)]
    assert [(wait.blocker, wait.sure) for wait in find_metadata_blockers(sessions, [])] == [(0, "unknown")] * 2


def test_a_holder_of_the_table_that_is_named_is_known() -> None:
    waiting = session(3, 10, waits=True, statement="ALTER TABLE `orders` ADD x INT")
    holders = [Holder(1, "shop", "order"), Holder(2, "shop", "orders"), Holder(3, "shop", "orders")]
    assert find_metadata_blockers([waiting], holders) == [Wait(3, 2, "metadata", "shop.orders", 10)]


def test_a_chain_is_followed_to_its_root_and_a_circle_ends() -> None:
    assert root_of(4, {4: 3, 3: 2, 2: 1}) == 1
    assert root_of(1, {1: 2, 2: 1}) in (1, 2)


def test_the_root_that_blocks_most_stands_on_top() -> None:
    waits = [Wait(11, 10, "row", "shop.a", 5), Wait(3, 2, "row", "shop.b", 4), Wait(2, 1, "row", "shop.b", 9)]
    table = lock_table(waits, [session(1, 30, transaction=40)])
    shown = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(row["blocker"], row["waiting"]) for row in shown] == [(1, 2), (1, 3), (10, 11)]
    assert (shown[0]["blocker_doing"], shown[0]["blocker_seconds"]) == ("Sleep", 40)
    assert shown[2]["blocker_user"] == ""


def test_an_unknown_blocker_is_absent_and_not_zero() -> None:
    table = lock_table([Wait(3, 0, "metadata", "", 4, "unknown")], [])
    assert table.rows[0][0] is None


def test_a_waiting_session_has_one_row_and_a_blocker_that_does_not_wait_wins() -> None:
    table = lock_table([Wait(3, 2, "row", "t", 4), Wait(3, 1, "row", "t", 4), Wait(2, 1, "row", "t", 6)], [])
    assert [(row[0], row[4]) for row in table.rows] == [(1, 2), (1, 3)]


def test_the_age_of_the_root_blocker_is_of_its_transaction_and_zero_when_nobody_waits() -> None:
    waits = [Wait(3, 2, "row", "shop.b", 4), Wait(2, 1, "row", "shop.b", 9), Wait(11, 10, "row", "shop.a", 5)]
    sessions = [session(1, 30, transaction=40), session(2, 9, transaction=90), session(10, 5)]
    assert root_blocker_age(waits, sessions) == 40
    assert root_blocker_age(waits[2:], sessions) == 5
    assert root_blocker_age([], sessions) == 0


def test_the_age_of_a_root_blocker_that_nobody_knows_is_absent() -> None:
    assert root_blocker_age([Wait(3, 0, "metadata", "", 4, "unknown")], [session(1, 30)]) is None
    assert root_blocker_age([Wait(3, 99, "row", "t", 4)], [session(1, 30)]) is None
