"""`perftui metrics`: the catalogue, as a reference."""

import argparse

import msgspec

from perftui.core.catalogue import CATALOGUE


def run(argv: list[str]) -> int:
    """Print every metric with its unit, kind and meaning."""
    parser = argparse.ArgumentParser(prog="perftui metrics", description="Print the metrics that perftui knows.")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("prefix", nargs="?", default="", help="only those whose name starts so, such as `redis.`")
    options = parser.parse_args(argv)
    chosen = [metric for name, metric in sorted(CATALOGUE.items()) if name.startswith(options.prefix)]
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(chosen), indent=2).decode())
        return 0
    for metric in chosen:
        print(f"{metric.name:<44} {metric.unit:<12} {metric.kind:<6} {metric.description}")
    return 0 if chosen else 1
