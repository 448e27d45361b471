"""Sessions that others wait for, as the table `locks` of a source last showed them."""

from collections import Counter
from typing import NamedTuple

from perftui.core.reading import Cell, Table
from perftui.core.units import seconds

METRICS = ("mysql.lock.root_blocker.age", "mysql.metadata_locks.waiting", "mysql.row_locks.waiting")
"""What alerts on them, or on those that wait for them, are about."""
_SLEEPS = "Sleep"


class Blocker(NamedTuple):
    """A session that `waiting` others wait for: its transaction's age in seconds, and what of it they wait for.

    `sure` is `yes` where the server itself says so, else how likely it is: `likely`, `1 of 3`.
    """

    id: int
    age: float | None
    waiting: int
    locks: tuple[str, ...]
    doing: str
    sure: str

    @property
    def sleeps(self) -> bool:
        """Whether it does nothing but hold its transaction open."""
        return self.doing == _SLEEPS

    @property
    def brief(self) -> str:
        """Return its age and who waits: `open for 2m10s, 3 sessions wait for it (likely)`."""
        age = "" if self.age is None else f"open for {seconds(self.age)}, "
        who = "1 session waits" if self.waiting == 1 else f"{self.waiting:,} sessions wait"
        return f"{age}{who} for it" + ("" if self.sure == "yes" else f" ({self.sure})")

    @property
    def words(self) -> str:
        """Return that, and what it locks."""
        return f"{self.brief}; locks {', '.join(self.locks)}"


def blockers(table: Table | None) -> dict[int, Blocker]:
    """Return the sessions that others wait for by their ids, the oldest first."""
    if table is None:
        return {}
    found: dict[int, list[dict[str, Cell]]] = {}
    for cells in table.rows:
        row = dict(zip(table.columns, cells, strict=True))
        if isinstance(row["blocker"], int):
            found.setdefault(row["blocker"], []).append(row)
    every = [_blocker(id, rows) for id, rows in found.items()]
    return {each.id: each for each in sorted(every, key=lambda each: -(each.age or 0.0))}


def _blocker(id: int, rows: list[dict[str, Cell]]) -> Blocker:
    locks = Counter(f"{row['object'] or 'a table'} ({row['kind']})" for row in rows)
    age = rows[0]["blocker_seconds"]
    doubts = [str(row["sure"]) for row in rows if row["sure"] != "yes"]
    return Blocker(
        id=id,
        age=float(age) if isinstance(age, (int, float)) else None,
        waiting=len(rows),
        locks=tuple(name for name, _ in locks.most_common(3)),
        doing=str(rows[0]["blocker_doing"]),
        sure="yes" if len(doubts) < len(rows) else doubts[0],
    )
