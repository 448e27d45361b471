import pytest

from perftui.core.errors import ConfigError
from perftui.tui.commands import COMMANDS
from perftui.tui.dialogs.help import Help
from perftui.tui.dialogs.menu import NO_MATCH, score
from perftui.tui.keys import BINDINGS, FORBIDDEN, Keymap, shown
from perftui.tui.widgets.text import plain


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


@pytest.mark.parametrize(
    ("typed", "id"),
    [("inval", "cleanup"), ("tune", "optimise"), ("warm", "warm"), ("cdn", "warm"), ("scale", "scale"), ("wo", "scale"),
     ("health", "optimise"), ("clean up", "cleanup"), ("renice-up", "renice-up")],
)  # fmt: skip
def test_what_an_action_is_called_finds_its_command_first(typed: str, id: str) -> None:
    ranked = sorted(BINDINGS, key=lambda each: score(typed, f"{each.id} {each.help}"))
    assert ranked[0].id == id


def test_words_that_begin_so_come_before_those_that_have_it_within_and_letters_alone_come_last() -> None:
    words = ["tune memory", "fortune", "the untidy nurse", "none"]
    scores = [score("tune", each) for each in words]
    assert scores == sorted(scores) and scores[-1] == NO_MATCH > scores[-2]
    assert score("cache-2 tune", "tune memory of cache-2") < score("cache-2 tune", "fortune of cache-2")


@pytest.mark.parametrize("cells", [86, 72, 56, 36])
def test_the_help_says_every_word_at_every_width(cells: int) -> None:
    lines = [plain(line) for line in Help(Keymap()).body(cells)]
    text = " ".join(" ".join(line[18:] for line in lines).split())
    assert max(map(len, lines)) <= cells and "…" not in text
    if cells < 80:
        assert all(binding.help in text for binding in BINDINGS)
    else:
        assert all(any(line.endswith(f" {each.id}") for line in lines) for each in BINDINGS)
