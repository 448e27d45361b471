"""The `[notify.NAME]` tables, each decoded by itself, so that a mistake in one leaves the others standing."""

import re

from perftui.config.checks import check_duration, check_name, check_patterns, check_secrets, check_url
from perftui.config.decode import Problems, Where, decode
from perftui.config.duration import Duration
from perftui.config.notify import Route

WAITS = (Duration(0), Duration(3600))
INTERVALS = (Duration(1), Duration(86400))
REPEATS = (Duration(60), Duration(30 * 86400))
_LABEL = re.compile(r"[^\s=,]+")


def read_routes(tables: object, mode: int, problems: Problems) -> dict[str, Route]:
    """Return the routes that are right; `mode` is the file's, for literal secrets."""
    if not isinstance(tables, dict):
        problems.add((), "notify must be tables: write [notify.NAME] for each")
        return {}
    found = {name: _route(name, table, mode, problems) for name, table in tables.items()}
    return {name: route for name, route in found.items() if route is not None}


def _route(name: str, table: object, mode: int, problems: Problems) -> Route | None:
    where, before = ("notify", name), len(problems.lines)
    if not isinstance(table, dict):
        problems.add(where, "must be a table with url, exec or alertmanager in it")
        return None
    check_name("route", name, where, problems)
    route = decode(Route, table, where, problems)
    if route is None or len(problems.lines) > before:
        return None
    _check_way(route, where, problems)
    _check_choice(route, where, problems)
    _check_times(route, where, problems)
    check_secrets(route, mode, where, problems)
    return route if len(problems.lines) == before else None


def _check_way(route: Route, where: Where, problems: Problems) -> None:
    ways = [name for name in ("url", "exec", "alertmanager") if getattr(route, name)]
    if len(ways) != 1:
        problems.add(
            where, f"give exactly one of url, exec and alertmanager{', not ' * bool(ways)}{' and '.join(ways)}"
        )
    if route.exec and not route.exec[0]:
        problems.add(where, "exec names no program")
    if route.alertmanager:
        check_url("alertmanager", route.alertmanager, ("http", "https"), "token", where, problems)
    elif route.token is not None:
        problems.add(where, "token is only for alertmanager")


def _check_choice(route: Route, where: Where, problems: Problems) -> None:
    if not route.severities:
        problems.add(where, "severities is empty: no alert would take this route; leave it out for all of them")
    check_patterns("matchers", route.matchers, where, problems)
    for label in route.group_by:
        if not _LABEL.fullmatch(label):
            problems.add(where, f'group_by: "{label}" is no label')


def _check_times(route: Route, where: Where, problems: Problems) -> None:
    check_duration("group_wait", route.group_wait, WAITS, where, problems)
    check_duration("group_interval", route.group_interval, INTERVALS, where, problems)
    if route.repeat:
        check_duration("repeat", route.repeat, REPEATS, where, problems)
