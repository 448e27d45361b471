from pathlib import Path

import pytest

from perftui.config.mycnf import read_client_defaults
from perftui.core.errors import ConfigError

MY_CNF = """\
# the tools' own
!includedir /etc/mysql/conf.d/
[mysqld]
port = 9999
[client]
user=monitor
password = "p#ss word"   # quoted, so the first # belongs to it
host = db.example.com    # a name
port=3307
ssl-verify-server-cert
[mysql]
user = somebody-else
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "my.cnf"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_reads_the_client_section_only(tmp_path: Path) -> None:
    defaults = read_client_defaults(written(tmp_path, MY_CNF))
    assert defaults is not None
    assert (defaults.user, defaults.host, defaults.port) == ("monitor", "db.example.com", 3307)
    assert defaults.password is not None
    assert defaults.password.reveal() == "p#ss word"
    assert "p#ss" not in repr(defaults)


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert read_client_defaults(tmp_path / "my.cnf") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("user = a\n", "line 1: stands before any [group]"),
        ("[client\nuser = a\n", 'line 1: "[" is never closed'),
        ("[client]\nport = many\n", "port is not a number from 1 to 65535"),
        ("[client]\nport = 70000\n", "port is not a number from 1 to 65535"),
    ],
)
def test_a_malformed_file_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        read_client_defaults(path)
    assert str(raised.value) == f"{path}: {reason}"


def test_a_file_that_anybody_may_write_is_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, MY_CNF)
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="ignored, because anybody may write to it"):
        read_client_defaults(path)


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_bytes(b"[client]\nuser=\xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_client_defaults(path)
