"""Job queues made and worked by the real BullMQ, in a Node process that is told by lines on its stdin."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from tests.staging.processes import Absent, ended, find
from tests.staging.programs import Programs, supervised

BULLMQ = "5.81.5"
INSTALL_DEADLINE = 120.0
READY_DEADLINE = 20.0
SCRIPT = Path(__file__).with_name("jobs.js")
WORKER = Path(__file__).with_name("worker.js")


class Jobs:
    """The producers and workers of the queues `mail`, `webhook` and `reports`; supervisor runs those of `webhook`."""

    def __init__(self, process: asyncio.subprocess.Process, programs: Programs) -> None:
        self._process = process
        self._programs = programs

    @classmethod
    @contextlib.asynccontextmanager
    async def started(cls, port: int, folder: Path) -> AsyncIterator["Jobs"]:
        """Run them against the Redis on `port`. Raises Absent without node, npm, or what npm should bring.

        `folder` is for the files of supervisor.
        """
        node, modules = find("node", "nodejs"), await installed_bullmq()
        environment = os.environ | {"NODE_PATH": str(modules)}
        process = await asyncio.create_subprocess_exec(
            node, str(SCRIPT), str(port), "supervised", env=environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            if await asyncio.wait_for(process.stdout.readline(), READY_DEADLINE) != b"ready\n":
                raise RuntimeError("the producers of the job queues did not start")
            command = [node, str(WORKER), str(port), "webhook"]
            async with supervised(folder, "webhook", command, environment) as programs:
                yield cls(process, programs)
        finally:
            await asyncio.shield(ended(process))

    async def hire(self) -> None:
        """Let the workers work."""
        await self._programs.start(2)
        await self._say("workers on")

    async def dismiss(self) -> None:
        """Let the workers vanish, as in a bad release; the producers go on."""
        await self._programs.kill()
        await self._say("workers off")

    @property
    def socket(self) -> Path:
        """Where supervisor listens."""
        return self._programs.socket

    async def _say(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(order.encode() + b"\n")
        await self._process.stdin.drain()


async def installed_bullmq() -> Path:
    """Return a `node_modules` with BullMQ, kept between runs outside the repository. Raises Absent."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perftui-stage" / f"bullmq-{BULLMQ}"
    modules = cache / "node_modules"
    if (modules / "bullmq" / "package.json").exists():
        return modules
    npm = find("npm", "npm")
    cache.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--silent", f"bullmq@{BULLMQ}",
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(process.wait(), INSTALL_DEADLINE)
    except TimeoutError as error:
        raise Absent(f"npm did not bring bullmq@{BULLMQ} within {INSTALL_DEADLINE:.0f} s") from error
    finally:
        await asyncio.shield(ended(process))
    if process.returncode != 0:
        raise Absent(f"npm could not install bullmq@{BULLMQ}")
    return modules
