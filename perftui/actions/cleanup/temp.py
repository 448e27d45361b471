"""`cleanup.temp`: delete what nobody has touched for days from /tmp, /var/tmp and $TMPDIR, and from nowhere else.

Only files of the user that the agent runs as, whoever that is: root deletes root's. Other folders are for
`cleanup.files`, where their owner names them in the configuration.
"""

import os
import shlex
import stat

from perftui.actions.cleanup.file_cleanup import FileCleanup
from perftui.actions.cleanup.file_survey import Aim, Place
from perftui.actions.cleanup.protected import protected
from perftui.actions.cleanup.walk import Criteria
from perftui.actions.params import Params
from perftui.core.action import ActionInfo, Param, ParamKind, Risk
from perftui.core.errors import Refused
from perftui.core.text import clean

ALWAYS = ("/tmp", "/var/tmp")


class CleanupTemp(FileCleanup):
    """Deletes old temporary files, and old folders that it has emptied."""

    info = ActionInfo(
        id="cleanup.temp",
        title="Delete old temporary files",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("system",),
        params=(
            Param(
                name="paths", help="folders, comma-separated: below /tmp, /var/tmp, $TMPDIR", default="/tmp,/var/tmp"
            ),
            Param(
                name="older_than",
                help="nobody read, wrote or moved it for so long",
                kind=ParamKind.DURATION,
                default="10d",
                least=3600.0,
            ),
            Param(name="larger_than", help="only files larger than that", kind=ParamKind.SIZE, default="0"),
        ),
    )

    def aim(self, params: Params) -> Aim:
        """Return what is looked for. Raises Refused for a folder that is not for temporary files."""
        criteria = Criteria(
            owner=os.geteuid(),
            now=self.clock.wall(),
            older_than=params.seconds("older_than"),
            larger_than=params.size("larger_than"),
            folders=True,
            is_protected=protected(),
        )
        paths = _outermost([_checked(each) for each in params["paths"].split(",") if each.strip()])
        return Aim(tuple(Place(path) for path in paths), criteria)

    def words(self, params: Params, aim: Aim) -> tuple[str, str]:
        """Return the title, and the `find` that comes nearest."""
        paths = [place.path for place in aim.places]
        minutes = f"+{int(params.seconds('older_than') // 60)}"
        words = ["find", *paths, "-xdev", "-type", "f", "-links", "1", "-uid", str(aim.criteria.owner)]
        words += ["-amin", minutes, "-mmin", minutes, "-cmin", minutes]
        if aim.criteria.larger_than:
            words += ["-size", f"+{aim.criteria.larger_than}c"]
        title = f"delete temporary files untouched for {params['older_than']} from {clean(', '.join(paths))}"
        return title, shlex.join([*words, "-delete"])


def _checked(text: str) -> str:
    """Return a folder for temporary files. Raises Refused."""
    path = text.strip()
    if not path.startswith("/") or ".." in path.split("/"):
        raise Refused("parameters", f"{clean(path, 80)} is not an absolute path", "give one without ..")
    path = os.path.normpath("/" + path.lstrip("/"))
    allowed = _temporary_folders()
    if not any(path == each or path.startswith(each + "/") for each in allowed):
        places = ", ".join(clean(each) for each in allowed)
        reason = f"{clean(path, 80)} is no place for temporary files ({places})"
        raise Refused("parameters", reason, "name such files under [files.NAME] and use cleanup.files")
    return path


def _temporary_folders() -> tuple[str, ...]:
    """Return /tmp, /var/tmp, and $TMPDIR if it looks like one: by its name, or everybody may write and none delete."""
    own = os.path.normpath(os.environ.get("TMPDIR", "") or ALWAYS[0])
    if own in ALWAYS or not own.startswith("/") or own.count("/") < 2:
        return ALWAYS
    name = own.rpartition("/")[2].lower()
    return (*ALWAYS, own) if "tmp" in name or "temp" in name or _is_sticky(own) else ALWAYS


def _is_sticky(path: str) -> bool:
    try:
        return bool(os.lstat(path).st_mode & stat.S_ISVTX)
    except OSError:
        return False


def _outermost(paths: list[str]) -> list[str]:
    """Return the folders in their order, without doubles and without those that another one holds."""
    found = dict.fromkeys(paths)
    if not found:
        raise Refused("parameters", "paths names no folder", "give paths=/tmp")
    return [each for each in found if not any(each.startswith(other + "/") for other in found)]
