from pathlib import Path

import pytest

from perftui.config.kinds import HttpOptions, MySQLOptions, RedisOptions
from perftui.config.load import Loaded, load, read, read_content
from perftui.config.settings import Settings, SourceSettings
from perftui.core.errors import ConfigError


def written(folder: Path, text: str, mode: int = 0o644) -> Path:
    path = folder / "perftui.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def lines(folder: Path, text: str, mode: int = 0o644) -> list[str]:
    """Return the problems of a file, without its name in front."""
    problems = read(written(folder, text, mode)).problems
    assert all(line.startswith("perftui.toml: ") for line in problems)
    return [line.removeprefix("perftui.toml: ") for line in problems]


def sources(settings: Settings) -> dict[str, SourceSettings]:
    return {source.name: source for source in settings.sources}


FULL = """
interval = "2s"
theme = "light"
[keys]
quit = "Q"
[sources.cache-1]
kind = "redis"
url = "rediss://10.0.0.5/2"
password = "env:CACHE1_PASSWORD"
production = true
queues = { lists = ["mail"] }
[sources.db]
kind = "mysql"
socket = "/run/mysqld/mysqld.sock"
read_only = true
interval = "10s"
timeout = "500ms"
[sources.api]
kind = "http"
url = "https://api.example.com/metrics"
[sources.api.metrics."app.users"]
path = "users[].{shard: name, value: online}"
unit = "{user}"
"""


def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, FULL))
    assert (settings.interval, settings.theme, settings.keys) == (2.0, "light", {"quit": "Q"})
    assert settings.path == str(tmp_path / "perftui.toml")
    assert len(settings.digest) == 12
    found = sources(settings)
    assert list(found) == ["system", "agent", "cache-1", "db", "api"]
    cache, db, api = found["cache-1"].options, found["db"], found["api"].options
    assert isinstance(cache, RedisOptions)
    assert cache.queues.lists == ("mail",)
    assert (found["cache-1"].address, found["cache-1"].production) == ("10.0.0.5:6379", True)
    assert isinstance(db.options, MySQLOptions)
    assert (db.address, db.interval, db.timeout, db.read_only) == ("/run/mysqld/mysqld.sock", 10.0, 0.5, True)
    assert isinstance(api, HttpOptions)
    assert api.metrics["app.users"].unit == "{user}"
    assert found["api"].address == "api.example.com:443"


def test_without_a_file_there_is_this_host_and_the_agent(tmp_path: Path) -> None:
    settings = load(tmp_path / "perftui.toml")
    assert list(sources(settings)) == ["system", "agent"]
    assert (settings.digest, settings.discover) == ("", True)
    with pytest.raises(ConfigError, match=f"^perftui.toml: there is no such file in {tmp_path}$"):
        load(tmp_path / "perftui.toml", must_exist=True)


def test_intervals_follow_the_top_level_and_http_stays_calm(tmp_path: Path) -> None:
    text = 'interval = "500ms"\n[sources.a]\nkind = "http"\nurl = "http://a"\n[sources.b]\nkind = "redis"\n'
    found = sources(load(written(tmp_path, text)))
    assert {name: source.interval for name, source in found.items()} == {
        "system": 0.5, "agent": 0.5, "a": 5.0, "b": 0.5
    }  # fmt: skip


def test_the_host_can_be_configured(tmp_path: Path) -> None:
    text = '[sources.system]\nkind = "system"\nprocesses = false\ninterval = "5s"\n'
    found = sources(load(written(tmp_path, text)))
    assert list(found) == ["agent", "system"]
    assert found["system"].interval == 5.0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('intervall = "1s"', 'unknown key "intervall"; did you mean "interval"?'),
        ("interval = 1", 'interval must be a duration in quotes, such as "500ms", "30s" or "5m"'),
        ('interval = "1"', 'interval is wrong: "1" is not a duration; write it like "500ms", "30s", "5m" or "1h30m"'),
        ('interval = "10ms"', "interval must lie between 200ms and 1d"),
        ('ascii = "yes"', "ascii must be true or false"),
        ("keys = { quit = 3 }", "keys must be a table, each value text in quotes"),
        ('theme = "\\u001b[31m"', "theme has a control character in it"),
        ('"\\u202e" = 1', '"<U+202E>" has a control character in it'),
        ("a = 1\nb = = 2", "line 2, column 5: Invalid value"),
        ("sources = 3", "sources must be tables: write [sources.NAME] for each"),
        ("[sources]\nx = 1", '[sources.x] must be a table with a "kind" in it'),
        (
            "[sources.x]",
            '[sources.x] missing key "kind"; allowed: system, agent, redis, mysql, http, systemd, supervisor',
        ),
        ('[sources.x]\nkind = "redi"', '[sources.x] unknown kind "redi"; did you mean "redis"?'),
        (
            '[sources.x]\nkind = "oracle"',
            '[sources.x] unknown kind "oracle"; allowed: system, agent, redis, mysql, http, systemd, supervisor',
        ),
        (
            "[sources.x]\nkind = 3",
            "[sources.x] kind must be one of system, agent, redis, mysql, http, systemd, supervisor, in quotes",
        ),
        (
            '[sources."a/b"]\nkind = "redis"',
            '[sources."a/b"] a source\'s name is letters, digits, dots, dashes and underscores, 63 at most',
        ),
        ('[sources.agent]\nkind = "redis"', '[sources.agent] this name is kept for the kind "agent"'),
        (
            '[sources.web]\nkind = "system"',
            '[sources.web] the source of kind "system" is always there and named so; write [sources.system]',
        ),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    found = lines(tmp_path, text)
    assert line in found
    assert found[0] == line or "control character" in line


REDIS, MYSQL, HTTP = "[sources.x]\nkind = 'redis'\n", "[sources.x]\nkind = 'mysql'\n", "[sources.x]\nkind = 'http'\n"
API = HTTP + "url = 'http://h'\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (REDIS + 'pasword = "env:A"', '[sources.x] unknown key "pasword"; did you mean "password"?'),
        (REDIS + 'intervall = "1s"', '[sources.x] unknown key "intervall"; did you mean "interval"?'),
        (REDIS + "queues = { bulmq = [] }", '[sources.x.queues] unknown key "bulmq"; did you mean "bullmq"?'),
        (REDIS + "queues = 1", "[sources.x.queues] must be a table"),
        (REDIS + 'queues = { lists = "a" }', "[sources.x.queues] lists must be a list, each text in quotes"),
        (REDIS + 'interval = "0s"', "[sources.x] interval must lie between 200ms and 1d"),
        (REDIS + 'timeout = "1h"', "[sources.x] timeout must lie between 100ms and 5m"),
        (REDIS + 'password = "env:"', '[sources.x] password is empty; leave it out, or write password = "env:NAME"'),
        (
            REDIS + "password = 3",
            (
                '[sources.x] password must be a reference in quotes, such as "env:NAME", "file:PATH", "keyring:NAME" '
                'or "command:PROGRAM"'
            ),
        ),
        (
            REDIS + 'password = "hunter2"',
            (
                "[sources.x] password stands here in plain text, and others may read this file (mode 0644); "
                'write password = "env:NAME", or chmod 600 the file'
            ),
        ),
        (
            REDIS + 'url = "redis://:hunter2@h"',
            '[sources.x] url has a password in it; take it out and write password = "env:NAME"',
        ),
        (
            REDIS + 'url = "redis://h?password=hunter2"',
            '[sources.x] url has a password in it; take it out and write password = "env:NAME"',
        ),
        (
            REDIS + 'url = "http://h"',
            '[sources.x] url must begin with one of redis://, rediss://, unix://, like "redis://127.0.0.1:6379/0"',
        ),
        (REDIS + 'url = "unix://"', '[sources.x] url names no server; write it like "unix:///run/redis/redis.sock"'),
        (REDIS + 'url = "redis://h:port"', '[sources.x] url is not a URL; write it like "redis://127.0.0.1:6379/0"'),
        (
            REDIS + 'url = "redis://h/zero"',
            '[sources.x] url must end in the number of a database, like "redis://127.0.0.1:6379/0"',
        ),
        (MYSQL + "port = 70000", "[sources.x] port must be a whole number from 1 to 65535"),
        (MYSQL + 'host = ""', "[sources.x] host is empty, and there is no socket"),
        (MYSQL + 'defaults_file = "/no/my.cnf"', "[sources.x] defaults_file: there is no /no/my.cnf"),
        (HTTP, '[sources.x] missing key "url"'),
        (
            HTTP + "url = 'http://u:p@h'",
            '[sources.x] url has a password in it; take it out and write token = "env:NAME"',
        ),
        (API + "method = 'POST'", '[sources.x] method must be "GET" or "HEAD"'),
        (API + "expect = [200]", "[sources.x] expect must be a list of 2, each a whole number"),
        (
            API + "expect = [399, 200]",
            "[sources.x] expect must be the lowest and the highest status, from 100 to 599, like [200, 399]",
        ),
        (
            API + 'headers = { Authorization = "Bearer hunter2" }',
            (
                "[sources.x] headers.Authorization stands here in plain text, "
                "and others may read this file (mode 0644); chmod 600 it"
            ),
        ),
        (API + "metrics = []", "[sources.x.metrics] must be a table of tables"),
        (API + "metrics = { 'a.b' = 1 }", '[sources.x.metrics."a.b"] must be a table'),
        (API + "metrics = { 'a.b' = {} }", '[sources.x.metrics."a.b"] missing key "path"'),
        (
            API + "metrics = { Users = { path = 'a' } }",
            '[sources.x.metrics.Users] a metric is named like "app.users": lower case, with a dot',
        ),
        (
            API + "metrics = { 'http.up' = { path = 'a' } }",
            '[sources.x.metrics."http.up"] is a metric that every http source has of itself; take another name',
        ),
        (
            API + "metrics = { 'agent.loop.lag' = { path = 'a' } }",
            (
                '[sources.x.metrics."agent.loop.lag"] unit must be "s", as in perftui\'s own agent.loop.lag; '
                "or take another name"
            ),
        ),
        (
            API + "metrics = { 'a.b' = { path = 'a', kind = 'gage' } }",
            '[sources.x.metrics."a.b"] kind must be "gauge" or "rate" or "ratio"',
        ),
        (
            API + "metrics = { 'a.b' = { path = 'a', kind = 'ratio', unit = '%' } }",
            '[sources.x.metrics."a.b"] a ratio has the unit "1" and is no counter',
        ),
        (
            API + "metrics = { 'a.b' = { path = 'a', scale = nan } }",
            '[sources.x.metrics."a.b"] scale must be a number other than 0',
        ),
    ],
)
def test_each_mistake_of_a_source_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert lines(tmp_path, text) == [line]


@pytest.mark.parametrize("path", ["", "a[", "a.", "nosuch(", "{a"])
def test_a_wrong_jmespath_is_one_line(tmp_path: Path, path: str) -> None:
    (line,) = lines(tmp_path, API + f"metrics = {{ 'a.b' = {{ path = '{path}' }} }}")
    assert line.startswith('[sources.x.metrics."a.b"] path is not a JMESPath: ')


def test_all_mistakes_are_told_at_once_and_the_right_sources_stay(tmp_path: Path) -> None:
    text = (
        "interval = 1\ntheme = 'light'\n"
        + REDIS
        + "pasword = 'env:A'\npassword = 'hunter2'\n[sources.y]\nkind = 'redis'\n"
    )
    loaded = read(written(tmp_path, text))
    assert len(loaded.problems) == 3
    assert list(sources(loaded.settings)) == ["system", "agent", "y"]
    assert loaded.settings.theme == "light"
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "perftui.toml")
    assert str(raised.value).splitlines() == list(loaded.problems)
    assert "hunter2" not in str(raised.value)


def test_a_file_with_a_mistake_makes_everything_read_only(tmp_path: Path) -> None:
    loaded = read(written(tmp_path, REDIS + "[sources.y]\nkind = 'redis'\nproductoin = true"))
    assert loaded.settings.read_only
    assert all(source.read_only for source in loaded.settings.sources)
    assert not read(written(tmp_path, REDIS)).settings.read_only


def test_a_literal_secret_may_stand_in_a_private_file(tmp_path: Path) -> None:
    text = REDIS + "password = 'hunter2'\n[sources.y]\nkind = 'http'\nurl = 'http://h'\nheaders = { Cookie = 'a' }"
    found = sources(load(written(tmp_path, text, 0o600)))
    options = found["x"].options
    assert isinstance(options, RedisOptions)
    assert options.password is not None
    assert options.password.reveal() == "hunter2"
    assert "hunter2" not in repr(found)
    assert len(lines(tmp_path, text, 0o640)) == 2


def test_a_defaults_file_gives_what_is_not_written(tmp_path: Path) -> None:
    cnf = tmp_path / "my.cnf"
    cnf.write_text("[client]\nuser = monitor\npassword = command:x\nsocket = /run/a.sock\n")
    text = MYSQL + f"defaults_file = '{cnf}'\n"
    (options,) = [source.options for source in load(written(tmp_path, text)).sources if source.name == "x"]
    assert isinstance(options, MySQLOptions)
    assert (options.user, options.socket) == ("monitor", "/run/a.sock")
    assert options.password is not None
    assert options.password.reveal() == "command:x"
    (options,) = [
        source.options for source in load(written(tmp_path, text + "host = 'db'")).sources if source.name == "x"
    ]
    assert isinstance(options, MySQLOptions)
    assert (options.socket, options.host) == ("", "db"), "a host that is written wins over the file's socket"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a = 1\ntheme = '\xff'", "line 2: is not UTF-8 text"),
        (b"#" * (2 << 20), "is larger than 1 MiB; is it the right file?"),
        (b"a = " + b"[" * 5000, "is nested too deeply"),
        (b"a" + b".a" * 3000 + b" = 1", "is nested too deeply"),
    ],
    ids=["bytes", "large", "nested", "dotted"],
)
def test_what_is_no_configuration_is_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "perftui.toml"
    path.write_bytes(content)
    assert read(path).problems == (f"perftui.toml: {line}",)


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    loaded: Loaded = read(tmp_path)
    assert loaded.problems == (f"{tmp_path.name}: cannot be read: Is a directory",)
    assert list(sources(loaded.settings)) == ["system", "agent"]


def test_the_digest_tells_two_files_apart(tmp_path: Path) -> None:
    first = load(written(tmp_path, "theme = 'dark'")).digest
    assert first != load(written(tmp_path, "theme = 'light'")).digest
    assert first == load(written(tmp_path, "theme = 'dark'")).digest


def test_lists_of_tables_are_kept_as_they_are_written(tmp_path: Path) -> None:
    text = 'bell = false\n[[rules]]\nname = "cpu"\nabove = "80%"\n[[inhibitions]]\nname = "a"\n'
    settings = load(written(tmp_path, text))
    assert settings.rules == ({"name": "cpu", "above": "80%"},)
    assert settings.inhibitions == ({"name": "a"},)
    assert not settings.bell
    assert lines(tmp_path, "[rules]\nname = 'cpu'") == ["rules must be tables: write [[rules]] before each"]
    assert lines(tmp_path, "inhibitions = [3]") == ["inhibitions must be tables: write [[inhibitions]] before each"]
    assert lines(tmp_path, '[[rules]]\nsummary = "\\u001b[31m"') == ["[rules] summary has a control character in it"]


def test_what_would_stand_in_a_file_is_read_without_it(tmp_path: Path) -> None:
    path = tmp_path / "perftui.toml"
    loaded = read_content(path, b"them = 1\ntheme = 'light'", 0o600)
    assert loaded.problems == ('perftui.toml: unknown key "them"; did you mean "theme"?',)
    assert loaded.settings.theme == "light"
    assert not path.exists()
