"""No test finds what runs on this host: neither in this process nor in one that it starts."""

import os
from pathlib import Path

from perftui.config.paths import SERVICE_SOCKET


def test_the_service_of_this_host_is_out_of_reach(own_folders: Path) -> None:
    assert "perftui-tests-" in SERVICE_SOCKET
    assert not Path(SERVICE_SOCKET).exists()
    assert Path(os.environ["PERFTUI_SERVICE_SOCKET"]).parent == own_folders
