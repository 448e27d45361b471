"""`perftui check`: poll everything once, in this process, and say how it is; writes nothing."""

import argparse
import asyncio
import sys
from typing import NoReturn

import msgspec

from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.rules.file import known_metrics, rule_book
from perftui.cli.check_report import Report, as_json, as_table, judge
from perftui.cli.main import crashed
from perftui.config.duration import Duration
from perftui.config.load import load
from perftui.config.paths import config_file
from perftui.config.settings import Settings
from perftui.core.clock import SystemClock
from perftui.core.errors import ConfigError, PerftuiError
from perftui.core.text import clean, did_you_mean
from perftui.engine.engine import Engine
from perftui.engine.poller import Poller

UNKNOWN = 3
POLLS = 2
FASTEST = 1.0
PATIENCE = 10.0


def run(argv: list[str]) -> int:
    """Print a table or JSON; return 0 healthy, 1 warning, 2 critical, 3 unknown."""
    options = _parser().parse_args(argv)
    try:
        return _check(options)
    except BrokenPipeError:
        raise  # nobody wants the rest
    except PerftuiError as error:
        print(f"perftui check: {error}", file=sys.stderr)
        return UNKNOWN
    except Exception as error:  # 1, as of any other crash, would be a warning to who asks
        crashed(type(error), error, error.__traceback__)
        raise SystemExit(UNKNOWN) from error


def _check(options: argparse.Namespace) -> int:
    settings = load(config_file(options.config), must_exist=options.config is not None)
    if problems := rule_book(settings).problems:
        raise ConfigError("\n".join(problems))
    report = asyncio.run(_poll(settings, options.source, options.timeout))
    print(as_json(report) if options.json else as_table(report))
    return report.exit_code


def _for_check(settings: Settings, only: str | None) -> Settings:
    """Return the settings with polls close enough together to have rates soon, of one source if so asked.

    The agent is left out: none runs, and this process is not what anybody asks about.
    """
    sources = tuple(
        msgspec.structs.replace(source, interval=min(source.interval, FASTEST))
        for source in settings.sources
        if only in (None, source.name) and source.kind != "agent"
    )
    return msgspec.structs.replace(settings, sources=sources, discover=settings.discover and not (only and sources))


async def _poll(settings: Settings, only: str | None, patience: float) -> Report:
    clock = SystemClock()
    engine = Engine(_for_check(settings, only), clock)
    engine.start()
    try:
        async with asyncio.timeout(patience):
            if engine.settings.discover:
                await engine.discovered.wait()
            _check_name(only, [*engine.pollers, *(source.name for source in settings.sources)])
            for name, poller in list(engine.pollers.items()):
                if only in (None, name):
                    await _enough(poller)
    except TimeoutError:
        pass  # what did not answer by now is reported as it stands
    finally:
        await engine.stop()
    # One moment is judged: a `for` would wait. That a source fails stands in its own line already.
    rules = [msgspec.structs.replace(rule, hold=Duration(0)) for rule in rule_book(settings).rules]
    alerts = AlertEngine(rules, clock, known_metrics(settings))
    chosen = [name for name in engine.pollers if only in (None, name)]
    for name in chosen:
        if name in engine.readings:
            alerts.observe(engine.readings[name])
    statuses = [engine.pollers[name].status for name in chosen]
    return judge(statuses, engine.readings, tuple(alerts.firing()), clock.monotonic())


async def _enough(poller: Poller) -> None:
    """Wait until there are rates, or a failure."""
    while poller.status.polls < POLLS and not poller.status.failures:
        poller.polled.clear()
        await poller.polled.wait()


def _check_name(only: str | None, known: list[str]) -> None:
    if only is not None and only not in known:
        hint = did_you_mean(only, known) or "there are " + ", ".join(sorted(known))
        raise ConfigError(f'there is no source "{clean(only, 60)}"; {hint}')


class _Parser(argparse.ArgumentParser):
    """Exits with 3: to a script 2 would mean that something is critical."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNKNOWN, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="perftui check",
        description="Poll every source (twice, where rates need it) and say how it is. Writes nothing, needs no agent.",
        epilog="Exit status: 0 healthy, 1 warning, 2 critical, 3 unknown (a source could not be read, or wrong usage).",
    )
    parser.add_argument("--json", action="store_true", help="print JSON with every metric")
    parser.add_argument("--source", metavar="NAME", help="only this source")
    parser.add_argument("--config", metavar="FILE", help="configuration (default: the user's perftui.toml)")
    parser.add_argument("--timeout", type=float, default=PATIENCE, metavar="SECONDS", help="at most (default 10)")
    return parser
