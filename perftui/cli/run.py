"""`perftui run`: preview an action, confirm it, run it and see it proved; the agent's guard is the same as ever."""

import argparse
import asyncio
import signal
import sys

import msgspec

from perftui.cli.headless import Session, session
from perftui.cli.run_text import preview, result
from perftui.core.action import Outcome, Plan, Proof, Run
from perftui.core.errors import ConfigError, Refused, TargetChanged
from perftui.core.text import clean

DONE, FAILED, REFUSED = 0, 1, 2


def run(argv: list[str]) -> int:
    """Return 0 when it succeeded, 1 when it failed, was cancelled or made it worse, 2 when it was refused."""
    options = _parser().parse_args(argv)
    try:
        return asyncio.run(_run(options))
    except (ConfigError, Refused, TargetChanged) as error:
        return _refused(str(error), options)


async def _run(options: argparse.Namespace) -> int:
    params = {"reason": clean(options.reason, 200)} if options.reason else {}
    async with session(options.config, options.source) as own:
        plan = await own.client.plan(options.action, options.source, params)
        if not options.json:
            print(preview(plan))
        if options.dry_run:
            return _finish(options, plan, None)
        confirmation = await _confirmation(options, plan)
        if confirmation is None:
            flag = "--yes" if plan.confirm == "y" else f"--confirm {plan.confirm}"
            return _refused(f"nothing was confirmed, and nobody is at a terminal here; add {flag}", options, plan)
        await own.client.apply(plan, confirmation)
        return _finish(options, plan, await _follow(own, plan))


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


async def _follow(own: Session, plan: Plan) -> Run:
    """Wait for the end of the run; the first Ctrl-C cancels it between two steps, a second one stops waiting."""
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
        return run is not None and run.ended is not None

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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui run",
        description="Preview an action on a source, confirm it, run it, and see it proved. Without --yes it asks.",
        epilog="Exit status: 0 done (or only previewed), 1 failed, cancelled or worse than before, 2 refused or wrong "
        "usage. Actions: cleanup.expired (frees the expired keys of a Redis).",
    )
    parser.add_argument("action", metavar="ACTION", help="which, such as cleanup.expired")
    parser.add_argument("source", metavar="SOURCE", help="on which source, by its name")
    parser.add_argument("--dry-run", action="store_true", help="preview only; changes nothing")
    parser.add_argument("--yes", action="store_true", help="confirm by y, without asking")
    parser.add_argument("--confirm", metavar="TEXT", help="confirm by TEXT: production wants the name of the source")
    parser.add_argument("--reason", metavar="TEXT", help="why; goes into the audit log")
    parser.add_argument("--json", action="store_true", help="print plan and run as JSON")
    parser.add_argument("--config", metavar="FILE", help="configuration; refused when an agent runs here on another")
    return parser
