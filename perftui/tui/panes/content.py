"""What a pane brings to be drawn: a title, a note, head lines and rows with an identity."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from perftui.core.alert import Alert, Silence
from perftui.core.series import SeriesId
from perftui.tui.widgets.text import Line


@dataclass(frozen=True)
class Row:
    """One row: its identity (the selection follows it), its lines, the series it charts and what it stands for.

    `folded` are the alerts of a row that stands for several. `params` are what actions on it go by (its pid, its unit);
    `run` is the id of the plan of a row that stands for an action.
    """

    id: str
    lines: Sequence[Line]
    series: SeriesId | None = None
    source: str = ""
    alert: Alert | None = None
    folded: tuple[Alert, ...] = ()
    silence: Silence | None = None
    params: tuple[tuple[str, str], ...] = ()
    run: str = ""


class OneLine(Sequence[Line]):
    """The line of a row, made when it is asked for: of hundreds of rows only a few are in view."""

    def __init__(self, make: Callable[[], Line]) -> None:
        self._make = make

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return [self._make()][index]


@dataclass
class Content:
    """A pane's content before it is scrolled, filtered and framed; `note` is its own worst thing in a few words.

    `head` and `tail` stand still above and below the rows, `foot` on the lower edge.
    """

    title: str
    note: Line = field(default_factory=list)
    head: list[Line] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    tail: list[Line] = field(default_factory=list)
    foot: Line = field(default_factory=list)
    empty: str = ""
