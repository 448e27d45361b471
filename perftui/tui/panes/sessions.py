"""The sessions pane below the databases: lock waits and running statements of the selected one."""

from perftui.client.state import State
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.databases import KIND
from perftui.tui.panes.sources import worst_first
from perftui.tui.panes.tables import LOCKS, STATEMENTS, section_lines, topic


def draw(state: State, source: str | None, cells: int) -> Content:
    """Return the pane in `cells` cells; `source` is a database, None where there is none."""
    if source is None:
        return Content("Sessions", empty="no MySQL or MariaDB here")
    lines = [*section_lines(state, source, LOCKS, cells), [], *section_lines(state, source, STATEMENTS, cells)]
    rows = [Row(f"line {index}", (line,), source=source) for index, line in enumerate(lines)]
    return Content("Sessions", [(source, "dim")], [], rows)


def tables(source: str | None) -> frozenset[str]:
    """Return the topics of the tables that the pane shows."""
    return frozenset() if source is None else frozenset(topic(source, section) for section in (LOCKS, STATEMENTS))


def database(state: State, selected: str | None) -> str | None:
    """Return the selected database, else the worst one."""
    rated = [status.name for _, status in worst_first(state, state.sources_of(KIND))]
    return selected if selected in rated else next(iter(rated), None)
