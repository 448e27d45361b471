"""`perftui undo`: preview what takes a run back, confirm it, run it and see it proved."""

import argparse
from collections.abc import Sequence

from perftui.cli.headless import session
from perftui.cli.run import add_flags, confirm_and_run, run_to_status
from perftui.core.errors import Refused
from perftui.core.text import clean

MOST = 500
"""Of the last actions, those that can be named by the beginning of their plan's id."""


def run(argv: list[str]) -> int:
    """Return what `perftui run` returns."""
    return run_to_status(_parser().parse_args(argv), _undo)


async def _undo(options: argparse.Namespace) -> int:
    async with session(options.config) as own:
        plan = _whole(options.plan, [row.plan for row in await own.client.audit(MOST)])
        return await confirm_and_run(own, options, await own.client.undo(plan))


def _whole(given: str, plans: Sequence[str]) -> str:
    """Return the one plan whose id begins with what was given. Raises Refused."""
    found = [plan for plan in plans if plan.startswith(given)]
    if len(found) > 1:
        raise Refused("undo", f"{len(found)} plans begin with {clean(given, 40)}", "give more of its digits")
    return found[0] if found else given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui undo",
        description="Take a run back, where that can be done: previewed, confirmed and proved like any other action.",
        epilog="`perftui audit show` has the plans; the first digits are enough. Exit status as of `perftui run`.",
    )
    parser.add_argument("plan", metavar="PLAN", help="the id of the plan that ran, or how it begins")
    add_flags(parser)
    return parser
