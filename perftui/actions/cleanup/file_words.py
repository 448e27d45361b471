"""What the cleanups of files say: the preview, what cannot be known, what to beware of, and what was done."""

from pathlib import PurePosixPath

from perftui.actions.cleanup.file_survey import Survey
from perftui.actions.cleanup.remove import Removal, bytes_of
from perftui.actions.contract import Receipt
from perftui.core.action import Line
from perftui.core.text import clean
from perftui.core.units import MISSING, count, seconds, size

_TOP = 8


def preview(survey: Survey, now: float) -> tuple[Line, ...]:
    """Return what would go and what stays; `now` is wall seconds."""
    files = sum(tree.count for tree in survey.trees)
    folders = sum(tree.removed_folders for tree in survey.trees)
    lines = [Line("files", f"{files:,}, {size(survey.bytes)}", "deleted")]
    if folders:
        lines.append(Line("folders that are emptied by it", f"{folders:,}", "deleted"))
    lines += [
        Line(clean(name), f"{_files(number, str(count(number)))}, {size(bytes_of(blocks))}", "deleted")
        for name, (blocks, number) in _by_top_folder(survey)
    ]
    oldest = min((tree.oldest for tree in survey.trees if tree.oldest is not None), default=None)
    if oldest is not None:
        lines.append(Line("the oldest was last touched", f"{seconds(max(0.0, now - oldest))} ago"))
    lines.append(Line("free space", str(size(survey.free)), f"about {size(survey.free + survey.bytes)}"))
    lines += [Line(f"left: {reason}", f"{number:,}", "stays") for reason, number in survey.left.most_common(_TOP)]
    return tuple(lines)


def _by_top_folder(survey: Survey) -> list[tuple[str, tuple[int, int]]]:
    """Return blocks and files by the first folder below each root, the largest first."""
    found: dict[str, tuple[int, int]] = {}
    for tree in survey.trees:
        for folder in tree.folders:
            if folder.names:
                name = str(PurePosixPath(tree.path, *folder.parts[:1]))
                blocks, number = found.get(name, (0, 0))
                found[name] = blocks + sum(folder.numbers[4::5]), number + len(folder.names)
    return sorted(found.items(), key=lambda each: -each[1][0])[:_TOP]


def unknown(survey: Survey) -> tuple[str, ...]:
    """Return what nobody can tell beforehand."""
    found = ["whether a program expects a file that it does not hold open"]
    if survey.used is not None and survey.used.denied:
        denied = f"what {survey.used.denied} of {survey.used.processes} processes hold open"
        found.append(f"{denied}: each file is checked as it is deleted, and stays if in use")
    found.append("the command beside it looks neither whether a file is in use nor for protected names")
    return tuple(found)


def warnings(survey: Survey) -> list[str]:
    """Return what one should know before."""
    found = [f"{path} is left out: {why}" for path, why in survey.missing.items()]
    if not survey.count:
        found.append("nothing is old enough: there is nothing to delete")
    if not all(tree.is_whole for tree in survey.trees):
        found.append("there is more than could be looked at: this is a part of it, do it again afterwards")
    if len(survey.trees) > 1:
        found.append(f"free space is that of {clean(survey.trees[0].path)}")
    return found


def receipt_of(removal: Removal, survey: Survey, after: int | None, *, complete: bool, problem: str) -> Receipt:
    """Return what a removal did; `after` is the free space now, None where it is not known."""
    freed = bytes_of(removal.blocks)
    folders = f" and {_folders(removal.folders)}" if removal.folders else ""
    left = sum(removal.left.values())
    lines = [
        Line("files deleted", f"{sum(tree.count for tree in survey.trees):,} planned", f"{removal.done:,}"),
        Line("free space", str(size(survey.free)), MISSING if after is None else str(size(after))),
    ]
    lines += [Line(f"left: {reason}", after=f"{number:,}") for reason, number in removal.left.most_common(_TOP)]
    lines += [Line(f"failed: {reason}", after=f"{number:,}") for reason, number in removal.failed.most_common(_TOP)]
    return Receipt(
        message=f"{_files(removal.done, f'{removal.done:,}')}{folders} deleted, {size(freed)}"
        + (f"; {left:,} left alone" if left else "")
        + ("" if complete or problem else "; cancelled before the end"),
        lines=tuple(lines),
        facts={"freed": float(freed)},
        complete=complete,
        applied=removal.done + removal.folders,
        left=left,
        failed=sum(removal.failed.values()),
        problem=problem,
    )


def _files(number: int, shown: str) -> str:
    return "1 file" if number == 1 else f"{shown} files"


def _folders(number: int) -> str:
    return "1 folder" if number == 1 else f"{number:,} folders"
