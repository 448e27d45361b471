"""What was done, told: the receipts of keys written and of URLs asked."""

from perftui.actions.cache.warming import room
from perftui.actions.cache.warming.packed import PackedItems
from perftui.actions.cache.warming.visits import Visits
from perftui.actions.cache.warming.writer import Tally
from perftui.actions.contract import Receipt
from perftui.actions.pace import Pacer
from perftui.actions.redis.link import number
from perftui.core.action import Line
from perftui.core.units import seconds


def written_receipt(tally: Tally, pinned: PackedItems, before: room.Info, pacer: Pacer) -> Receipt:
    """Return what became of the keys."""
    lines = [
        Line("keys written", after=f"{tally.written:,}"),
        Line("there already, left as they are", after=f"{tally.there:,}"),
        Line("server held up, p99", after=str(seconds(pacer.p99))),
    ]
    failed = tally.failed + pinned.bad
    if failed:
        lines.append(Line("failed", after=f"{failed:,}; the first: {tally.first_failure or pinned.first_bad}"))
    if tally.in_doubt:
        lines.append(Line("not known", after=f"{tally.in_doubt:,} keys were on their way when it broke off"))
    untouched = pinned.count - tally.done - tally.in_doubt
    if untouched:
        lines.append(Line("not written", after=f"{untouched:,}"))
    message = f"{tally.written:,} keys written, {tally.there:,} were there"
    return Receipt(
        message=message if tally.complete or tally.problem else f"{message}; cancelled before the end",
        lines=tuple(lines),
        complete=tally.complete,
        applied=tally.written,
        left=tally.there,
        failed=failed,
        problem=tally.problem,
        facts={
            "written": float(tally.written),
            "answered": float(tally.written + tally.there),
            "planned": float(pinned.count),
            "evicted": number(before, "evicted_keys"),
            "memory": number(before, "used_memory"),
        },
    )


def visited_receipt(visits: Visits, total: int, before: room.Info) -> Receipt:
    """Return what became of the URLs."""
    statuses = ", ".join(f"{number:,} × {status}" for status, number in sorted(visits.statuses.items()))
    lines = [Line("answers", after=statuses or "none")]
    if visits.first_failure:
        lines.append(Line("failed", after=f"{visits.failed:,}; the first: {visits.first_failure}"))
    rest = total - visits.done - visits.failed
    if rest:
        lines.append(Line("not asked", after=f"{rest:,}"))
    message = f"{visits.done:,} of {total:,} URLs answered well"
    return Receipt(
        message=message if visits.complete or visits.problem else f"{message}; cancelled before the end",
        lines=tuple(lines),
        complete=visits.complete and not visits.problem,
        applied=visits.done,
        failed=visits.failed,
        problem=visits.problem,
        facts={"evicted": number(before, "evicted_keys")},
    )
