"""`perftui check` that fails itself: 3, never the 1 that would be a warning."""

from pathlib import Path

import pytest

from perftui.cli import check, main
from perftui.core.errors import AgentError


@pytest.mark.parametrize("error", [AgentError("no luck"), ValueError("a defect"), OSError(28, "No space left")])
def test_any_failure_of_its_own_is_one_line_and_3(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_words: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(check, "load", broken)
    monkeypatch.setattr("sys.argv", ["perftui", "check", "--config", str(tmp_path / "x.toml")])
    with pytest.raises(SystemExit) as raised:
        main.main()
    assert raised.value.code == 3
    said = capsys.readouterr().err
    assert str(error) in said
    assert said.count("\n") == 1


def test_who_wants_no_more_of_it_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_words: object, **_more: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(check, "load", broken)
    with pytest.raises(BrokenPipeError):
        check.run([])
