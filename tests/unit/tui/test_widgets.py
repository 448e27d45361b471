import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from perftui.tui.compositor import restyle
from perftui.tui.layout import Box
from perftui.tui.widgets import chart
from perftui.tui.widgets.bar import bar
from perftui.tui.widgets.lines import cells, changed
from perftui.tui.widgets.paint import covered, paint, part
from perftui.tui.widgets.spark import columns, spark
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import (
    Line,
    between,
    clip,
    clip_words,
    crop,
    fit,
    joined_within,
    left,
    plain,
    right,
    width,
)

TEXT = st.text(max_size=30)
LINES = st.lists(st.tuples(TEXT, st.sampled_from(["text", "dim", "warning"])), max_size=6)


@given(LINES, st.integers(0, 40))
def test_fit_gives_exactly_the_cells(line: Line, room: int) -> None:
    assert width(fit(line, room)) == room
    assert width(fit(line, room, "right")) == room
    assert width(crop(line, room)) <= room


@given(TEXT, st.integers(0, 20))
def test_left_right_and_clip(text: str, room: int) -> None:
    assert width([(left(text, room), "")]) == width([(right(text, room), "")]) == room
    assert width([(clip(text, room), "")]) <= room


def test_cut_text_ends_in_an_ellipsis() -> None:
    assert clip("notifications", 6) == "notif…" and plain(crop([("abc", ""), ("def", "")], 3)) == "ab…"
    assert plain(between([("long start", "")], [("end", "")], 8)) == "long…end"
    assert plain(joined_within([[("one", "")], [("two", "")], [("three", "")]], 9)) == "one  two"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "────┊─┊─"), (0.5, "████┊─┊─"), (0.56, "████▌─┊─"), (1, "████████"), (7, "████████")]
)
def test_bar(share: float, text: str) -> None:
    assert plain(bar(share, 8, "bar", {"warning": 0.5, "critical": 0.75})) == text


def test_a_bar_of_nothing_is_empty() -> None:
    assert plain(bar(None, 4, "bar")) == "────" and bar(0.5, 0, "bar") == []


def test_spark_columns_are_spans_of_time_and_missing_is_a_gap() -> None:
    wall, values = [100.0, 101.0, 120.0], [1.0, 3.0, None]
    assert columns(wall, values, 129.0, 4) == [None, 2.0, None, None]
    assert columns(wall, values, 120.0, 4) == columns(wall, values, 129.9, 4)
    assert spark([0.0, None, 0.5, 1.0], 1.0) == "▁ ▄█" and spark([0.0, 0.0]) == "▁▁"


def test_a_table_leaves_out_columns_by_rank_and_never_bends() -> None:
    table = (Column("name", 6, "left", grow=4), Column("a", 4, rank=2), Column("b", 4, rank=1), Column("c", 4))
    assert [index for index, _ in choose(table, 40)] == [0, 1, 2, 3]
    assert [index for index, _ in choose(table, 20)] == [0, 2, 3]
    chosen = choose(table, 20)
    assert plain(head(table, chosen)) == "name         b     c"
    assert width(row([[("webhook-long", "")], [], [("1", "")], [("123456", "")]], table, chosen)) == width(
        head(table, chosen)
    )


@given(LINES, LINES)
def test_what_changed_covers_every_cell_that_differs(old: Line, new: Line) -> None:
    old, new = fit(old, 40), fit(new, 40)
    covered_cells = {at for start, end in changed(old, new) for at in range(start, end)}
    pairs = enumerate(zip(cells(old), cells(new), strict=True))
    assert {at for at, (before, after) in pairs if before != after} <= covered_cells


@given(LINES, st.integers(0, 39), st.integers(1, 40))
def test_a_part_of_a_line_is_the_same_cells(line: Line, start: int, length: int) -> None:
    line = fit(line, 40)
    found = cells(part(line, start, start + length))
    assert len(found) == min(length, 40 - start)
    wanted = cells(line)[start : start + length]
    # Half a wide character at an edge becomes a blank.
    assert found[1:-1] == wanted[1:-1]


def test_one_figure_that_changed_repaints_that_figure() -> None:
    old: Line = [("cpu ", "dim"), ("64 %", "text"), (" mem ", "dim"), ("81 %", "text")]
    new: Line = [("cpu ", "dim"), ("65 %", "text"), (" mem ", "dim"), ("81 %", "text")]
    assert list(changed(old, new)) == [(5, 6)]


def test_paint_lays_boxes_side_by_side_and_over_each_other() -> None:
    parts = [
        (Box(0, 0, 3, 2), [[("aaa", "x")], [("aaa", "x")]]),
        (Box(3, 0, 3, 2), [[("bbb", "x")], [("bbb", "x")]]),
        (Box(2, 1, 2, 1), [[("!!", "x")]]),
    ]
    assert [plain(line) for line in paint(parts, 6, 3)] == ["aaabbb", "aa!!bb", " " * 6]


def test_covering_half_a_wide_character_leaves_blanks() -> None:
    assert width(covered([("日本語", "x")], 1, [("!", "y")])) == 6


def test_a_chart_is_as_wide_as_asked_for_whatever_terminal_there_is() -> None:
    chart.load()
    lines = chart.curve(tuple(float(value) for value in range(400)), 200, 5, 400.0)
    assert all(len(line) == 200 for line in lines) and lines[0][-1] not in " \u2800"


def test_a_chart_has_its_size_and_a_gap_where_values_are_missing() -> None:
    chart.load()
    lines = chart.curve((1.0,) * 10 + (None,) * 20 + (1.0,) * 10, 20, 4, 2.0)
    assert [len(line) for line in lines] == [20] * 4
    drawn = "".join("x" if any(line[at] not in " \u2800" for line in lines) else " " for at in range(20))
    assert drawn[:4] == "xxxx" and not drawn[7:13].strip() and drawn[-4:] == "xxxx"


@pytest.mark.parametrize(("value", "top"), [(0.0, 1.0), (0.3, 0.5), (7.0, 10.0), (10.0, 10.0), (12_400.0, 20_000.0)])
def test_nice_scales(value: float, top: float) -> None:
    assert chart.nice(value) == pytest.approx(top)


def test_restyle_says_only_what_changes() -> None:
    dim, text = Style.parse("color(244) on color(233)"), Style.parse("color(252) on color(233)")
    bold = Style.parse("bold color(252) on color(233)")
    assert restyle(text, text, ColorSystem.EIGHT_BIT) == ""
    assert restyle(dim, text, ColorSystem.EIGHT_BIT) == "\x1b[38;5;252m"
    assert restyle(bold, text, ColorSystem.EIGHT_BIT).startswith("\x1b[0m\x1b[")
    assert restyle(None, Style(), ColorSystem.EIGHT_BIT) == "\x1b[0m"


@given(st.text("ab 12,", max_size=60), st.integers(1, 60))
def test_words_are_cut_between_them_and_a_figure_stays_whole(text: str, cells_: int) -> None:
    text = text.strip()
    cut = clip_words(text, cells_)
    assert width([(cut, "")]) <= cells_
    if cut != text and " " in cut:
        assert cut.removesuffix("…").split()[-1] in [word.rstrip(",") for word in text.split()]


def test_a_mark_that_belongs_to_the_character_before_it_repaints_that_character() -> None:
    assert list(changed([("0", "x"), (" ", "y")], [("0", "x"), ("\u0300", "x"), (" ", "y")])) == [(0, 2)]
