"""The `[notify.NAME]` tables: one way out each, and nothing secret in the open."""

from pathlib import Path

import pytest

from perftui.config.load import read
from perftui.config.notify import Route
from perftui.core.alert import Severity

WHOLE = """
[notify.slack]
url = "env:SLACK_URL"
severities = ["warning", "critical"]
matchers = { source = "prod-*", queue = "!~low.*" }
group_by = ["rule", "queue"]
group_wait = "5s"
group_interval = "2m"
repeat = "0s"
resolved = false
[notify.script]
exec = ["/usr/local/bin/page", "--now"]
[notify.alertmanager]
alertmanager = "http://127.0.0.1:9093"
token = "file:/run/token"
"""
ROUTE = '[notify.x]\nurl = "env:A"\n'


def routes(folder: Path, text: str, mode: int = 0o644) -> tuple[dict[str, Route], list[str]]:
    path = folder / "perftui.toml"
    path.write_text(text)
    path.chmod(mode)
    loaded = read(path)
    return loaded.settings.notify, [line.removeprefix("perftui.toml: ") for line in loaded.problems]


def test_whole_routes(tmp_path: Path) -> None:
    found, problems = routes(tmp_path, WHOLE)
    assert problems == []
    slack, script, alertmanager = found.values()
    assert (slack.severities, slack.group_by) == ((Severity.WARNING, Severity.CRITICAL), ("rule", "queue"))
    assert (slack.group_wait, slack.group_interval, slack.repeat, slack.resolved) == (5.0, 120.0, 0.0, False)
    assert script.exec == ("/usr/local/bin/page", "--now")
    assert (script.severities, script.group_by, script.resolved) == (tuple(Severity), ("source",), True)
    assert alertmanager.token is not None
    assert routes(tmp_path, "")[0] == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("notify = 3", "notify must be tables: write [notify.NAME] for each"),
        ("[notify]\nslack = 3", "[notify.slack] must be a table with url, exec or alertmanager in it"),
        ("[notify.x]", "[notify.x] give exactly one of url, exec and alertmanager"),
        (ROUTE + 'exec = ["a"]', "[notify.x] give exactly one of url, exec and alertmanager, not url and exec"),
        (ROUTE + 'ulr = "env:A"', '[notify.x] unknown key "ulr"; did you mean "url"?'),
        ('[notify.x]\nurl = ""', '[notify.x] url is empty; leave it out, or write url = "env:NAME"'),
        ('[notify.x]\nurl = "env:"', '[notify.x] url is empty; leave it out, or write url = "env:NAME"'),
        ('[notify.x]\nexec = [""]', "[notify.x] exec names no program"),
        ('[notify.x]\nexec = "page now"', "[notify.x] exec must be a list, each text in quotes"),
        (
            '[notify.x]\nalertmanager = "127.0.0.1:9093"',
            '[notify.x] alertmanager must begin with one of http://, https://, like "http://127.0.0.1:9093"',
        ),
        (
            '[notify.x]\nalertmanager = "http://me:hunter2@h"',
            '[notify.x] alertmanager has a password in it; take it out and write token = "env:NAME"',
        ),
        (
            '[notify."a b"]\nurl = "env:A"',
            '[notify."a b"] a route\'s name is letters, digits, dots, dashes and underscores, 63 at most',
        ),
        (ROUTE + 'token = "env:A"', "[notify.x] token is only for alertmanager"),
        (
            ROUTE + 'severities = ["bad"]',
            '[notify.x] severities must be a list, each "info" or "warning" or "critical"',
        ),
        (
            ROUTE + "severities = []",
            "[notify.x] severities is empty: no alert would take this route; leave it out for all of them",
        ),
        (
            ROUTE + 'matchers = { source = "~[" }',
            '[notify.x] matchers: "~[" is no regular expression: unterminated character set at position 0',
        ),
        (ROUTE + 'group_by = ["a b"]', '[notify.x] group_by: "a b" is no label'),
        (ROUTE + 'group_wait = "2h"', "[notify.x] group_wait must lie between 0s and 1h"),
        (ROUTE + 'group_interval = "0s"', "[notify.x] group_interval must lie between 1s and 1d"),
        (ROUTE + 'repeat = "5s"', "[notify.x] repeat must lie between 1m and 30d"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert routes(tmp_path, text) == ({}, [line])


def test_a_literal_url_needs_a_private_file_and_is_never_shown(tmp_path: Path) -> None:
    text = '[notify.x]\nurl = "slack://hunter2/b/c"\n'
    found, (line,) = routes(tmp_path, text)
    assert found == {}
    assert line.startswith("[notify.x] url stands here in plain text, and others may read this file (mode 0644)")
    found, problems = routes(tmp_path, text, 0o600)
    assert (list(found), problems) == (["x"], [])
    assert "hunter2" not in line + repr(found)


def test_a_wrong_route_leaves_the_others_standing(tmp_path: Path) -> None:
    found, problems = routes(tmp_path, ROUTE + "[notify.y]\n[notify.z]\nexec = ['a']\n")
    assert (list(found), len(problems)) == (["x", "z"], 1)
