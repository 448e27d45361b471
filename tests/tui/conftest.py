import pytest

from perftui.tui.widgets import chart


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal and the same locale on every machine; the chart ready at once."""
    monkeypatch.setattr("perftui.tui.app.locale.getpreferredencoding", lambda _: "UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    chart.load()
