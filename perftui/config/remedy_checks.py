"""What the types cannot say about recipes, file rules, groups and hooks."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from perftui.config.checks import check_duration, check_patterns, check_secrets, check_status, check_url, jmespath_error
from perftui.config.decode import Problems, Where
from perftui.config.duration import Duration
from perftui.config.placeholders import is_json_once_filled, placeholders
from perftui.config.remedies import CdnHook, FileRule, HttpCall, ScaleGroup, WarmHttp, WarmRecipe
from perftui.config.surroundings import Surroundings
from perftui.core.text import did_you_mean

LIFETIMES = (Duration(1), Duration(3650 * 86400))
AGES = (Duration(60), Duration(3650 * 86400))
DEADLINES = (Duration(1), Duration(3600))
_WAYS = ("query", "http", "file", "urls")
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_NO_FILES = ("proc", "sys", "dev")
_COLUMN = re.compile(r"\{[^{}]+\}")
_WILD = re.compile(r"[*?\[]")


def check_warm(recipe: WarmRecipe, where: Where, around: Surroundings) -> None:
    """Add what is wrong with a recipe."""
    problems = around.problems
    around.check_source("target", recipe.target, ("redis",), where)
    ways = [way for way in _WAYS if getattr(recipe, way)]
    if len(ways) != 1:
        instead = f", not {' and '.join(ways)}" if ways else ""
        problems.add(where, f"give exactly one of {', '.join(_WAYS[:-1])} and {_WAYS[-1]}{instead}")
    elif ways[0] in ("query", "http"):
        _check_key(recipe.key, where, problems)
    else:
        for name in ("key", "value"):
            if getattr(recipe, name):
                problems.add(where, f"{name} is only for query and http")
    if recipe.query is not None:
        around.check_source("query.source", recipe.query.source, ("mysql",), where)
        if not _SELECT.match(recipe.query.sql):
            problems.add((*where, "query"), "sql must be one SELECT")
    if recipe.http is not None:
        _check_items(recipe.http, (*where, "http"), around)
    if recipe.file and not recipe.file.startswith(("/", "~/")):
        problems.add(where, "file must be an absolute path")
    for url in recipe.urls:
        check_url("urls", url, ("http", "https"), "a token elsewhere", where, problems)
    if recipe.ttl:
        check_duration("ttl", recipe.ttl, LIFETIMES, where, problems)


def _check_key(key: str, where: Where, problems: Problems) -> None:
    if not key:
        problems.add(where, 'missing key "key": the name of each, with its columns in braces, such as "user:{id}"')
    elif not _COLUMN.search(key):
        problems.add(where, 'key has no column in braces, so all would be one; write it like "user:{id}"')


def _check_items(http: WarmHttp, where: Where, around: Surroundings) -> None:
    check_url("url", http.url, ("http", "https"), "token", where, around.problems)
    check_secrets(http, around.mode, where, around.problems)
    if reason := jmespath_error(http.items):
        around.problems.add(where, f"items is not a JMESPath: {reason}")


def check_files(rule: FileRule, where: Where, problems: Problems) -> None:
    """Add what is wrong with a file rule: each pattern must begin in a folder that is named."""
    if not rule.paths:
        problems.add(where, 'paths is empty; write patterns like "/var/log/app/*.log.gz"')
    for path in rule.paths:
        parts = PurePosixPath(path).parts
        if not path.startswith("/"):
            problems.add(where, f'paths: "{path}" is not absolute; write it like "/var/log/app/*.log.gz"')
        elif ".." in parts:
            problems.add(where, f'paths: "{path}" has .. in it; write the folder itself')
        elif len(parts) < 3 or _WILD.search(parts[1]):
            problems.add(where, f'paths: "{path}" is about the whole of /; name a folder, like "/var/log/app/*.log.gz"')
        elif parts[1] in _NO_FILES:
            problems.add(where, f'paths: "{path}": what is in /{parts[1]} is no file that can be deleted')
        elif "**" in parts[-1:]:
            problems.add(where, f'paths: "{path}" names folders; write which files, like "{path}/*.gz"')
    check_duration("older_than", rule.older_than, AGES, where, problems)


def check_scale(group: ScaleGroup, where: Where, around: Surroundings) -> None:
    """Add what is wrong with a group of workers."""
    problems = around.problems
    if bool(group.unit) == bool(group.command):
        problems.add(where, "give exactly one of unit and command" + (", not both" if group.unit else ""))
    elif group.unit:
        if group.unit.count("{n}") != 1 or placeholders(group.unit) != ("n",):
            problems.add(where, 'unit needs {n} once, for the number: write it like "worker@{n}.service"')
        if group.source:
            around.check_source("source", group.source, ("systemd", "supervisor"), where)
        if group.count:
            problems.add(where, "count goes with command; how many units run can be seen")
    else:
        _check_commands(group, where, problems)
    if group.min > group.max:
        problems.add(where, f"min ({group.min}) must not be above max ({group.max})")
    check_patterns("queues", group.queues, where, problems)
    check_duration("deadline", group.deadline, DEADLINES, where, problems)


def _check_commands(group: ScaleGroup, where: Where, problems: Problems) -> None:
    check_program("command", group.command, ("n",), where, problems)
    if "n" not in placeholders(*group.command):
        problems.add(where, "command needs {n}, for how many")
    if group.source:
        problems.add(where, "source goes with unit")
    if not group.count:
        problems.add(where, 'missing key "count": the program that prints how many run')
    else:
        check_program("count", group.count, (), where, problems)


def check_cdn(hook: CdnHook, where: Where, around: Surroundings) -> None:
    """Add what is wrong with a hook of a content delivery network."""
    around.check_source("source", hook.source, ("http",), where)
    if hook.purge is None and hook.warm is None:
        around.problems.add(where, "give purge, warm or both")
    for name in ("purge", "warm"):
        call = getattr(hook, name)
        if call is not None:
            check_call(call, ("paths",), (*where, name), around)


def check_program(key: str, words: tuple[str, ...], known: tuple[str, ...], where: Where, problems: Problems) -> None:
    """Add what is wrong with a program and its arguments, in which `known` can be filled in."""
    if words and not words[0]:
        problems.add(where, f"{key} names no program")
    elif words and placeholders(words[0]):
        problems.add(where, f"{key}: the program itself cannot be filled in; write its path")
    elif words and "/" in words[0] and not words[0].startswith("/"):
        problems.add(where, f"{key}: write the whole path of {words[0]}; it is started in /")
    _check_names(key, placeholders(*words), known, where, problems)


def check_call(call: HttpCall, known: tuple[str, ...], where: Where, around: Surroundings) -> None:
    """Add what is wrong with an HTTP call, in which `known` can be filled in."""
    problems = around.problems
    before = len(problems.lines)
    check_url("url", call.url, ("http", "https"), "token", where, problems)
    if len(problems.lines) == before and placeholders(urlsplit(call.url).netloc):
        problems.add(where, "url: the server itself cannot be filled in; the token would go wherever somebody says")
    check_secrets(call, around.mode, where, problems)
    check_status(call.expect, where, problems)
    _check_names("url", placeholders(call.url), known, where, problems)
    _check_names("body", placeholders(call.body), known, where, problems)
    if call.body and not is_json_once_filled(call.body):
        problems.add(where, "body is not JSON once it is filled in; write it like '{\"user\": {user}}'")


def _check_names(key: str, found: tuple[str, ...], known: tuple[str, ...], where: Where, problems: Problems) -> None:
    for name in found:
        if name not in known:
            hint = did_you_mean(name, known) or (f"there are: {', '.join(known)}" if known else "nothing is filled in")
            problems.add(where, f"{key}: {{{name}}} is no parameter; {hint}")
