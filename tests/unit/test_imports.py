"""What is loaded when: the console knows no driver, and the first frame waits for nothing heavy."""

import subprocess
import sys

import pytest

DRIVERS = {"redis", "aiomysql", "pymysql", "httpx", "psutil"}
ENGINE = {"perftui.agent", "perftui.engine", "perftui.collectors", "perftui.connect", "perftui.actions"}
HEAVY = {"textual", "rich", "plotext", "asyncio", "msgspec", "sqlite3", "ssl"}


def loaded_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nsys.stdout.write('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    return set(done.stdout.split())


def test_the_console_loads_no_driver_no_engine_and_no_chart() -> None:
    assert loaded_after("import perftui.tui.app") & (DRIVERS | ENGINE | {"plotext", "sqlite3"}) == set()


@pytest.mark.parametrize("module", ["perftui.cli.main", "perftui.cli.first_frame"])
def test_the_first_frame_waits_for_no_heavy_import(module: str) -> None:
    assert loaded_after(f"import {module}") & (DRIVERS | ENGINE | HEAVY) == set()


def test_the_agent_loads_no_console_and_no_driver_until_a_source_needs_one() -> None:
    loaded = loaded_after("import perftui.agent.process")
    assert loaded & {"textual", "rich", "plotext", "perftui.tui"} == set()
    assert loaded & {"redis", "aiomysql", "pymysql", "httpx", "apprise", "tomlkit"} == set()


def test_the_client_is_light() -> None:
    assert loaded_after("import perftui.client.state") & (DRIVERS | ENGINE | {"textual", "rich", "plotext"}) == set()
