"""The tables for actions: each by itself, every mistake one line that says what would be right."""

from pathlib import Path

import pytest

from perftui.config.load import read
from perftui.config.settings import Settings
from perftui.core.action import Risk

SOURCES = """
discover = false
[sources.cache]
kind = "redis"
[sources.db]
kind = "mysql"
[sources.web]
kind = "http"
url = "http://h"
[sources.units]
kind = "systemd"
"""
WHOLE = """
[actions]
max_running = 2
max_share = 0.25
require_reason = ["high"]
[[actions.freeze]]
from = "fri 16:00"
until = "mon 06:00"
sources = ["prod-*"]
[warm.users]
target = "cache"
query = { source = "db", sql = "SELECT id FROM users" }
key = "user:{id}"
ttl = "0s"
[warm.pages]
target = "cache"
urls = ["https://h/a"]
[files.logs]
paths = ["/var/log/app/**/*.gz"]
larger_than = "1MiB"
[scale.mail]
source = "units"
unit = "mail@{n}.service"
[scale.web]
command = ["scale", "{n}"]
count = ["scale", "--count"]
[cdn.front]
source = "web"
purge = { url = "https://cdn/purge", token = "env:T", body = '{"files": {paths}}' }
[runbooks.drain]
title = "drain"
command = ["pool", "drain", "{server}"]
undo = "admit"
params = { server = { required = true, pattern = "web-[0-9]+" } }
[runbooks.admit]
title = "admit"
shell = 'pool admit "$PARAM_SERVER"'
params = { server = { pattern = "web-[0-9]+" } }
"""
WARM = SOURCES + "[warm.x]\ntarget = 'cache'\n"
QUERY = WARM + "query = { source = 'db', sql = 'SELECT 1' }\n"
SCALE = SOURCES + "[scale.x]\n"
CDN = SOURCES + "[cdn.x]\nsource = 'web'\n"
BOOK = SOURCES + "[runbooks.x]\ntitle = 'x'\n"
RUN = BOOK + "command = ['true', '{a}']\nparams = { a = {} }\n"


def loaded(folder: Path, text: str, mode: int = 0o644) -> tuple[Settings, list[str]]:
    path = folder / "perftui.toml"
    path.write_text(text)
    path.chmod(mode)
    found = read(path)
    return found.settings, [line.removeprefix("perftui.toml: ") for line in found.problems]


def test_whole_tables(tmp_path: Path) -> None:
    settings, problems = loaded(tmp_path, SOURCES + WHOLE)
    assert problems == []
    assert (settings.actions.max_running, settings.actions.require_reason) == (2, (Risk.HIGH,))
    (window,) = settings.actions.freeze
    assert (window.start, window.until, window.sources) == ("fri 16:00", "mon 06:00", ("prod-*",))
    assert (settings.warm["users"].ttl, settings.warm["pages"].urls) == (0.0, ("https://h/a",))
    assert settings.files["logs"].larger_than == float(1 << 20)
    assert list(settings.scale) == ["mail", "web"]
    assert settings.cdn["front"].purge is not None
    assert settings.runbooks["drain"].params["server"].required


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("actions = 1", "actions must be a table: write [actions]"),
        ("[actions]\nmax_share = 2.0", "[actions] max_share must be a number from 0.0 to 1.0"),
        ("[actions]\nmax_runing = 2", '[actions] unknown key "max_runing"; did you mean "max_running"?'),
        ("[[actions.freeze]]\nfrom = 'fri 16:00'", '[actions.freeze] missing key "until"'),
        (
            "[[actions.freeze]]\nfrom = 'fry 16:00'\nuntil = 'mon 06:00'",
            (
                '[actions.freeze] from "fry 16:00" is no time; write "fri 16:00" for each week, '
                'or "2026-12-24 00:00" for once'
            ),
        ),
        ("warm = 1", "warm must be tables: write [warm.NAME] for each"),
        ("[warm]\nx = 1", "[warm.x] must be a table"),
        (
            SOURCES + "[warm.'a b']\ntarget='cache'\nurls=['http://h']",
            '[warm."a b"] a recipe\'s name is letters, digits, dots, dashes and underscores, 63 at most',
        ),
        (WARM, "[warm.x] give exactly one of query, http, file and urls"),
        (
            QUERY + "key = 'a:{b}'\nfile = '/a'",
            "[warm.x] give exactly one of query, http, file and urls, not query and file",
        ),
        (QUERY, '[warm.x] missing key "key": the name of each, with its columns in braces, such as "user:{id}"'),
        (
            QUERY + "key = 'user'",
            '[warm.x] key has no column in braces, so all would be one; write it like "user:{id}"',
        ),
        (
            WARM + "query = { source = 'db', sql = 'DELETE FROM users' }\nkey = 'a:{b}'",
            "[warm.x.query] sql must be one SELECT",
        ),
        (
            WARM + "query = { source = 'web', sql = 'SELECT 1' }\nkey = 'a:{b}'",
            '[warm.x] query.source: "web" is a source of kind http; name one of kind mysql',
        ),
        (WARM + "file = 'a.jsonl'", "[warm.x] file must be an absolute path"),
        (WARM + "urls = ['http://h']\nkey = 'a:{b}'", "[warm.x] key is only for query and http"),
        (
            WARM + "urls = ['ftp://h']",
            '[warm.x] urls must begin with one of http://, https://, like "http://127.0.0.1:8080/metrics.json"',
        ),
        (WARM + "urls = ['http://h']\nttl = '100ms'", "[warm.x] ttl must lie between 1s and 3650d"),
        (
            SOURCES + "[warm.x]\ntarget = 'cahce'\nurls = ['http://h']",
            '[warm.x] target: there is no source "cahce"; did you mean "cache"?',
        ),
        (
            SOURCES + "[warm.x]\ntarget = 'elsewhere'\nurls = ['http://h']",
            '[warm.x] target: there is no source "elsewhere"; write [sources.elsewhere], or discover = true',
        ),
        ("[files.x]\npaths = []", '[files.x] paths is empty; write patterns like "/var/log/app/*.log.gz"'),
        (
            "[files.x]\npaths = ['a/*']",
            '[files.x] paths: "a/*" is not absolute; write it like "/var/log/app/*.log.gz"',
        ),
        *(
            (
                f"[files.x]\npaths = ['{path}']",
                f'[files.x] paths: "{path}" is about the whole of /; name a folder, like "/var/log/app/*.log.gz"',
            )
            for path in ("/", "/*", "/**", "/**/x.gz", "/v*/log/x", "/var")
        ),
        ("[files.x]\npaths = ['/var/../*']", '[files.x] paths: "/var/../*" has .. in it; write the folder itself'),
        (
            "[files.x]\npaths = ['/var/log/**']",
            '[files.x] paths: "/var/log/**" names folders; write which files, like "/var/log/**/*.gz"',
        ),
        (
            "[files.x]\npaths = ['/proc/*']",
            '[files.x] paths: "/proc/*": what is in /proc is no file that can be deleted',
        ),
        ("[files.x]\npaths = ['/a/b']\nolder_than = '1s'", "[files.x] older_than must lie between 1m and 3650d"),
        ("[files.x]\npaths = ['/a/b']\nlarger_than = '1 XB'", None),
        (SCALE, "[scale.x] give exactly one of unit and command"),
        (
            SCALE + "unit = 'a@{n}.service'\ncommand = ['a', '{n}']\ncount = ['b']",
            "[scale.x] give exactly one of unit and command, not both",
        ),
        (
            SCALE + "unit = 'a.service'",
            '[scale.x] unit needs {n} once, for the number: write it like "worker@{n}.service"',
        ),
        (SCALE + "unit = 'a@{n}'\nmin = 5", "[scale.x] min (5) must not be above max (4)"),
        (
            SCALE + "unit = 'a@{n}'\nsource = 'db'",
            '[scale.x] source: "db" is a source of kind mysql; name one of kind systemd or supervisor',
        ),
        (SCALE + "command = ['a', '{n}']", '[scale.x] missing key "count": the program that prints how many run'),
        (SCALE + "command = ['a']\ncount = ['b']", "[scale.x] command needs {n}, for how many"),
        (
            SCALE + "command = ['a', '{n}', '{m}']\ncount = ['b']",
            "[scale.x] command: {m} is no parameter; there are: n",
        ),
        (CDN, "[cdn.x] give purge, warm or both"),
        (
            CDN + "purge = { url = 'http://u:p@h' }",
            '[cdn.x.purge] url has a password in it; take it out and write token = "env:NAME"',
        ),
        (
            CDN + "purge = { url = 'http://h', token = 'hunter2' }",
            (
                "[cdn.x.purge] token stands here in plain text, and others may read this file (mode 0644); "
                'write token = "env:NAME", or chmod 600 the file'
            ),
        ),
        (
            CDN + "purge = { url = 'http://h', headers = { Cookie = 'a' } }",
            (
                "[cdn.x.purge] headers.Cookie stands here in plain text, and others may read this file (mode 0644); "
                "chmod 600 it"
            ),
        ),
        (
            CDN + "purge = { url = 'http://h', body = '{\"a\": {path}}' }",
            '[cdn.x.purge] body: {path} is no parameter; did you mean "paths"?',
        ),
        (
            CDN + "purge = { url = 'http://h', body = '{\"a\": }' }",
            "[cdn.x.purge] body is not JSON once it is filled in; write it like '{\"user\": {user}}'",
        ),
        (BOOK, "[runbooks.x] give exactly one of command, shell and http"),
        (
            BOOK + "command = ['a']\nshell = 'b'",
            "[runbooks.x] give exactly one of command, shell and http, not command and shell",
        ),
        (
            BOOK + "command = ['bin/a']",
            "[runbooks.x] command: write the whole path of bin/a; it is started in /",
        ),
        (BOOK + "command = ['']", "[runbooks.x] command names no program"),
        (BOOK + "command = ['a', '{b}']", "[runbooks.x] command: {b} is no parameter; nothing is filled in"),
        (
            BOOK + "command = ['{b}']\nparams = { b = {} }",
            "[runbooks.x] command: the program itself cannot be filled in; write its path",
        ),
        (
            BOOK + "shell = 'echo {b}'\nparams = { b = {} }",
            '[runbooks.x] shell: {b} is not filled in; write "$PARAM_B", in double quotes',
        ),
        (
            BOOK + "http = { url = 'http://{b}/x' }\nparams = { b = {} }",
            "[runbooks.x.http] url: the server itself cannot be filled in; the token would go wherever somebody says",
        ),
        (RUN + "proof = ['a', '{c}']", "[runbooks.x] proof: {c} is no parameter; there are: a"),
        (RUN + "timeout = '2h'", "[runbooks.x] timeout must lie between 1s and 1h"),
        (RUN + "undo = 'x'", "[runbooks.x] undo is this runbook itself"),
        (RUN + "undo = 'y'", '[runbooks.x] undo: there is no runbook "y"'),
        (
            RUN + "undo = 'y'\n[runbooks.y]\ntitle = 'y'\ncommand = ['true']",
            "[runbooks.x] undo: [runbooks.y] has no parameter a",
        ),
        (
            RUN + "undo = 'y'\n[runbooks.y]\ntitle = 'y'\ncommand = ['true']\ntarget = 'db'\nparams = { a = {} }",
            '[runbooks.x] undo: [runbooks.y] works on "db", not on "system"',
        ),
        (
            BOOK + "command = ['a']\nparams = { a = { pattern = '(' } }",
            None,
        ),
        (
            BOOK + "command = ['a']\nparams = { a = { pattern = '(a+)+b' } }",
            (
                '[runbooks.x.params.a] pattern: "(a+)+b" could take too long: too much repeats or varies, '
                "or it refers to a group"
            ),
        ),
        (
            BOOK + "command = ['a']\nparams = { a = { pattern = 'b', default = 'c' } }",
            '[runbooks.x.params.a] "c" does not match the pattern',
        ),
        (
            BOOK + "command = ['a']\nparams = { a = { kind = 'integer', choices = ['1', 'b'] } }",
            '[runbooks.x.params.a] "b" is no integer',
        ),
        (
            BOOK + "command = ['a']\nparams = { A = {} }",
            (
                "[runbooks.x.params.A] a parameter's name begins with a letter and is lower case, digits and "
                "underscores, 32 at most"
            ),
        ),
        (
            BOOK.replace("[runbooks.x]", "[runbooks.'X.y']") + "command = ['a']",
            "[runbooks.\"X.y\"] a runbook's name is part of an action's: lower case, digits, dashes, 40 at most",
        ),
        (
            "[sources.web]\nkind = 'http'\nurl = 'http://h'\ncleanup = 'h'",
            '[sources.web] cleanup must begin with one of http://, https://, like "http://127.0.0.1:8080/cleanup"',
        ),
        (
            "[sources.s]\nkind = 'supervisor'\nurl = 'http://u:p@h'",
            '[sources.s] url has a password in it; take it out and write password = "env:NAME"',
        ),
        (
            "[sources.s]\nkind = 'supervisor'\nurl = 'tcp://h'",
            '[sources.s] url must begin with one of unix://, http://, like "unix:///run/supervisor.sock"',
        ),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, text: str, line: str | None) -> None:
    _, problems = loaded(tmp_path, text)
    assert len(problems) == 1
    assert line in (problems[0], None)


def test_a_mistake_leaves_the_others_standing_and_everything_read_only(tmp_path: Path) -> None:
    settings, problems = loaded(tmp_path, SOURCES + WHOLE + "[files.bad]\npaths = ['/']\n[scale.bad]\nmin = 9\n")
    assert len(problems) == 3
    assert (list(settings.files), list(settings.scale), settings.read_only) == (["logs"], ["mail", "web"], True)


def test_a_source_may_still_be_discovered_or_be_told_of_already(tmp_path: Path) -> None:
    recipe = "[warm.x]\ntarget = 'later'\nurls = ['http://h']\n"
    assert loaded(tmp_path, recipe)[1] == []
    _, problems = loaded(tmp_path, "discover = false\n[sources.later]\nkind = 'redis'\nport = 1\n" + recipe)
    assert len(problems) == 1
    assert "port" in problems[0]


def test_a_runbook_with_a_wrong_undo_is_left_out(tmp_path: Path) -> None:
    settings, _ = loaded(tmp_path, RUN + "undo = 'nothing'\n[runbooks.y]\ntitle = 'y'\ncommand = ['true']")
    assert list(settings.runbooks) == ["y"]


def test_a_placeholder_may_stand_in_a_string_of_the_body(tmp_path: Path) -> None:
    text = (
        BOOK
        + """params = { a = {} }
http = { url = "http://h/{a}", body = '{"text": "by {a}", "who": {a}}' }"""
    )
    assert loaded(tmp_path, text)[1] == []
