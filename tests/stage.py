"""A realistic little system to try perftui on: `python -m tests.stage`.

Redis as a cache with known traffic, job queues by the real BullMQ (where node and npm are there)
with workers under a real supervisor, MariaDB under load
and an application's HTTP endpoint, all private and all gone at the end, with incidents on demand:

    python -m tests.stage                                              incidents by key, `q` ends it
    python -m tests.stage --incident workers-gone --seconds 60         an incident at once, a minute of it
    python -m tests.stage --incident hit-rate -- perftui --config {config}     with a console on it; ends when that ends
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

from tests.staging.processes import Absent
from tests.staging.stage import Stage

INCIDENTS = {
    "w": "workers-gone",
    "r": "hit-rate",
    "c": "cold-cache",
    "s": "slow-queries",
    "l": "lock-pile-up",
    "h": "heal",
}


def arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser("tests.stage", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--incident", action="append", default=[], choices=INCIDENTS.values(), help="begin with it (repeatable)"
    )
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("command", nargs="*", help="run this; {config} becomes the path of the configuration")
    return parser.parse_args()


def say(text: str) -> None:
    """Print a line where a console on the same terminal does not stand in its way."""
    print(text, file=sys.stderr, flush=True)


class Director:
    """Waits for what ends the stage, and passes on the incidents that are typed."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = asyncio.Event()
        self._status = 0

    async def cause(self, name: str) -> None:
        """Begin an incident, if what it needs is there."""
        incident = self._stage.incidents.get(name)
        if incident is None:
            say(f"{name}: not here; {'; '.join(self._stage.absent)}")
            return
        await incident()
        say(f"{name}: done" if name == "heal" else f"{name}: begun")

    def end(self) -> None:
        self._over.set()

    async def direct(self, wanted: argparse.Namespace) -> int:
        """Run until the command, the time, the user or a signal ends it; return the command's exit status."""
        for name in wanted.incident:
            await self.cause(name)
        async with asyncio.TaskGroup() as tasks:
            helpers = []
            if wanted.command:
                helpers.append(tasks.create_task(self._run(wanted.command)))
            elif sys.stdin is not None and sys.stdin.isatty():
                helpers.append(tasks.create_task(self._listen()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wanted.seconds)
            for helper in helpers:
                helper.cancel()
        return self._status

    async def _run(self, command: list[str]) -> None:
        filled = [word.replace("{config}", str(self._stage.config)) for word in command]
        process = await asyncio.create_subprocess_exec(*filled)
        try:
            self._status = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        self.end()

    async def _listen(self) -> None:
        say("incidents: " + ", ".join(f"{key} {name}" for key, name in INCIDENTS.items()) + ", q end; then Enter")
        lines: asyncio.Queue[str] = asyncio.Queue(maxsize=16)
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin, lambda: lines.put_nowait(os.read(sys.stdin.fileno(), 1024).decode(errors="replace")))
        try:
            while (word := (await lines.get()).strip()) not in ("q", "quit"):
                if word:
                    await self.cause(INCIDENTS.get(word, word))
        finally:
            loop.remove_reader(sys.stdin)
        self.end()


def on_signals(end: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)


async def main() -> int:
    wanted = arguments()
    this = asyncio.current_task()
    assert this is not None
    on_signals(this.cancel)
    try:
        async with Stage().running() as stage:
            for line in stage.absent:
                say(f"left out: {line}")
            say(f"attach with: perftui --config {stage.config}")
            director = Director(stage)
            on_signals(director.end)
            return await director.direct(wanted)
    except Absent as absent:
        say(str(absent))
        return 2
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
