"""Where the console cannot be: no terminal, or one that cannot show it."""

import os

_INSTEAD = "use `perftui --plain` or `perftui check`"


def refusal() -> str | None:
    """Return why a screen cannot stand here, in one line that says what to do; None when it can."""
    for descriptor, name in ((0, "standard input"), (1, "standard output")):
        if not os.isatty(descriptor):
            return f"the console needs a terminal, and {name} is not one; {_INSTEAD}"
    term = os.environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        what = f"TERM={term}" if term else "TERM is not set"
        return f"the console needs a terminal that can place text ({what}); set TERM, or {_INSTEAD}"
    return None
