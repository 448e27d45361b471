"""What `cleanup.connections` says: the preview, what cannot be known, and what to beware of."""

from collections.abc import Mapping

from perftui.actions.cleanup.blockers import Blocker
from perftui.actions.cleanup.sleepers import Around, Choice, Session, Wanted
from perftui.core.action import Line
from perftui.core.units import seconds

_TOP = 8


def number_of(connections: int) -> str:
    """Return how many connections in words."""
    return "1 sleeping connection" if connections == 1 else f"{connections:,} sleeping connections"


def preview(choice: Choice, wanted: Wanted, blocking: Mapping[int, Blocker]) -> tuple[Line, ...]:
    """Return what would be closed, whom of that others wait for, and what is left alone."""
    after = choice.total - len(choice.chosen)
    lines = [
        Line("connections", f"{choice.total:,}", f"{after:,}, and whoever connects anew"),
        Line(f"idle for {seconds(wanted.idle)} or longer", f"{len(choice.chosen) + choice.left.total():,}"),
    ]
    held_up = [(each, blocking[each.id]) for each in choice.chosen if each.id in blocking]
    lines += [Line(f"#{each.id} holds up others", blocker.words, "closed") for each, blocker in held_up[:_TOP]]
    lines += [Line(f"left alone, {reason}", f"{number:,}", f"{number:,}") for reason, number in choice.left.items()]
    if choice.chosen:
        lines.append(Line("aborted clients, as the server counts", after=f"{len(choice.chosen):,} more: expected"))
    return tuple(lines)


def unknown(around: Around) -> tuple[str, ...]:
    """Return what nobody can tell beforehand."""
    lost = "what the sessions hold: temporary tables, LOCK TABLES, GET_LOCK, variables; it is lost with them"
    programs = "which programs they are: performance_schema is off or may not be read; backups are told by their user"
    return (lost, programs) if around.programs is None else (lost,)


def warnings(choice: Choice, wanted: Wanted, with_transaction: list[Session]) -> tuple[str, ...]:
    """Return what one should know before."""
    if not choice.chosen and wanted.id:
        return (f"#{wanted.id} does not sleep for {seconds(wanted.idle)}, or has gone, or may not be closed",)
    if not choice.chosen:
        return ("nothing sleeps for that long that may be closed",)
    if not with_transaction:
        return ()
    changed = sum(each.transaction.changed for each in with_transaction if each.transaction is not None)
    number = len(with_transaction)
    words = "1 OPEN TRANSACTION is" if number == 1 else f"{number:,} OPEN TRANSACTIONS are"
    found = [f"{words} rolled back, with {'1 changed row' if changed == 1 else f'{changed:,} changed rows'}"]
    if wanted.id and all(each.transaction is not None and each.transaction.only_reads for each in with_transaction):
        found.append(f"#{wanted.id} only reads: if that is the snapshot of a backup, the backup fails")
    return tuple(found)
