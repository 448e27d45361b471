"""Who may change what: roles, consoles that only look, and agents that are read-only."""

from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from perftui.actions.runner import ActionRunner
from perftui.agent.connection import Connection
from perftui.agent.methods import Methods
from perftui.agent.peer import ADMIN, VIEWER, Peer
from perftui.config.settings import Settings
from perftui.core.alert import RuleInfo
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, RequestFailed
from perftui.engine.engine import Engine

WRITING: dict[str, dict[str, object]] = {
    "ack": {"key": "k"},
    "unack": {"key": "k"},
    "silence": {"matchers": {}, "seconds": 600},
    "unsilence": {"id": "x"},
    "set_rule": {"name": "memory", "changes": {"warning": "98%"}},
}
"""Each method that writes; the parameters make no sense, so that what is let through fails and changes nothing."""
DECISIONS = ("ack", "unack", "silence", "unsilence")


async def asked(
    method: str, *, role: str = ADMIN, console: bool = False, flag: bool = False, file: bool = False
) -> None:
    """Ask with this role, of a console, an agent or a file that is read-only."""

    async def no_rule(_name: str, _changes: dict[str, str]) -> RuleInfo:
        raise RequestFailed("no such rule")

    async def no_reload() -> None:
        pytest.fail("nobody asked for that")

    clock = ManualClock()
    engine = Engine(Settings(read_only=file), clock, read_only=flag)
    methods = Methods(engine, cast("ActionRunner", None), clock, no_reload, no_rule, private=False)
    peer = Peer(pid=1, uid=1000, login="ana", role=role)
    connection = cast("Connection", SimpleNamespace(peer=peer, read_only=console, is_console=True))
    await methods.handle(connection, method, msgspec.Raw(msgspec.json.encode(WRITING[method])))


@pytest.mark.parametrize("method", WRITING)
async def test_an_admin_may_write(method: str) -> None:
    with pytest.raises(RequestFailed):
        await asked(method)


@pytest.mark.parametrize("method", WRITING)
async def test_a_viewer_writes_nothing(method: str) -> None:
    with pytest.raises(Refused, match=f"{method} is for admins and you are viewer"):
        await asked(method, role=VIEWER)


@pytest.mark.parametrize("method", WRITING)
async def test_a_console_that_only_looks_writes_nothing(method: str) -> None:
    with pytest.raises(Refused, match=f"this console came with --read-only, and {method} writes"):
        await asked(method, console=True)


@pytest.mark.parametrize(
    ("flag", "file", "why"),
    [
        (True, False, "the agent was started with --read-only"),
        (False, True, "perftui.toml makes this agent read-only"),
        (True, True, "perftui.toml makes this agent read-only"),
    ],
)
async def test_an_agent_that_is_read_only_takes_decisions_and_no_rules(flag: bool, file: bool, why: str) -> None:
    for method in DECISIONS:
        with pytest.raises(RequestFailed):
            await asked(method, flag=flag, file=file)
    with pytest.raises(Refused, match=why):
        await asked("set_rule", flag=flag, file=file)
