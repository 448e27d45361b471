"""`perftui notify`: which routes there are, and whether one of them gets through."""

import argparse
import asyncio
import platform
import secrets
import sys
import time
from pathlib import Path

from perftui.alerts.notify.notification import Entry, Notification
from perftui.alerts.notify.sender import attempt, sender_of
from perftui.config.load import load
from perftui.config.notify import Route
from perftui.config.paths import config_file
from perftui.core.alert import Severity
from perftui.core.errors import ConfigError, NotifyError
from perftui.core.text import clean, did_you_mean

OK, NOT_SENT = 0, 1


def run(argv: list[str]) -> int:
    """Return 0, or 1 when the test notification was not taken; a wrong name or file is a ConfigError, which exits 2."""
    options = _parser().parse_args(argv)
    routes = load(config_file(options.config), must_exist=options.config is not None).notify
    if options.command == "test":
        return asyncio.run(_test(options.route, _route(options.route, routes)))
    if not routes:
        print("nobody is notified: write [notify.NAME] tables into the configuration")
    for name, route in routes.items():
        print(f"{name:<16}  {_way(route):<28}  {', '.join(route.severities)}{_limits(route)}")
    return OK


async def _test(name: str, route: Route) -> int:
    if route.alertmanager:
        raise ConfigError(f"{name} is an Alertmanager: it is kept in step by the agent, there is no message to test")
    sender, started = sender_of(route), time.monotonic()
    try:
        await attempt(sender, _notification(name, time.time()))
    except NotifyError as error:
        print(f"perftui: {name}: not sent: {error}", file=sys.stderr)
        return NOT_SENT
    print(f"sent to {name} in {time.monotonic() - started:.1f} s")
    return OK


def _notification(route: str, now: float) -> Notification:
    """Return what nobody takes for an alarm; its key is new each time: no service sees an old incident in it."""
    host = clean(platform.node(), 100)
    entry = Entry(
        key="test",
        rule="test",
        source="test",
        severity=Severity.INFO,
        summary="nothing has happened: somebody tries out this way of notification",
        at=now,
    )
    return Notification(
        route=route,
        dedup_key=f"perftui-test-{secrets.token_hex(4)}",
        sequence=1,
        resolved=False,
        severity=Severity.INFO,
        title=f"TEST from perftui on {host}: no alert",
        host=host,
        created=now,
        firing=(entry,),
    )


def _route(name: str, routes: dict[str, Route]) -> Route:
    if name in routes:
        return routes[name]
    known = f"there are {', '.join(routes)}" if routes else "the configuration has no [notify.NAME] table"
    raise ConfigError(f'there is no route "{clean(name, 60)}"; {did_you_mean(name, routes) or known}')


def _way(route: Route) -> str:
    """Return the way out in words: never a URL or an argument, in which there may be secrets."""
    if route.alertmanager:
        return "an Alertmanager"
    return f"exec {clean(Path(route.exec[0]).name, 40)}" if route.exec else "an apprise URL"


def _limits(route: Route) -> str:
    matchers = " ".join(f"{label}={pattern}" for label, pattern in route.matchers.items())
    return f"; only {clean(matchers, 100)}" if matchers else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui notify",
        description="List the routes by which people are notified, or try one out.",
    )
    parser.add_argument("--config", metavar="FILE", help="configuration (default: the user's perftui.toml)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    test = commands.add_parser(
        "test",
        help="send a test notification, marked as such",
        description="Send a notification that is marked as a test, from here and now. Exits 0 when it was taken, "
        "1 when it was not, 2 for wrong usage.",
    )
    test.add_argument("route", metavar="ROUTE", help="the NAME of its [notify.NAME] table")
    test.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser
