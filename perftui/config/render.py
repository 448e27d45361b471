"""A first perftui.toml: what was found, and every key that it could have, as a comment with its meaning."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

import msgspec

from perftui.config.docs import field_docs
from perftui.config.duration import Duration
from perftui.config.kinds import MySQLOptions
from perftui.config.remedies import ActionRules
from perftui.config.secret import Secret
from perftui.config.settings import SourceSettings
from perftui.config.tables import SourceTable, TopTable

_HEAD = """\
# What perftui watches, and how. `perftui config check` finds the mistakes in this file, and
# `perftui config schema` describes all of it to an editor. A key behind "#" shows its default, or an example.
"""
_EXAMPLE = """\
# An application's own figures, out of any JSON:
# [sources.shop]
# kind = "http"
# url = "http://127.0.0.1:8080/metrics.json"
# token = "env:SHOP_TOKEN"
# [sources.shop.metrics."shop.carts"]
# path = "carts.open"
# unit = "{cart}"
"""
_ALERTS = """\
# Alerts. The rules that perftui comes with are in force; a table with the name of one changes what it says.
# [[rules]]
# name = "cpu"
# above = { warning = "80%", critical = "95%" }
# for = "1m"

# A rule of your own: any metric that `perftui metrics` lists.
# [[rules]]
# name = "mails-waiting"
# metric = "queue.depth"
# attributes = { queue = "mail-*" }
# above = { warning = 1000 }
# for = "2m"
# summary = "{queue}: {value} mails waiting, above {level}"

# While the first fires, what follows from it calls nobody.
# [[inhibitions]]
# name = "memory-before-queues"
# when = { rule = "redis-memory", severity = "critical" }
# mutes = { rule = "queue-*" }

# Who is told. Only an agent that runs as a service tells anybody; `perftui notify test ROUTE` tries a route.
# [notify.slack]
# url = "env:SLACK_URL"
# [notify.email]
# url = "env:EMAIL_URL"
# severities = ["warning", "critical"]
# [notify.pagerduty]
# url = "env:PAGERDUTY_URL"
# severities = ["critical"]
"""
_REMEDIES = """\
# No action runs in a freeze window, each week or once (UTC).
# [[actions.freeze]]
# from = "fri 16:00"
# until = "mon 06:00"
# sources = ["prod-*"]
# reason = "weekend"

# Remedies of your own, for the pickers and, by their id, for the remedies of rules.
# `cache.warm:hot-users`: the rows of a query (or the items of http, the lines of a file, or urls) into a cache.
# [warm.hot-users]
# target = "cache-1"
# query = { source = "orders-db", sql = "SELECT id, body FROM users ORDER BY seen DESC LIMIT 1000" }
# key = "user:{id}"
# value = "body"
# ttl = "1h"

# `cleanup.files:app-logs`: files that may be deleted.
# [files.app-logs]
# paths = ["/var/log/app/*.log.gz"]
# older_than = "14d"
# keep = 5

# `service.scale:mail-workers`: a template unit, a supervisor group, or a command and its count.
# [scale.mail-workers]
# unit = "mail-worker@{n}.service"
# queues = ["mail-*"]
# min = 1
# max = 8

# What stands in front of an application's pages.
# [cdn.front]
# source = "shop"
# purge = { url = "https://cdn.example.com/purge", token = "env:CDN_TOKEN", body = '{"files": {paths}}' }

# `runbook.drain`: a command, a shell line or an HTTP call of your own.
# [runbooks.drain]
# title = "take a web server out of the pool"
# command = ["/usr/local/bin/pool", "drain", "{server}"]
# dry_run = ["/usr/local/bin/pool", "drain", "--dry-run", "{server}"]
# undo = "admit"
# rules = ["web-*"]
# dangerous = true
# [runbooks.drain.params.server]
# help = "which one"
# required = true
# pattern = "web-[0-9]+"
# [runbooks.admit]
# title = "put a web server back into the pool"
# command = ["/usr/local/bin/pool", "admit", "{server}"]
# [runbooks.admit.params.server]
# help = "which one"
# required = true
# pattern = "web-[0-9]+"
"""
_EXAMPLES = {"interval": Duration(1.0), "timeout": Duration(2.0), "password": "env:NAME"}
_FIRST = {"url", "host", "port", "socket"}
"""Keys that say where a source is: written even where they are the default."""


def render(found: Iterable[SourceSettings]) -> str:
    """Return the text of a perftui.toml with the sources that were `found`; it holds no secret, only references."""
    parts = [_HEAD, "\n".join(_keys(TopTable())) + "\n"]
    parts += ["\n".join(_source(source)) + "\n" for source in found]
    limits = "\n".join(["# What the guard of actions goes by.", "# [actions]", *_keys(ActionRules())]) + "\n"
    return "\n".join([*parts, _EXAMPLE, _ALERTS, limits, _REMEDIES])


def _source(source: SourceSettings) -> Iterator[str]:
    where = f"sources.{source.name}"
    yield f"# Found at {source.address}."
    yield f"[{where}]"
    yield f'kind = "{source.kind}"'
    yield from _keys(source.options)
    yield from _keys(SourceTable(kind=source.kind))
    for name in source.options.__struct_fields__:
        value = getattr(source.options, name)
        if isinstance(value, msgspec.Struct):
            yield f"# [{where}.{name}]"
            yield from _keys(value)


def _keys(struct: msgspec.Struct) -> Iterator[str]:
    """Give a line for each key: as it is where it differs from the default, else as a comment."""
    docs = field_docs(type(struct))
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name == "kind" or isinstance(value, msgspec.Struct) or _holds_tables(field.type):
            continue
        written = value != _default(field) or (field.name in _FIRST and _is_where(struct, field.name))
        if isinstance(value, Secret):
            written = False
        if value in (None, msgspec.UNSET) or isinstance(value, Secret):
            value = _EXAMPLES[field.name]
        setting = f"{'' if written else '# '}{field.name} = {_toml(value)}"
        yield f"{setting:<34}  # {docs[field.name]}" if field.name in docs else setting


def _holds_tables(kind: Any) -> bool:
    inner = get_args(kind)[:1] if get_origin(kind) is tuple else ()
    return any(isinstance(each, type) and issubclass(each, msgspec.Struct) for each in inner)


def _is_where(struct: msgspec.Struct, name: str) -> bool:
    return not isinstance(struct, MySQLOptions) or (name == "socket") == bool(struct.socket)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Duration():
            return f'"{value.text}"'
        case tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}" if value else "{}"
    return json.dumps(value, ensure_ascii=False)
