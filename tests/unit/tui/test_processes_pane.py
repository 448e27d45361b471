import msgspec

from perftui.tui.panes.processes import TABLE, draw
from perftui.tui.remedies import Context
from tests.support import states


def test_a_row_pins_its_process_by_pid_and_start() -> None:
    state = states.healthy()
    table = state.tables["web-3", TABLE]
    rows = tuple((*row, 4711 + number) for number, row in enumerate(table.rows))
    unpinned = [row.params for row in draw(state, 120).rows]
    state.tables["web-3", TABLE] = msgspec.structs.replace(table, columns=(*table.columns, "started"), rows=rows)
    pinned = draw(state, 120)
    assert pinned.rows[0].params == (("pid", "1000"), ("started", "4711"))
    assert unpinned[0] == (("pid", "1000"),)
    assert "started" not in str(pinned.head)


def test_when_it_started_pins_a_process_and_names_nothing() -> None:
    context = Context("web-3", {"pid": "1000", "started": "4711"})
    assert context.words == "web-3 1000"
    assert context.things == {"1000"}
