"""What who comes second is told."""

from perftui.core.errors import Refused
from perftui.core.text import clean

ALREADY = "no lease of its own: this agent holds the same server already, under another name"


def held_by(holder: str, target: str) -> Refused:
    """Return the refusal that names who holds a target."""
    return Refused("lock", f"{clean(holder, 200)} holds {target}", "wait for its end, or cancel it there")
