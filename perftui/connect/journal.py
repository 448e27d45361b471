"""The last lines that a unit wrote to the journal, through `journalctl`.

journalctl(1): `-q` leaves out "-- No entries --" and the hint that other users' messages are hidden; root and the
groups adm and systemd-journal read everything, others only their own.
"""

from perftui.connect.program import run_program
from perftui.connect.systemctl import ENVIRONMENT, Scope
from perftui.core.errors import BadAnswer
from perftui.core.text import clean

DEADLINE = 3.0
LONGEST_LINE = 300


async def journal_lines(unit: str, count: int = 10, scope: Scope = "system") -> tuple[str, ...]:
    """Return the last `count` lines, oldest first, cleaned; none where nothing may be read. Raises SourceError."""
    which = f"--user-unit={unit}" if scope == "user" else f"--unit={unit}"
    words = ["journalctl", which, f"--lines={count}", "--output=short-iso", "--no-pager", "--quiet"]
    ended = await run_program(words, DEADLINE, ENVIRONMENT)
    if ended.status:
        raise BadAnswer(f"journalctl: {ended.reason}")
    lines = [line for line in ended.output.splitlines() if line.strip()]
    return tuple(clean(line, LONGEST_LINE) for line in lines[-count:])
