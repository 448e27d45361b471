"""`perftui actions`: what can be done here, with risk, undo, targets and parameters."""

import argparse
import asyncio
from collections.abc import Sequence

import msgspec

from perftui.cli.headless import session
from perftui.core.action import ActionInfo, Param
from perftui.core.status import SourceStatus

OK = 0
_COLUMNS = (22, 8, 6)
_PARAM = 33
"""Cells of a parameter with an example, so that what it means stands below what the action does."""


def run(argv: list[str]) -> int:
    """Return 0."""
    return asyncio.run(_list(_parser().parse_args(argv)))


async def _list(options: argparse.Namespace) -> int:
    async with session(options.config) as own:
        await own.until(lambda: bool(own.client.state.sources), deadline=3.0)
        state = own.client.state
        actions, sources = state.actions, list(state.sources.values())
    if options.json:
        entries = [msgspec.to_builtins(action) | {"targets": _targets(action, sources)} for action in actions]
        print(msgspec.json.format(msgspec.json.encode({"schema": 1, "actions": entries})).decode())
        return OK
    print(_row("action", "risk", "undo", "what it does"))
    for action in actions:
        print("\n".join(_lines(action, sources)))
    return OK


def _lines(action: ActionInfo, sources: Sequence[SourceStatus]) -> list[str]:
    undo = "yes" if action.reversible else "no"
    targets = ", ".join(_targets(action, sources)) or f"none here; it works on {' and '.join(action.kinds)}"
    return [
        _row(action.id, action.risk.value, undo, action.title),
        f"    on {targets}",
        *(f"    {f'{param.name}={_example(param)}':<{_PARAM}} {param.help}" for param in action.params),
    ]


def _targets(action: ActionInfo, sources: Sequence[SourceStatus]) -> list[str]:
    return sorted(source.name for source in sources if source.kind in action.kinds)


def _example(param: Param) -> str:
    if param.choices:
        return "|".join(param.choices)
    return param.default or ("…" if param.required else "")


def _row(*words: str) -> str:
    *first, last = words
    return " ".join([*(f"{word:<{cells}}" for word, cells in zip(first, _COLUMNS, strict=True)), last])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui actions", description="List the actions, with their risk, undo, targets and parameters."
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.add_argument("--config", metavar="FILE", help="configuration; refused when an agent runs here on another")
    return parser
