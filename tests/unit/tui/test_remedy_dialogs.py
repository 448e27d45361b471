"""Every dialog of a remedy, at every size: lines exactly as wide as their box, and no word of it cut off."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from perftui.core.action import Line, Outcome, Plan, Proof
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused
from perftui.tui.dialogs.base import Dialog
from perftui.tui.dialogs.break_glass import BreakGlass
from perftui.tui.dialogs.health import HealthDialog
from perftui.tui.dialogs.notice import Notice
from perftui.tui.dialogs.params import param_form
from perftui.tui.dialogs.picker import Choice, Picker
from perftui.tui.dialogs.progress import Does, Progress
from perftui.tui.dialogs.remedy import Preview, Targets
from perftui.tui.widgets.text import plain
from tests.support import remedies, states

SIZES = [(160, 45), (80, 24), (60, 20), (40, 12)]
LONG = " ".join(f"word{number}" for number in range(60))
WIDE = "訳" * 40
TARGET = "a-very-long-name-of-a-source-that-somebody-thought-of-at-night"


def _plan() -> Plan:
    return replace(remedies.PLAN, target=TARGET, title=LONG, warnings=(LONG,), command=LONG, needs_reason=True)


def _preview() -> Dialog:
    return Preview(replace(_plan(), confirm=TARGET), ManualClock(), lambda *_: None, lambda *_: None, edit=print)


def _glass() -> Dialog:
    refusal = Refused("limits", LONG, WIDE)
    return BreakGlass(_plan(), refusal, ManualClock(), lambda *_: None, lambda *_: None)


def _progress() -> Dialog:
    run = remedies.run_of(
        outcome=Outcome.PARTIAL, proof=Proof.WORSE, message=LONG, applied=3, left=2, failed=1, undo=remedies.BACK,
        passed=("limits",), reason=LONG, proof_lines=(Line(LONG, WIDE, LONG),),
    )  # fmt: skip
    return Progress(lambda: run, lambda: states.WALL, ManualClock(), Does(print, print, print), LONG)


def _picker() -> Dialog:
    picker = Picker(LONG, print)
    long = replace(remedies.START, title=LONG, note=LONG, target=TARGET)
    offers = (long, replace(remedies.BLOCKED, blocked=LONG, note=WIDE), remedies.ANY)
    picker.show([Choice(offer, "on " + LONG, production=True, subject=WIDE) for offer in offers], "")
    picker.tell(LONG)
    return picker


def _health() -> Dialog:
    first, second, third = remedies.REPORT.recommendations
    (issue,) = remedies.REPORT.issues
    dialog = HealthDialog(print)
    dialog.show(
        replace(
            remedies.REPORT,
            issues=(replace(issue, title=LONG, source=TARGET), issue),
            recommendations=(replace(first, title=LONG, why=WIDE), replace(second, impact=LONG), third),
            blind=(LONG,),
        )
    )
    return dialog


DIALOGS: dict[str, Callable[[], Dialog]] = {
    "preview": _preview,
    "break-glass": _glass,
    "progress": _progress,
    "picker": _picker,
    "health": _health,
    "targets": lambda: Targets(replace(remedies.PLAN, targets=(LONG, WIDE))),
    "notice": lambda: Notice("Not applied", [(LONG, "text"), (WIDE, "warning")], "preview again", print),
    "form": lambda: param_form(remedies.RESTART, TARGET, {"unit": LONG}, print),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DIALOGS)
def test_every_line_is_as_wide_as_its_box(name: str, size: tuple[int, int]) -> None:
    box, lines = DIALOGS[name]().draw(*size)
    assert len(lines) == box.height <= size[1]
    assert {cell_len(plain(line)) for line in lines} == {box.width}


@pytest.mark.parametrize("width", [156, 92, 56])
@pytest.mark.parametrize("name", ["preview", "break-glass", "progress", "picker", "health", "targets", "notice"])
def test_no_word_is_cut_off(name: str, width: int) -> None:
    lines = [plain(line) for line in DIALOGS[name]().body(width)]
    assert max(map(cell_len, lines)) <= width
    for word in LONG.split():
        assert any(word in line.split() for line in lines), word
