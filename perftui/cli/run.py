"""`perftui run`: preview an action, confirm it, run it and see it proved; the agent's guard is the same as ever.

`perftui undo` shares everything but where the plan comes from.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from perftui.cli.headless import Session, session
from perftui.cli.run_text import preview, result
from perftui.core.action import LONGEST_REASON, ActionInfo, Outcome, Plan, Proof, Run
from perftui.core.errors import ConfigError, Refused, TargetChanged
from perftui.core.text import clean

DONE, FAILED, REFUSED = 0, 1, 2


def run(argv: list[str]) -> int:
    """Return 0 when it succeeded, 1 when it failed, was cancelled or made it worse, 2 when it was refused."""
    return run_to_status(_parser().parse_args(argv), _run)


def run_to_status(options: argparse.Namespace, work: Callable[[argparse.Namespace], Awaitable[int]]) -> int:
    """Return the exit status of such a command; what was refused is told."""

    async def run() -> int:
        return await work(options)

    try:
        return asyncio.run(run())
    except (ConfigError, Refused, TargetChanged) as error:
        return _refused(str(error), options)


async def _run(options: argparse.Namespace) -> int:
    source, _, subject = options.target.partition("/")
    async with session(options.config, source) as own:
        params = _params(own.client.state.actions, options, subject)
        with _planning(f"planning {options.action} on {options.target} …"):
            plan = await own.client.plan(options.action, source, params, options.alert)
        return await confirm_and_run(own, options, plan)


@contextlib.contextmanager
def _planning(words: str) -> Iterator[None]:
    """Show at a terminal what is waited for, for as long as it is."""
    if not sys.stderr.isatty():
        yield
        return
    print(clean(words), end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


async def confirm_and_run(own: Session, options: argparse.Namespace, plan: Plan) -> int:
    """Show the preview, have it confirmed, and follow the run to its proof."""
    if not options.json:
        print(preview(plan))
    if options.dry_run:
        return _finish(options, plan, None)
    confirmation = await _confirmation(options, plan)
    if confirmation is None:
        flag = "--yes" if plan.confirm == "y" else f"--confirm {plan.confirm}"
        return _refused(f"nothing was confirmed, and nobody is at a terminal here; add {flag}", options, plan)
    reason = clean(options.reason, LONGEST_REASON)
    try:
        await own.client.apply(plan, confirmation, reason, break_glass=options.break_glass)
    except Refused as error:
        glass = f"; or pass it: --break-glass --confirm {plan.target} --reason TEXT" if error.breakable else ""
        return _refused(f"{error}{glass}", options, plan)
    return _finish(options, plan, await _follow(own, plan, proof=not options.no_proof))


def _params(actions: Sequence[ActionInfo], options: argparse.Namespace, subject: str) -> dict[str, str]:
    """Return the parameters that were given; `TARGET/SUBJECT` fills the one that names the subject. Raises Refused."""
    info = next((each for each in actions if each.id == options.action), None)
    params = dict(options.param)
    if subject and info is not None:
        if not info.subject:
            raise Refused("target", f"{info.id} works on a whole source", f"write {options.target.partition('/')[0]}")
        params.setdefault(info.subject, subject)
    return params


async def _confirmation(options: argparse.Namespace, plan: Plan) -> str | None:
    """Return what was given by flag or is typed now; None when nobody can type."""
    if options.confirm or options.yes:
        return str(options.confirm or "y")
    if not sys.stdin.isatty():
        return None
    if options.json:
        print(preview(plan), file=sys.stderr)
    print(f"type {plan.confirm} to apply: ", end="", file=sys.stderr, flush=True)
    typed: str = await asyncio.to_thread(sys.stdin.readline)
    return typed.strip()


async def _follow(own: Session, plan: Plan, *, proof: bool) -> Run:
    """Wait for the end of the run, and of its `proof`, too.

    The first Ctrl-C cancels it between two steps, a second one stops waiting.
    """
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        interrupted.set()

    def current() -> Run | None:
        return next((run for run in own.client.state.runs if run.plan.id == plan.id), None)

    def ended() -> bool:
        run = current()
        _show_progress(run)
        return run is not None and (run.ended if proof else run.done) is not None

    async def cancel_when_interrupted() -> None:
        await interrupted.wait()
        await own.client.cancel(plan.id)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    cancelling = asyncio.create_task(cancel_when_interrupted())
    try:
        await own.follow(ended)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        cancelling.cancel()
        await asyncio.gather(cancelling, return_exceptions=True)
    run = current()
    assert run is not None
    return run


def _show_progress(run: Run | None) -> None:
    if run is None or not sys.stderr.isatty():
        return
    share = "" if run.fraction is None else f"{run.fraction * 100:3.0f} %  "
    end = "\r" if run.ended is None else "\r\x1b[K"
    print(f"\r\x1b[K{share}{run.message}" if run.ended is None else "", end=end, file=sys.stderr, flush=True)


def _finish(options: argparse.Namespace, plan: Plan, run: Run | None) -> int:
    if options.json:
        print(msgspec.json.format(msgspec.json.encode({"schema": 1, "plan": plan, "run": run})).decode())
    elif run is not None:
        print(result(run))
    if run is None:
        return DONE
    return DONE if run.outcome is Outcome.SUCCEEDED and run.proof is not Proof.WORSE else FAILED


def _refused(reason: str, options: argparse.Namespace, plan: Plan | None = None) -> int:
    if options.json:
        answer = {"schema": 1, "plan": plan, "run": None, "refused": reason}
        print(msgspec.json.format(msgspec.json.encode(answer)).decode())
    print(f"perftui: {reason}", file=sys.stderr)
    return REFUSED


def _param(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError("write it like NAME=TEXT")
    return name, value


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a command that previews, asks and runs."""
    parser.add_argument("--dry-run", action="store_true", help="preview only; changes nothing")
    parser.add_argument("--yes", action="store_true", help="confirm by y, without asking")
    parser.add_argument("--confirm", metavar="TEXT", help="confirm by TEXT: high risk and production want the name")
    parser.add_argument("--no-proof", action="store_true", help="end when it is done, and do not wait for the proof")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; goes into the audit log")
    parser.add_argument("--break-glass", action="store_true", help="pass limits, cooldown and freezes: name and reason")
    parser.add_argument("--json", action="store_true", help="print plan and run as JSON")
    parser.add_argument("--config", metavar="FILE", help="configuration; refused when an agent runs here on another")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui run",
        description="Preview an action on a source, confirm it, run it, and see it proved. Without --yes it asks.",
        epilog="Exit status: 0 done (or only previewed), 1 failed, cancelled or worse than before, 2 refused or wrong "
        "usage. `perftui actions` lists the actions with their parameters.",
    )
    parser.add_argument("action", metavar="ACTION", help="which, such as cleanup.expired")
    parser.add_argument("target", metavar="TARGET", help="on which source, by its name, or SOURCE/SUBJECT (web-3/4211)")
    parser.add_argument("--param", metavar="NAME=TEXT", type=_param, action="append", default=[], help="a parameter")
    parser.add_argument(
        "--alert", metavar="KEY", default="", help="the alert that it remedies; its metric is the proof"
    )
    add_flags(parser)
    return parser
