"""The real BullMQ of a given version, by npm, kept between runs in a folder outside the repository."""

import functools
import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.support.servers import lacking

SCRIPT = Path(__file__).with_name("bullmq.js")
INSTALL_DEADLINE = 50.0


@functools.cache
def installed(version: str) -> Path:
    """Return a `node_modules` with that BullMQ; skips without node, and where npm cannot fetch it (fails in CI)."""
    for program in ("node", "npm"):
        if not any((Path(folder) / program).exists() for folder in os.environ.get("PATH", "").split(":")):
            pytest.skip(f"{program} is not installed: apt-get install nodejs npm")
    folder = Path(tempfile.gettempdir()) / f"perftui-npm-{os.getuid()}" / f"bullmq-{version}"
    modules = folder / "node_modules"
    if not (modules / "ioredis" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            f"bullmq@{version}",
            "ioredis@5",
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_DEADLINE)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            lacking(f"npm could not install bullmq@{version}")
    return modules


class BullMQ:
    """A Node process with the library, told what to do by lines on its stdin; each is answered by a line of JSON."""

    def __init__(self, version: str, port: int) -> None:
        environment = os.environ | {"NODE_PATH": str(installed(version))}
        command = ["node", str(SCRIPT), str(port)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "BullMQ":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)

    def kill(self) -> None:
        """End it as a crash would: what it worked on stays as it is."""
        self._process.kill()
        self._process.wait(10)

    def __call__(self, order: str) -> Any:
        """Give an order and return its answer."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(order.encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
