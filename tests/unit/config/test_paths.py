import os
import subprocess
import sys
from pathlib import Path

import pytest

from perftui.config import paths
from perftui.core.errors import AgentUnavailable


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    monkeypatch.setenv("PERFTUI_RUNTIME_DIR", str(folder))
    return folder


def test_the_runtime_folder_is_made_private_whatever_the_umask(runtime: Path) -> None:
    before = os.umask(0)
    try:
        assert paths.runtime_dir() == str(runtime)
    finally:
        os.umask(before)
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert paths.runtime_dir() == str(runtime), "the second time it is there already"
    assert Path(paths.private_socket()).parent == Path(paths.lock_path()).parent == Path(paths.agent_log()).parent


def test_without_a_variable_it_is_in_tmp_for_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERFTUI_RUNTIME_DIR", raising=False)
    made: list[str] = []
    monkeypatch.setattr(os, "mkdir", lambda path, mode: made.append(path))
    monkeypatch.setattr(paths, "_check_private", lambda folder: None)
    assert paths.runtime_dir() == f"/tmp/perftui-{os.geteuid()}" == made[0]


def test_a_link_is_refused(runtime: Path, tmp_path: Path) -> None:
    runtime.symlink_to(tmp_path)
    with pytest.raises(AgentUnavailable, match="is not a folder"):
        paths.runtime_dir()


def test_a_folder_open_to_others_is_refused_with_the_way_out(runtime: Path) -> None:
    runtime.mkdir()
    runtime.chmod(0o755)
    with pytest.raises(AgentUnavailable, match=rf"\(mode 0755\); chmod 700 {runtime}"):
        paths.runtime_dir()


def test_somebody_elses_folder_is_refused(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: runtime.stat().st_uid + 1)
    with pytest.raises(AgentUnavailable, match="belongs to another user"):
        paths.runtime_dir()


def test_a_folder_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFTUI_RUNTIME_DIR", "/proc/perftui")
    with pytest.raises(AgentUnavailable, match=r"^/proc/perftui cannot be made: \w"):
        paths.private_socket()


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFTUI_RUNTIME_DIR", str(tmp_path / ("x" * 110)))
    with pytest.raises(AgentUnavailable, match="too long for a socket; set PERFTUI_RUNTIME_DIR"):
        paths.private_socket()


def test_folders_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert paths.config_file() == tmp_path / "config/perftui/perftui.toml"
    assert paths.themes_dir() == tmp_path / "config/perftui/themes"
    assert paths.state_dir() == tmp_path / "state/perftui"
    assert not (tmp_path / "state").exists(), "a read-only home is no error"


def test_a_named_configuration_wins_and_an_unknown_home_is_no_traceback() -> None:
    assert paths.config_file("/etc/perftui.toml") == Path("/etc/perftui.toml")
    assert paths.config_file("~nobody-of-that-name/x.toml") == Path.cwd() / "~nobody-of-that-name/x.toml"


def test_the_service_socket_can_be_elsewhere() -> None:
    show = "from perftui.config.paths import SERVICE_SOCKET; print(SERVICE_SOCKET)"
    elsewhere = os.environ | {"PERFTUI_SERVICE_SOCKET": "/run/other.sock"}
    done = subprocess.run([sys.executable, "-c", show], env=elsewhere, capture_output=True, text=True, check=True)
    assert done.stdout == "/run/other.sock\n"


def test_it_is_light() -> None:
    heavy = "{'pathlib', 'platformdirs', 'msgspec', 'asyncio'} & set(sys.modules)"
    code = f"import sys; before = {heavy}; import perftui.config.paths; print({heavy} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
