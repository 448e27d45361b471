"""The last lines that a unit wrote to the journal, through `journalctl`.

journalctl(1): `-q` leaves out "-- No entries --" and the hint that other users' messages are hidden; root and the
groups adm and systemd-journal read everything, others only their own.
"""

from perftui.connect.program import ask_program, said
from perftui.connect.systemctl import ENVIRONMENT, Scope
from perftui.core.errors import BadAnswer

DEADLINE = 3.0
LONGEST_LINE = 300


async def journal_lines(unit: str, count: int = 10, scope: Scope = "system") -> tuple[str, ...]:
    """Return the last `count` lines that may be read, oldest first, fit for the screen. Raises SourceError."""
    which = f"--user-unit={unit}" if scope == "user" else f"--unit={unit}"
    words = ["journalctl", which, f"--lines={count}", "--output=short-iso", "--no-pager", "--quiet"]
    ended = await ask_program(words, DEADLINE, ENVIRONMENT)
    if ended.status:
        raise BadAnswer(f"journalctl: {ended.reason}")
    lines = [line for line in ended.output.splitlines() if line.strip()]
    return tuple(said(line, LONGEST_LINE) for line in lines[-count:])
