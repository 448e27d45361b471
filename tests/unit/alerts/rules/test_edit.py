"""Changing a rule in the text of perftui.toml: the rule changes, the rest of the file does not."""

import tomllib

import pytest

from perftui.alerts.rules.edit import edited
from perftui.core.errors import ConfigError

FILE = """\
# Ours; ask Ada before you change it.
interval = "1s"   # fast

# our hosts run hot
[[rules]]
name = "cpu" # says Ada
above = { warning = "75%", critical = "95%" }  # since May

# ── Redis ──
[sources.cache]
kind = "redis"

# a rule of our own
[[rules]]
for = "5s"
name = "mails"
metric = "queue.depth"
summary = \"\"\"
[[rules]]
name = "cpu" is no table here\"\"\"
[rules.above]
warning = 85 # jobs

[notify.slack]
url = "env:X"
"""


def difference(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and those that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("name", "changes", "went", "came"),
    [
        (
            "cpu",
            {"warning": "80%"},
            ['above = { warning = "75%", critical = "95%" }  # since May'],
            ['above = { warning = "80%", critical = "95%" }  # since May'],
        ),
        (
            "cpu",
            {"critical": "off", "info": "0.5"},
            ['above = { warning = "75%", critical = "95%" }  # since May'],
            ['above = { info = 0.5, warning = "75%", critical = "off" }  # since May'],
        ),
        (
            "cpu",
            {"critical": ""},
            ['above = { warning = "75%", critical = "95%" }  # since May'],
            ['above = { warning = "75%" }  # since May'],
        ),
        ("cpu", {"for": "1m", "enabled": "false"}, [], ['for = "1m"', "enabled = false"]),
        ("cpu", {"warning": "75%", "for": "30s", "enabled": "true"}, [], []),
        ("mails", {"warning": "100"}, ["warning = 85 # jobs"], ["warning = 100 # jobs"]),
        ("mails", {"cooldown": "5m", "critical": "1e3"}, [], ['cooldown = "5m"', "critical = 1000.0"]),
        ("mails", {"for": ""}, ['for = "5s"'], []),
    ],
)
def test_only_what_was_changed_changes(name: str, changes: dict[str, str], went: list[str], came: list[str]) -> None:
    after = edited(FILE, name, changes)
    assert difference(FILE, after) == (went, came)
    tomllib.loads(after)


def test_a_key_that_comes_stands_with_the_others_of_its_rule() -> None:
    after = tomllib.loads(edited(FILE, "mails", {"clear": "50", "keep_firing_for": "1m"}))
    _, mails = after["rules"]
    assert (mails["clear"], mails["keep_firing_for"], mails["above"]) == (50, "1m", {"warning": 85})
    assert edited(FILE, "cpu", {"for": "1m"}).index('for = "1m"') < FILE.index("# ── Redis ──")


def test_a_rule_that_is_not_there_comes_last_after_a_blank_line() -> None:
    after = edited(FILE, "memory", {"warning": "85%", "clear": "off"})
    assert after == FILE + '\n[[rules]]\nname = "memory"\nabove = { warning = "85%" }\nclear = "off"\n'
    assert edited("", "memory", {"enabled": "false"}) == '[[rules]]\nname = "memory"\nenabled = false\n'
    assert edited("a = 1", "memory", {"for": "1m"}) == 'a = 1\n\n[[rules]]\nname = "memory"\nfor = "1m"\n'


@pytest.mark.parametrize("text", ["", "a = 1\n", FILE])
def test_back_to_the_default_leaves_no_trace(text: str) -> None:
    off = edited(text, "memory", {"enabled": "false", "warning": "85%"})
    assert edited(off, "memory", {"enabled": "true", "warning": ""}) == text
    assert edited(text, "memory", {"warning": "80%", "enabled": "true"}) == text, "what the default says already"


def test_what_goes_from_the_middle_leaves_one_blank_line_and_every_comment() -> None:
    text = FILE.replace(" # says Ada", "").replace("  # since May", "")
    after = edited(text, "cpu", {"warning": "", "critical": ""})
    assert "# our hosts run hot\n\n# ── Redis ──\n[sources.cache]" in after
    with_a_word = edited(FILE, "cpu", {"warning": "", "critical": ""})
    assert 'name = "cpu" # says Ada' in with_a_word, "a table with a comment in it stays"


def test_a_single_level_goes_on_to_be_the_only_one() -> None:
    text = '[[rules]]\nname = "cpu"\nseverity = "critical"\nabove = "80%" # one\n'
    (rule,) = tomllib.loads(edited(text, "cpu", {"info": "60%"}))["rules"]
    assert rule == {"name": "cpu", "above": {"info": "60%", "warning": "off", "critical": "80%"}}


def test_a_rule_of_the_other_direction_is_changed_in_its_direction() -> None:
    (rule,) = tomllib.loads(edited("", "redis-hit-ratio", {"warning": "90%"}))["rules"]
    assert rule["below"] == {"warning": "90%"}


def test_a_rule_about_absence_has_no_levels_and_its_time_is_its_for() -> None:
    text = '[[rules]]\nname = "silent"\nmetric = "queue.depth"\nabsent_for = "5m"\n'
    assert 'absent_for = "10m"' in edited(text, "silent", {"for": "10m"})
    with pytest.raises(ConfigError, match="no levels"):
        edited(text, "silent", {"warning": "1"})


def test_line_ends_of_another_system_stay() -> None:
    text = FILE.replace("\n", "\r\n")
    for name, changes in (("cpu", {"for": "1m"}), ("memory", {"for": "1m"}), ("mails", {"critical": "100"})):
        after = edited(text, name, changes)
        assert after.count("\r\n") == after.count("\n")
        assert after.replace("\r\n", "\n") == edited(FILE, name, changes)


@pytest.mark.parametrize(
    ("text", "name", "changes", "says"),
    [
        (FILE, "cpu", {"warning": "lots"}, 'warning: "lots" is not a level'),
        (FILE, "cpu", {"for": "30"}, 'for: "30" is not a duration'),
        (FILE, "cpu", {"for": "-3s"}, 'for: "-3s" is not a duration'),
        (FILE, "cpu", {"enabled": "no"}, "enabled must be true or false"),
        (FILE, "cpu", {"summry": "x"}, 'unknown key "summry"; allowed: info, warning'),
        (FILE, "memry", {"for": "1m"}, 'unknown rule "memry"; did you mean "memory"?'),
        ("a = ", "cpu", {"for": "1m"}, "the file is no TOML: "),
        ('rules = [{ name = "cpu" }]', "cpu", {"for": "1m"}, "not written as a [[rules]] table"),
        ('rules = [{ name = "memory" }]', "cpu", {"for": "1m"}, "the file is no TOML"),
    ],
)
def test_what_cannot_be_is_one_line(text: str, name: str, changes: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        edited(text, name, changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
