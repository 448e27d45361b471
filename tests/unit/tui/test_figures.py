"""No figure is ever cut: columns are as wide as the widest that their unit can have."""

import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, AlertState
from perftui.core.reading import Sample
from perftui.core.wire import AlertsView
from perftui.tui.layout import Box, arrange
from perftui.tui.panes import compose
from perftui.tui.view import View
from perftui.tui.widgets.table import BYTES, BYTES_OF, BYTES_RATE, COUNT, DURATION, RATIO
from perftui.tui.widgets.text import plain
from tests.support import states

CUT = re.compile(r"\d…")


def _of(most: float) -> st.SearchStrategy[float]:
    """Values of every size up to `most`, not only of its own."""
    return st.builds(lambda value, size: value * size, st.floats(0, most), st.sampled_from([1, 1e-3, 1e-6, 1e-9]))


@given(_of(86400.0 * 999), _of(1e14), _of(10.0), _of(1e15), st.floats(1, 1e15))
def test_each_unit_fits_its_column(seconds: float, count: float, ratio: float, size: float, limit: float) -> None:
    if seconds == 0 or seconds >= 1e-7:
        assert len(str(units.seconds(seconds))) <= DURATION
    assert len(str(units.count(count))) <= COUNT
    assert len(str(units.percent(ratio))) <= RATIO
    assert len(str(units.size(size))) <= BYTES
    assert len(str(units.show(size, "By/s"))) <= BYTES_RATE
    part, whole = units.size_of(min(size, limit), limit)
    assert len(f"{part}/{whole}") <= BYTES_OF


def _extreme(state: State) -> State:
    """Return the state with figures as wide as they get."""
    widest = {"s": 86400.0 * 364 + 23 * 3600, "By": 99.94 * 1024**2, "By/s": 99.94 * 1024**2, "1": 0.999}
    for name, reading in state.readings.items():
        samples = []
        for sample in reading.samples:
            known = state.metric(sample.metric, name)
            value = widest.get(known.unit, 99_940.0) if known else 99_940.0
            samples.append(Sample(sample.metric, value, sample.attributes))
        state.readings[name] = msgspec.structs.replace(reading, samples=tuple(samples))
    return state


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30), (120, 40), (160, 45), (220, 60)])
@pytest.mark.parametrize("extreme", [False, True])
def test_no_figure_is_cut_on_any_screen(size: tuple[int, int], extreme: bool) -> None:
    state = states.incident()
    state = _extreme(state) if extreme else state
    for screen in ("overview", "queues", "caches", "databases", "endpoints"):
        for focus in ("system", "history", "queues", "caches", "databases", "endpoints"):
            for pane, box in arrange(*size, screen, focus, False, compose.needs(state)).items():
                if pane in ("header", "tabs", "keys"):
                    continue
                view = View(screen=screen)
                found = compose.content(pane, state, view, box)
                found = replace(found, rows=[replace(row, lines=row.lines[:1]) for row in found.rows], note=[])
                for line in compose.draw(pane, found, view, box, 1e9):
                    assert not CUT.search(plain(line)), plain(line)


@pytest.mark.parametrize("cells", [56, 76, 116])
def test_an_alert_keeps_its_value_whole_whatever_its_name(cells: int) -> None:
    state = states.incident()
    metric = "system.filesystem.inodes.utilization.of.a.very.long.name"
    alert = Alert(rule="r", source="web-3", metric=metric, state=AlertState.FIRING, value=0.81, level=0.8, since=0.0)
    state.alerts = AlertsView(firing=(alert,))
    view, box = View(), Box(0, 0, cells + 4, 6)
    text = "\n".join(map(plain, compose.draw("alerts", compose.content("alerts", state, view, box), view, box, 1e9)))
    assert " 0.81 " in text and not CUT.search(text)


def test_an_alert_names_its_metric_beside_its_words_where_there_is_room() -> None:
    state = states.incident()
    view = View()
    for cells, there in ((160, True), (140, True), (80, False)):
        box = Box(0, 0, cells, 12)
        lines = [
            plain(line) for line in compose.draw("alerts", compose.content("alerts", state, view, box), view, box, 1e9)
        ]
        line = next(line for line in lines if "no worker, 12.4k waiting" in line)
        assert ("queue.depth" in line) is there
