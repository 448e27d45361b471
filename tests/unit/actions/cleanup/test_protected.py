from pathlib import Path

import pytest

from perftui.actions.cleanup.protected import Protected, protected


@pytest.mark.parametrize("name", [".X11-unix", ".X0-lock", "systemd-private-abc-x.service-1", "tmux-0", "lost+found"])
def test_names_that_everybody_knows(name: str) -> None:
    assert Protected()(f"/tmp/{name}")
    assert not Protected()(f"/tmp/not-{name}")


def test_what_tmpfiles_names_is_protected_whatever_it_stands_for(tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text(
        "# a comment /tmp/comment\n"
        "x /tmp/app-%b-*\n"
        "d! /var/tmp/spool 0755 root root 10d\n"
        "D /tmp/app/ - - -\n"
        "q /tmp 1777 root root 10d\n"
    )
    (tmp_path / "note.txt").write_text("x /tmp/note\n")
    is_protected = protected([str(tmp_path), str(tmp_path / "missing")])
    for path in ("/tmp/app-7f-mail", "/var/tmp/spool", "/tmp/app"):
        assert is_protected(path), path
    for path in ("/tmp/comment", "/tmp/note", "/tmp/application", "/var/tmp/other"):
        assert not is_protected(path), path
