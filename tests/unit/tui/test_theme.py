from pathlib import Path

import pytest

from perftui.config.paths import themes_dir
from perftui.core.errors import ConfigError
from perftui.tui.palette import Palette
from perftui.tui.theme import MONO, ROLES, limited, load, names, read

SHIPPED = Path(__file__).parents[3] / "themes"
MANY = {"TERM": "xterm-256color"}


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_theme_has_every_role(path: Path) -> None:
    theme = read(path)
    assert set(theme.roles) == set(ROLES) and theme.description


def test_all_are_found_by_name() -> None:
    assert {"dark", "light", "colour-blind", "ansi16"} <= set(names())


@pytest.mark.parametrize(
    ("environ", "limit"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, None),
        ({"TERM": "xterm"}, "ansi16"),
        ({"TERM": "linux"}, "ansi16"),
        ({"TERM": "xterm-16color"}, "ansi16"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "no colour"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, None),
    ],
)
def test_the_terminal_limits_the_theme(environ: dict[str, str], limit: str | None) -> None:
    assert limited(environ) == limit
    assert load("dark", environ).name == (limit or "dark")


def test_no_colour_has_no_colour_in_any_role() -> None:
    assert all(style.color is None and style.bgcolor is None for style in MONO.roles.values())


def test_the_users_folder_comes_first_and_is_checked() -> None:
    folder = themes_dir()
    folder.mkdir(parents=True)
    text = (SHIPPED / "dark.toml").read_text()
    (folder / "dark.toml").write_text(text.replace("color(214)", "#123456"))
    warning = load("dark", MANY).roles["warning"].color
    assert warning is not None and warning.name == "#123456"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"color(214)"', '"no-such-colour"', 'warning = "no-such-colour" is not a style'),
        ("warning =", "warnin =", 'there is no role "warnin"; did you mean "warning"?'),
        ('ok = "color(71)"', "", "the role ok is missing"),
        ("[roles]", "[colours]", "it has no table [roles]"),
        ("[roles]", "[roles", "theme dark.toml: "),
        ('"color(214)"', '"link http://x"', "is not a style"),
        ('"color(214)"', "3", "is not a style"),
    ],
)
def test_a_bad_theme_is_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "dark.toml"
    path.write_text((SHIPPED / "dark.toml").read_text().replace(old, new))
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert words in str(refused.value) and str(refused.value).isprintable()


def test_roles_lie_over_each_other() -> None:
    style = Palette(load("dark", MANY)).style("warning+selected")
    assert style.color is not None and style.color.number == 214
    assert style.bgcolor is not None and style.bgcolor.number == 237


def test_a_strip_has_one_segment_for_each_run_and_nothing_the_terminal_acts_on() -> None:
    strip = Palette(load("dark", MANY)).strip([("a", "text"), ("b", "text"), ("\x1b[31m", "warning")])
    assert [segment.text for segment in strip] == ["ab", "␛[31m"]


def test_ascii_takes_the_same_cells() -> None:
    palette = Palette(load("dark", MANY), ascii=True)
    assert palette.safe("● ▲ ✖ ◌ ‖ 日本 ▂▃ █ ┌─┐") == "o ! X ~ = ???? ., # +-+"
