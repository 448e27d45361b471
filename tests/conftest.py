"""Options and isolation that every test shares."""

import os
import tempfile
from pathlib import Path

import pytest

# Read when perftui is imported: no test may find the service of this host. Nothing is ever made there.
os.environ["PERFTUI_SERVICE_SOCKET"] = str(Path(tempfile.gettempdir(), f"perftui-tests-{os.getpid()}", "service.sock"))

_PERSONAL = ("NO_COLOR", "COLORTERM", "TEXTUAL", "PERFTUI_", "REDISCLI_AUTH", "MYSQL_")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--snapshot-update",
        action="store_true",
        help="write the pictures in snapshots/ anew instead of comparing with them",
    )


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, so that no test reads or writes the files of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_PERSONAL):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for variable, folder in (("CONFIG", ".config"), ("STATE", ".state"), ("CACHE", ".cache"), ("DATA", ".data")):
        monkeypatch.setenv(f"XDG_{variable}_HOME", str(home / folder))
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("PERFTUI_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("PERFTUI_SERVICE_SOCKET", str(home / "service.sock"))
    monkeypatch.setenv("PERFTUI_LEASE_SCOPE", f"/{os.getpid()}")  # tests side by side hold this host each for itself
    return home
