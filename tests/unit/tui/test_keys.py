import pytest

from perftui.core.errors import ConfigError
from perftui.tui.commands import COMMANDS
from perftui.tui.keys import BINDINGS, FORBIDDEN, Keymap, shown


def test_the_table_has_no_conflict_no_forbidden_key_and_a_command_for_each_id() -> None:
    keymap = Keymap()
    assert {binding.id for binding in BINDINGS} == set(COMMANDS)
    for binding in BINDINGS:
        for key in binding.keys:
            assert keymap.find(key) == binding.id
            assert key not in FORBIDDEN or binding.id == "suspend"


def test_a_change_moves_the_binding() -> None:
    keymap = Keymap({"cleanup": "x", "filter": "ctrl+f, F5"})
    assert keymap.find("x") == "cleanup" and keymap.find("c") is None
    assert keymap.find("ctrl+f") == keymap.find("f5") == "filter"
    assert keymap.key_of("cleanup") == "x"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cleenup": "x"}, 'nothing is called "cleenup"; did you mean "cleanup"?'),
        ({"cleanup": "ctrl+c"}, "cleanup: ctrl+c cannot be used: it always quits"),
        ({"cleanup": "CTRL+S"}, "ctrl+s cannot be used"),
        ({"cleanup": "ctrl+shift+space"}, "is not a key such as"),
        ({"cleanup": "\x1b[31m"}, "is not a key such as"),
        ({"cleanup": "f"}, "f is already the key of maximise"),
        ({"maximise": "c"}, "c is already the key of cleanup"),
        ({"suspend": "x"}, 'nothing is called "suspend"'),
        ({"cleanup": ""}, "is not a key"),
    ],
)
def test_a_wrong_change_is_refused_in_one_line(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Keymap(changes)
    assert words in str(refused.value) and str(refused.value).isprintable()


def test_two_keys_may_change_places() -> None:
    keymap = Keymap({"filter": "f", "maximise": "/"})
    assert keymap.find("f") == "filter" and keymap.find("slash") == "maximise"


def test_keys_are_written_as_people_know_them() -> None:
    assert [shown(key) for key in ("slash", "f2", "escape", "ctrl+k", "j")] == ["/", "F2", "esc", "ctrl+k", "j"]
