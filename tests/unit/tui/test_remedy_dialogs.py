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
from perftui.tui.dialogs.fields import columns, field
from perftui.tui.dialogs.health import HealthDialog
from perftui.tui.dialogs.notice import Notice
from perftui.tui.dialogs.params import param_form
from perftui.tui.dialogs.picker import Choice, Picker
from perftui.tui.dialogs.progress import Does, Progress
from perftui.tui.dialogs.receipt import Receipt
from perftui.tui.dialogs.remedy import Preview, Targets
from perftui.tui.panes.deeds import deeds
from perftui.tui.widgets.text import plain
from tests.support import acts, remedies, states

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
    return Progress(lambda: run, lambda: states.WALL, ManualClock(), Does(print, print, print), lambda _: LONG)


def _receipt() -> Dialog:
    row = acts.audited(
        "p1", 60, title=LONG, message=LONG, reason=LONG, passed=("limits",), lines=(Line(LONG, WIDE, LONG),),
        undo=remedies.BACK, part_of="p0", undoes="p9", subject=TARGET,
    )  # fmt: skip
    state = states.incident()
    state.audit = (row,)
    (deed,) = deeds(state)
    return Receipt(lambda: deed, lambda _: LONG, print)


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
    "receipt": _receipt,
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
@pytest.mark.parametrize(
    "name", ["preview", "break-glass", "progress", "picker", "receipt", "health", "targets", "notice"]
)
def test_no_word_is_cut_off(name: str, width: int) -> None:
    lines = [plain(line) for line in DIALOGS[name]().body(width)]
    assert max(map(cell_len, lines)) <= width
    for word in LONG.split():
        assert any(word in line.split() for line in lines), word


def _preview_lines(**changes: object) -> list[str]:
    plan = replace(remedies.PLAN, **changes)
    preview = Preview(plan, ManualClock(), lambda *_: None, lambda *_: None, undone="start both")
    return [plain(line) for line in preview.body(92)]


@pytest.mark.parametrize(
    ("guard", "way"),
    [
        ("frozen until 04:00: the sale", "break-glass"),
        ("cooldown: 26 s left", "break-glass"),
        ("limits: 61 actions ran on web-3 within the hour, and at most 60 are allowed", "break-glass"),
        ("limits: 5 targets, and at most 4 are allowed", "break-glass"),
        ("lock: service.restart runs on web-3/worker", "wait for its end"),
        ("read-only: [sources.web-3] says read_only = true", "change it there and reload"),
        ("part cache.warm on cache-2: cooldown: 3 s left", "the rest would be done"),
    ],
)
def test_what_the_guard_would_refuse_stands_on_top_with_the_way_past_it(guard: str, way: str) -> None:
    lines = _preview_lines(guards=("limits: 2 of at most 4 targets, 5 % of at most 50 %", guard, "cooldown: none"))
    top = " ".join(" ".join(lines[1:4]).split())
    assert guard in top and way in top and "refused" in top
    assert "limits: 2 of at most" not in " ".join(lines) and "cooldown: none" not in " ".join(lines)


def test_a_guard_that_has_nothing_against_it_takes_no_line() -> None:
    assert not any("limits" in line or "refused" in line for line in _preview_lines())


def test_an_undo_names_what_it_takes_back() -> None:
    assert any(line.startswith("undoes") and "start both" in line for line in _preview_lines(undoes="plan-0"))


def test_a_label_that_is_too_long_keeps_its_distance_from_the_value() -> None:
    label = "1. cache-2: fill hot-users from the recipe hot-users"
    lines = [plain(line) for line in columns([field(label, "warm 100 keys")], 92)]
    assert "warm 100 keys" in lines[0] and "  warm 100 keys" in lines[0]
    assert " ".join(" ".join(line[:34].strip() for line in lines).split()) == label


def test_a_picker_has_no_digits_and_prefers_the_beginnings_of_words_in_names() -> None:
    picker = Picker("Optimise", print)
    follow = replace(remedies.ANY, action="optimise.run", title="Optimise: follow recommendations", note="untuned")
    tune = replace(remedies.ANY, action="cache.tune", title="Tune memory and eviction", note="")
    start = replace(remedies.START, note="")
    picker.show([Choice(follow), Choice(start), Choice(tune)], "")
    assert [plain(line)[:5] for line in picker.body(92)[1:3]] == ["▶ Opt", "  unt"]
    for letter in "tune":
        picker.press(letter, letter)
    assert [each.offer.title for each in picker.matches()] == [tune.title, follow.title]
