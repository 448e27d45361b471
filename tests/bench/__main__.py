"""The cost of perftui, measured as a user meets it: `python -m tests.bench`.

Console and agent together, in a real pseudo-terminal of 160x45 at 1 Hz, beside the budgets that hold and the goals:

    python -m tests.bench                       the overview of this host, about two minutes
    python -m tests.bench --config FILE         with the sources of a configuration
    python -m tests.bench sources               20 sources and some 500 series (needs redis-server)
    python -m tests.bench scale                 how many sources one core polls each second (needs redis-server)
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench import scale
from tests.bench.ballast import ballast
from tests.bench.console import (
    Figures,
    console,
    first_frame,
    key_latencies,
    keys_answered,
    median,
    p95,
    quit_time,
    steady,
)
from tests.bench.report import Row, table
from tests.bench.sources import twenty_sources
from tests.support.agents import QUIET, write_config
from tests.support.terminal import marked, until

KIB = 1024


def arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser("tests.bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="?", default="host", choices=["host", "sources", "scale"])
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch the steady state")
    parser.add_argument("--warmup", type=float, default=8)
    parser.add_argument("--starts", type=int, default=5, help="how often to start and quit, in each way")
    parser.add_argument("--presses", type=int, default=30)
    parser.add_argument("--processes", type=int, default=328, help="fill the host up to so many")
    parser.add_argument("--config", type=Path, help="a configuration instead of this host alone")
    parser.add_argument("--http", type=int, default=300, help="HTTP sources for `scale`")
    parser.add_argument("--redis", type=int, default=800, help="Redis sources for `scale`")
    return parser.parse_args()


def measured_starts(folder: Path, config: Path, starts: int, figures: Figures) -> None:
    """Start and quit: once with an agent to be started, once beside a console that keeps one."""
    for _ in range(starts):
        with console(folder, config) as program:
            figures.first_frame.append(first_frame(program))
            figures.keys_started.append(keys_answered(program))
            figures.quit.append(quit_time(program))
            until(lambda: not marked(folder), "the agent's end after the last console's quit")
    with console(folder, config) as keeper:
        first_frame(keeper)
        keys_answered(keeper)
        for number in range(starts):
            beside = folder / str(number)
            beside.mkdir()
            with console(beside, config, runtime=folder / "run") as program:
                figures.keys_attached.append(keys_answered(program))
                quit_time(program)


def measured(wanted: argparse.Namespace, config: Path) -> Figures:
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as name:
        folder = Path(name)
        measured_starts(folder, config, wanted.starts, figures)
        with console(folder, config) as program:
            program.pump_for(wanted.warmup)
            steady(program, folder, wanted.seconds, figures)
            figures.key_latency = key_latencies(program, wanted.presses)
            program.pump_for(0.5)
            quit_time(program)
            until(lambda: not marked(folder), "the agent's end")
    return figures


def rows(figures: Figures, cpu: tuple[float, float]) -> list[Row]:
    """Set the figures beside the budgets."""
    return [
        Row("CPU, console + agent", figures.cpu, *cpu, "% of a core"),
        Row("  of it the console", figures.cpu_console, None, None, "% of a core"),
        Row("to the terminal", figures.bytes_per_second / KIB, 3, 1.7, "KiB/s"),
        Row("first frame", 1000 * median(figures.first_frame), 100, 35, "ms"),
        Row("keys answered, agent attached", median(figures.keys_attached), 0.6, 0.4, "s"),
        Row("keys answered, agent started", median(figures.keys_started), 0.9, 0.6, "s"),
        Row("key to first byte, median", 1000 * median(figures.key_latency), 6, 3, "ms"),
        Row("key to first byte, 95th percentile", 1000 * p95(figures.key_latency), 15, 5, "ms"),
        Row("quit", 1000 * median(figures.quit), 100, 30, "ms"),
        Row("RSS, console + agent", figures.rss, 90, 65, "MiB"),
        Row("PSS, console + agent", figures.pss, None, None, "MiB"),
    ]


def main() -> None:
    wanted = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end too
    if wanted.what == "scale":
        print(table(scale.measured(wanted.http, wanted.redis, wanted.seconds)))
        return
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as name, ballast(wanted.processes) as processes:
        print(f"160x45, 1 Hz, {processes} processes, {wanted.seconds:g} s")
        if wanted.what == "sources":
            with twenty_sources(Path(name)) as config:
                print(table(rows(measured(wanted, config), cpu=(4, 2))))
        else:
            own = wanted.config or Path(write_config(Path(name), QUIET))
            print(table(rows(measured(wanted, own), cpu=(2, 1))))


if __name__ == "__main__":
    main()
