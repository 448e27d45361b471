"""Does the console answer while a thousand alerts begin to fire? `python -m tests.bench.bench_alert_storm`.

One HTTP source gives 1,000 series; within 10 s all of them go beyond the level of a rule, for one cause. Meanwhile a
key is pressed over and over in a real pseudo-terminal: printed are the milliseconds from the key to what it shows,
while the alerts come and while all of them fire.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.bench.console import TimedProgram, console, median
from tests.bench.report import Row, table
from tests.support.agents import QUIET, write_config
from tests.support.terminal import until

SHARDS = 1000
RISE = 10.0
CALM = 20.0
BUDGET = 150.0
KEY, SHOWS = b"p", b"PAUSED"
CONFIG = """
[sources.shards]
kind = "http"
url = "http://127.0.0.1:{port}/"
interval = "1s"
[sources.shards.metrics."shard.load"]
path = "shards"
[[rules]]
name = "shard-load"
metric = "shard.load"
above = {{ warning = 1, critical = 2 }}
summary = "shard {{shard}} is at {{value}}"
"""


class Shards(BaseHTTPRequestHandler):
    """Answers with the load of every shard; those that have begun to burn grow, so that each value moves."""

    began: float | None = None

    def do_GET(self) -> None:
        passed = 0.0 if Shards.began is None else time.monotonic() - Shards.began
        burning = SHARDS * min(1.0, passed / RISE)
        loads = [{"shard": f"s{number}", "value": 3 + passed if number < burning else 0} for number in range(SHARDS)]
        body = json.dumps({"shards": loads}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def shards() -> Iterator[int]:
    """Serve them; yield the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shards) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def answers(program: TimedProgram, seconds: float) -> list[float]:
    """Press the key over and over for so long; return the milliseconds that each press took to show."""
    found, ends = [], time.perf_counter() + seconds
    while time.perf_counter() < ends:
        seen, pressed = len(program.raw), time.perf_counter()
        program.send(KEY)
        until(lambda seen=seen: program.pump(0.002) and SHOWS in program.raw[seen:], "the answer to a key")  # type: ignore[misc]
        found.append((time.perf_counter() - pressed) * 1000)
        program.send(KEY)
        program.pump_for(0.1)
    return found


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, shards() as port:
        folder = Path(name)
        config = Path(write_config(folder, QUIET + CONFIG.format(port=port)))
        with console(folder, config) as program:
            program.pump_for(4)
            Shards.began = time.monotonic()
            rising = answers(program, RISE)
            firing = answers(program, CALM)
            shown = "critical" in program.display()
    rows = []
    for words, values in (("while 1,000 alerts begin", rising), ("while 1,000 alerts fire", firing)):
        values.sort()
        rows.append(Row(f"{words}: median", median(values), None, None, "ms"))
        rows.append(Row(f"{words}: p99", values[round(0.99 * (len(values) - 1))], BUDGET, BUDGET, "ms"))
    print(table(rows))
    print(f"{len(rising)} and {len(firing)} presses; the alerts were {'' if shown else 'NOT '}on the screen")


if __name__ == "__main__":
    main()
