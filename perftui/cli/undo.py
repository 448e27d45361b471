"""`perftui undo`: preview what takes a run back, confirm it, run it and see it proved."""

import argparse

from perftui.cli.headless import session
from perftui.cli.run import add_flags, confirm_and_run, run_to_status


def run(argv: list[str]) -> int:
    """Return what `perftui run` returns."""
    return run_to_status(_parser().parse_args(argv), _undo)


async def _undo(options: argparse.Namespace) -> int:
    async with session(options.config) as own:
        return await confirm_and_run(own, options, await own.client.undo(options.plan))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui undo",
        description="Take a run back, where that can be done: previewed, confirmed and proved like any other action.",
        epilog="`perftui audit show --json` has the plan of each run. Exit status as of `perftui run`.",
    )
    parser.add_argument("plan", metavar="PLAN", help="the id of the plan that ran")
    add_flags(parser)
    return parser
