"""What the types cannot say: limits, names, patterns, addresses, secrets in the open, metrics of one's own."""

import math
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import msgspec

from perftui.config.decode import Problems, Where
from perftui.config.duration import Duration
from perftui.config.kinds import (
    HIDDEN_HEADERS,
    HttpMetric,
    HttpOptions,
    MySQLOptions,
    Options,
    RedisOptions,
    SupervisorOptions,
    SystemdOptions,
)
from perftui.config.secret import Secret
from perftui.config.tables import SOURCE_NAME
from perftui.core import matcher
from perftui.core.catalogue import CATALOGUE
from perftui.core.catalogue.http import HTTP
from perftui.core.metric import Kind
from perftui.core.text import clean

INTERVALS = (Duration(0.2), Duration(86400))
TIMEOUTS = (Duration(0.1), Duration(300))
_HTTP_OWN = frozenset(metric.name for metric in HTTP)
_METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def check_duration(key: str, value: Duration, limits: tuple[Duration, Duration], where: Where, into: Problems) -> bool:
    """Return whether `value` lies within `limits`, both included; add a problem when it does not."""
    low, high = limits
    inside = low <= value <= high
    if not inside:
        into.add(where, f"{key} must lie between {low.text} and {high.text}")
    return inside


def check_name(what: str, name: str, where: Where, into: Problems) -> None:
    """Add a problem when `name` is none that a source, a route or a rule can have."""
    if not re.fullmatch(SOURCE_NAME, name):
        into.add(where, f"a {what}'s name is letters, digits, dots, dashes and underscores, 63 at most")


def check_patterns(key: str, patterns: Mapping[str, str] | Iterable[str], where: Where, into: Problems) -> None:
    """Add a problem for each pattern, of a table of labels or of a list, that can never be read."""
    for pattern in patterns.values() if isinstance(patterns, Mapping) else patterns:
        try:
            matcher.check(pattern)
        except ValueError as error:
            into.add(where, f"{key}: {error}")


def check_texts(value: object, where: Where, into: Problems) -> None:
    """Add a problem for each text in a table, at any depth, that a terminal or a protocol could act on."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if clean(key, len(key)) != key:
                into.add(where, f'"{key}" has a control character in it')
            check_texts(inner, (*where, key), into)
    elif isinstance(value, list):
        for inner in value:
            check_texts(inner, where, into)
    elif isinstance(value, str) and clean(value, len(value)) != value:
        into.add(where[:-1], f"{where[-1]} has a control character in it")


def check_options(options: Options, where: Where, into: Problems) -> None:
    """Add what is wrong with the options of a source of any kind."""
    match options:
        case RedisOptions():
            check_url("url", options.url, ("redis", "rediss", "unix"), "password", where, into)
        case HttpOptions():
            check_url("url", options.url, ("http", "https"), "token", where, into)
            if options.cleanup:
                check_url("cleanup", options.cleanup, ("http", "https"), "token", where, into)
            check_status(options.expect, where, into)
            for name, metric in options.metrics.items():
                _check_metric(name, metric, (*where, "metrics", name), into)
        case MySQLOptions():
            if not (options.socket or options.host):
                into.add(where, "host is empty, and there is no socket")
        case SystemdOptions():
            check_patterns("units", options.units, where, into)
        case SupervisorOptions():
            check_url("url", options.url, ("unix", "http"), "password", where, into, example=_SUPERVISOR)


def _is_open(value: object) -> bool:
    return isinstance(value, Secret) and value.is_literal and not value.names_nothing


def literal_secrets(options: msgspec.Struct) -> list[str]:
    """Return the keys whose value is the secret itself, not a reference."""
    values = {name: getattr(options, name) for name in options.__struct_fields__}
    found = [name for name, value in values.items() if _is_open(value)]
    headers = getattr(options, "headers", {})
    return found + [f"headers.{name}" for name in headers if name.lower() in HIDDEN_HEADERS]


def check_secrets(options: msgspec.Struct, mode: int, where: Where, into: Problems) -> None:
    """Add a problem for each empty secret, and for each literal one in a file that others may read."""
    for name in options.__struct_fields__:
        value = getattr(options, name)
        if isinstance(value, Secret) and value.names_nothing:
            into.add(where, f'{name} is empty; leave it out, or write {name} = "env:NAME"')
    if mode & 0o077:
        for name in literal_secrets(options):
            into.add(
                where,
                f"{name} stands here in plain text, and others may read this file (mode {mode:04o}); "
                + ("chmod 600 it" if "." in name else f'write {name} = "env:NAME", or chmod 600 the file'),
            )


def check_url(
    key: str, url: str, schemes: tuple[str, ...], secret: str, where: Where, into: Problems, *, example: str = ""
) -> None:
    """Add what is wrong with a URL; `secret` is the key where a password of it belongs."""
    # No line here quotes the URL: there may be a password in it.
    own = example or _EXAMPLES.get(key, "")
    example = own or _EXAMPLES[schemes[0]]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        into.add(where, f'{key} is not a URL; write it like "{example}"')
        return
    if parts.password is not None or "password=" in parts.query:
        into.add(where, f'{key} has a password in it; take it out and write {secret} = "env:NAME"')
    elif parts.scheme not in schemes:
        allowed = ", ".join(f"{scheme}://" for scheme in schemes)
        into.add(where, f'{key} must begin with one of {allowed}, like "{example}"')
    elif not (parts.path if parts.scheme == "unix" else parts.hostname) or port == 0:
        into.add(where, f'{key} names no server; write it like "{own or _EXAMPLES[parts.scheme]}"')
    elif schemes[0] == "redis" and parts.scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):
        into.add(where, f'{key} must end in the number of a database, like "{example}"')


_EXAMPLES = {
    "redis": "redis://127.0.0.1:6379/0",
    "rediss": "rediss://cache.example.com:6380/0",
    "unix": "unix:///run/redis/redis.sock",
    "http": "http://127.0.0.1:8080/metrics.json",
    "https": "https://api.example.com/health",
    "alertmanager": "http://127.0.0.1:9093",
    "cleanup": "http://127.0.0.1:8080/cleanup",
}
_SUPERVISOR = "unix:///run/supervisor.sock"


def check_status(expect: tuple[int, int], where: Where, into: Problems) -> None:
    """Add a problem for a range of HTTP status codes that can never be."""
    low, high = expect
    if not 100 <= low <= high <= 599:
        into.add(where, "expect must be the lowest and the highest status, from 100 to 599, like [200, 399]")


def _check_metric(name: str, metric: HttpMetric, where: Where, into: Problems) -> None:
    declared = CATALOGUE.get(name)
    if not _METRIC_NAME.fullmatch(name):
        into.add(where, 'a metric is named like "app.users": lower case, with a dot')
    elif name in _HTTP_OWN:
        into.add(where, "is a metric that every http source has of itself; take another name")
    elif declared and declared.unit != metric.unit:
        into.add(where, f'unit must be "{declared.unit}", as in perftui\'s own {name}; or take another name')
    if metric.kind is Kind.RATIO and (metric.unit != "1" or metric.counter):
        into.add(where, 'a ratio has the unit "1" and is no counter')
    if not math.isfinite(metric.scale) or metric.scale == 0:
        into.add(where, "scale must be a number other than 0")
    if reason := jmespath_error(metric.path):
        into.add(where, f"path is not a JMESPath: {reason}")


def jmespath_error(path: str) -> str:
    """Return why `path` does not compile, in one line; empty when it does."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(path)
    except JMESPathError as error:
        return str(error).splitlines()[0].rstrip(":")
    return ""
