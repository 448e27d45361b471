"""What pins something that the user declared between its preview and its change: its definition, and its program."""

import hashlib
import shutil
from pathlib import Path

import msgspec

from perftui.connect.program import environment
from perftui.core.aside import ask_aside
from perftui.core.errors import Refused
from perftui.core.text import clean

_LOOK_LIMIT = 2.0


def definition(table: msgspec.Struct) -> dict[str, str]:
    """Return what tells one definition from another; where a secret is referred to, only that it is."""
    content = msgspec.json.encode(table, enc_hook=repr, order="sorted")
    return {"definition": hashlib.sha256(content).hexdigest()[:16]}


async def program_file(word: str) -> dict[str, str]:
    """Return where a program is and which file that is. Raises Refused where there is none that can be run."""
    return await ask_aside(f"the program {clean(word, 100)}", lambda: _program_file(word), _LOOK_LIMIT)


def _program_file(word: str) -> dict[str, str]:
    path = shutil.which(word, path=environment({})["PATH"])
    try:
        found = Path(path).stat() if path is not None else None
    except OSError:
        found = None
    if found is None:
        raise Refused("target", f"there is no program {clean(word, 100)}", "install it, or mend its path")
    which = f"inode {found.st_ino}, {found.st_size} bytes, changed {found.st_mtime_ns}"
    return {"program": clean(str(path), 200), "file": which}
