"""What a pane brings to be drawn: a title, a note, head lines and rows with an identity."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from perftui.core.alert import Alert
from perftui.core.series import SeriesId
from perftui.tui.widgets.text import Line


@dataclass(frozen=True)
class Row:
    """One row: its identity (the selection follows it), its lines, the series it charts and what it stands for."""

    id: str
    lines: Sequence[Line]
    series: SeriesId | None = None
    source: str = ""
    alert: Alert | None = None


@dataclass
class Content:
    """A pane's content before it is scrolled, filtered and framed; `note` is its own worst thing in a few words."""

    title: str
    note: Line = field(default_factory=list)
    head: list[Line] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    empty: str = ""
