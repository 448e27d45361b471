"""Files that look old, walked and deleted without a runner."""

import os
import time
from pathlib import Path

from perftui.actions.cleanup.folder_fd import opened
from perftui.actions.cleanup.open_inodes import OpenInodes
from perftui.actions.cleanup.patterns import Pattern
from perftui.actions.cleanup.remove import Removal
from perftui.actions.cleanup.walk import Criteria, Tree, Walk

DAY = 86400.0
NOBODY = OpenInodes(frozenset(), frozenset(), 0, 0)
LATER = 30 * DAY
"""The walk looks from so far in the future: ctime cannot be set, so that what is made now is old by then."""


def criteria(**changes: object) -> Criteria:
    values: dict[str, object] = {
        "owner": os.geteuid(),
        "now": time.time() + LATER,
        "older_than": 10 * DAY,
        "folders": True,
    }
    return Criteria(**(values | changes))  # type: ignore[arg-type]


def walked(
    root: Path,
    wanted: Criteria | None = None,
    *,
    used: OpenInodes = NOBODY,
    pattern: Pattern | None = None,
    keep: int = 0,
) -> Tree:
    with opened(str(root)) as descriptor:
        return Walk(str(root), descriptor, wanted or criteria(), used, lambda: False, pattern, keep).run()


def removed(*trees: Tree) -> Removal:
    removal = Removal(list(trees), lambda: False)
    try:
        removal.open()
        while removal.step(50):
            pass
    finally:
        removal.close()
    return removal


def names(tree: Tree) -> set[str]:
    """Return what is to go, relative to the root; folders end in a slash."""
    return {path.removeprefix(tree.path + "/") for path in tree.paths()}


def everything(root: Path) -> set[str]:
    """Return what there is, in the same way."""
    return {
        str(each.relative_to(root)) + ("/" if each.is_dir() and not each.is_symlink() else "")
        for each in root.rglob("*")
    }


def make(root: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
