"""`perftui agent`: the engine in the foreground, as a service or as the private agent of one user."""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

from perftui.agent.process import Agent, hold
from perftui.config.paths import SERVICE_SOCKET, config_file, lock_path, private_socket
from perftui.core.errors import AgentError

INHERITED = 256


def run(argv: list[str]) -> int:
    """Serve until a signal; 0 also when another agent already serves here (the one that came first wins)."""
    options = _parser().parse_args(argv)
    if options.private:
        os.closerange(3, INHERITED)  # the console's pipes and pty: an agent that holds them would hold up an SSH logout
    socket = Path(options.socket or (private_socket() if options.private else SERVICE_SOCKET))
    lock = Path(lock_path()) if options.private and not options.socket else socket.with_suffix(".lock")
    try:
        socket.parent.mkdir(parents=True, exist_ok=True)
        held = hold(lock)
    except OSError as error:
        raise AgentError(f"cannot lock {lock}: {error.strerror}") from error
    if held is None:
        print(f"perftui: an agent already serves {socket}", file=sys.stderr)
        return 0
    if options.private:
        with contextlib.suppress(OSError):
            os.ftruncate(sys.stdout.fileno(), 0)  # the log of the agent before this one
    else:
        print(f"perftui agent: listening at {socket}, configuration {config_file(options.config)}", flush=True)
    # Not asyncio.run, which waits at its end for threads that a dead disk or a hung mount may hold for ever.
    asyncio.new_event_loop().run_until_complete(_serve(options, socket))
    sys.stdout.flush()
    os._exit(0)


async def _serve(options: argparse.Namespace, socket: Path) -> None:
    agent = Agent(
        config_file(options.config),
        socket,
        private=options.private,
        must_exist=options.config is not None,
        read_only=options.read_only,
    )
    await agent.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui agent",
        description="Run the engine in the foreground: it polls, keeps history, evaluates alerts and runs actions for "
        "every console that attaches. Run it as a service to let a team share one; without one, each console starts "
        "a private agent by itself. SIGHUP reads the configuration again, SIGTERM ends it.",
    )
    parser.add_argument("--config", metavar="FILE", help="configuration (default: the user's perftui.toml)")
    parser.add_argument("--socket", metavar="PATH", help=f"where to listen (default: {SERVICE_SOCKET})")
    parser.add_argument("--private", action="store_true", help="serve this user only and end with the last console")
    parser.add_argument("--read-only", action="store_true", help="refuse every action, whoever asks")
    return parser
