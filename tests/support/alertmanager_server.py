"""A real Alertmanager for as long as a test needs it, on the loopback, with files in a folder of the test."""

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import free_port, require, wait_until

_CONFIG = """
route:
  receiver: nobody
receivers:
  - name: nobody
"""


@contextmanager
def alertmanager(folder: Path, prefix: str = "", port: int = 0) -> Iterator[str]:
    """Start one and give its URL; `prefix` is the path that it is served under, `port` any free one when 0."""
    binary = require("prometheus-alertmanager", "prometheus-alertmanager")
    config = folder / "alertmanager.yml"
    config.write_text(_CONFIG)
    url = f"http://127.0.0.1:{port or free_port()}"
    options = [
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        f"--web.external-url={url}{prefix}",
        "--cluster.listen-address=",
    ]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([binary, *options], stdout=output, stderr=output)
    try:
        wait_until(lambda: _is_ready(f"{url}{prefix}/-/ready"))
        yield url + prefix
    finally:
        process.kill()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
