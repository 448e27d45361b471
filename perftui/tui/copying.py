"""Text for elsewhere: into the clipboard of the terminal, and into a file in case that takes nothing."""

import base64
import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perftui.core.aside import ask_aside
from perftui.core.errors import DeadlineExceeded
from perftui.core.text import clean
from perftui.tui.handover import hand_over_text
from perftui.tui.markdown import alert_text, folded_text, row_text
from perftui.tui.panes.content import Row

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

DEADLINE = 5.0
"""Seconds that the disk has."""
LARGEST = 55_000
"""Bytes of text that go to the clipboard: terminals cut what is longer than about 74 kB in base64, or drop it."""
_CHUNK = 252
"""Characters of a string that every GNU screen passes on in one piece."""
_CUT = "\n\n(cut here: the whole of it is in the file)\n"


def copy(app: "PerftuiApp", row: Row | None) -> None:
    """Copy a row as Markdown: an alert with all that belongs to it, else the facts that stand behind the row."""
    if row is None:
        app.say("select a row first")
        return
    state = app.shown
    if row.alert is not None:
        text = alert_text(state, row.alert)
    else:
        text = folded_text(state, row.folded) if row.folded else row_text(state, row)
    _publish(app, "copied", text)


def hand_over(app: "PerftuiApp") -> None:
    """Write what the next shift has to know, and copy it."""
    _publish(app, "handover", hand_over_text(app.shown))


def clipboard_sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return what puts `text` into the terminal's clipboard (OSC 52); empty for a terminal that has none.

    tmux takes the plain sequence for itself; GNU screen passes it on, in pieces.
    """
    term = environ.get("TERM", "")
    if term == "linux":
        return ""
    data = text.encode()
    if len(data) > LARGEST:
        kept = data[: LARGEST - len(_CUT)].decode("utf-8", "ignore")
        data = (kept[: kept.rfind("\n")] + _CUT).encode()
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\a"
    if not term.startswith("screen") or environ.get("TMUX"):
        return sequence
    pieces = (sequence[start : start + _CHUNK] for start in range(0, len(sequence), _CHUNK))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def _publish(app: "PerftuiApp", name: str, text: str) -> None:
    sequence = clipboard_sequence(text, app.environ)
    if sequence:
        app.to_terminal(sequence)
    stem = f"{name}-{datetime.fromtimestamp(app.clock.wall(), UTC):%Y%m%d-%H%M%S}"
    app.start(_keep(app, stem, text, is_copied=bool(sequence)), "copy")


async def _keep(app: "PerftuiApp", stem: str, text: str, *, is_copied: bool) -> None:
    """Write the file, and tell what became of both."""
    try:
        path = await ask_aside("the state folder", lambda: _write(stem, text), DEADLINE, key=object())
    except (DeadlineExceeded, OSError) as error:
        problem = str(error)
    else:
        hint = "; tmux passes it on with set-clipboard on" if is_copied and app.environ.get("TMUX") else ""
        shown = _shown(path)
        app.say(f"copied (also in {shown}){hint}" if is_copied else f"in {shown}: this terminal has no clipboard")
        return
    app.say(f"copied; not written, {problem}" if is_copied else f"neither copied nor written: {problem}")


def _write(stem: str, text: str) -> Path:
    """Write a file of mode 0600 that was not there before, and return its path; blocks.

    Raises OSError, whose text names the folder: the file has another name until it is whole.
    """
    # Here, because they take time to import that the first keys would wait for.
    from perftui.config.paths import state_dir
    from perftui.config.replace import replace_file

    folder = state_dir()
    try:
        path = next(each for each in _paths(folder, stem) if not each.exists())
        replace_file(path, text.encode())
    except OSError as error:
        raise OSError(f"{_shown(folder)}: {(error.strerror or type(error).__name__).lower()}") from error
    return path


def _paths(folder: Path, stem: str) -> Iterator[Path]:
    yield folder / f"{stem}.md"
    for number in itertools.count(2):
        yield folder / f"{stem}-{number}.md"


def _shown(path: Path) -> str:
    """Return a path as it is typed, `~` for the user's home."""
    try:
        return clean(f"~/{path.relative_to(Path.home())}")
    except (ValueError, RuntimeError):  # It lies elsewhere, or nobody knows where home is.
        return clean(str(path))
