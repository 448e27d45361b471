"""A small Textual app run as the console runs its own: under the guard, on the terminal's driver.

`python -m tests.support.small_app [crash|flood]`: keys `q` quit, `x` crash, ctrl+z suspend; `flood` writes without end.
"""

import sys
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from perftui.tui.console_driver import driver_for
from perftui.tui.guard import GuardedApp, guard
from perftui.tui.terminal import Terminal, Wakeup


class SmallApp(GuardedApp):
    """Shows a line and the keys that it got."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "exit_well", "quit"),
        ("x", "crash", "crash"),
        ("ctrl+z", "suspend_process", "suspend"),
    ]

    def compose(self) -> ComposeResult:
        yield Static("small app", id="line", markup=False)

    def on_mount(self) -> None:
        if "flood" in sys.argv:
            self.set_interval(0.01, self.flood)

    def flood(self) -> None:
        self.query_one("#line", Static).update(f"{self._frames()} " * 200)

    def _frames(self) -> int:
        self.count = getattr(self, "count", 0) + 1
        return self.count

    def on_key(self, event: object) -> None:
        key = getattr(event, "key", "")
        self.query_one("#line", Static).update(f"small app got {key}")

    def action_exit_well(self) -> None:
        self.exit(return_code=0)

    def action_crash(self) -> None:
        raise ValueError("a bug\x1b[31m")


def main() -> int:
    wakeup = Wakeup()
    with Terminal() as terminal:
        app = SmallApp(driver_class=driver_for(terminal))
        with guard(app, terminal, wakeup):
            app.run(mouse=False)
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


if __name__ == "__main__":
    from perftui.cli.main import crashed

    sys.excepthook = crashed
    sys.exit(main())
