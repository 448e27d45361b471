"""A session with the agent without a screen, for the commands that let it act."""

import asyncio
import os.path
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from perftui.client.agent_client import AgentClient
from perftui.client.state import Link
from perftui.config.paths import config_file
from perftui.core.errors import AgentUnavailable, ConfigError
from perftui.core.text import clean
from perftui.core.wire import Welcome

ATTACH_DEADLINE = 10.0
FIND_DEADLINE = 3.0
LOST_DEADLINE = 15.0
LOST_CHECK = 60.0


class Session:
    """An attached client, and waiting for what it is told."""

    def __init__(self, client: AgentClient) -> None:
        self.client = client
        self._news = asyncio.Event()
        client.on_change = self._news.set

    async def until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Wait until `condition` holds; return False when it did not within `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def follow(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds, however long. Raises AgentUnavailable when the agent is gone for 15 s."""
        while True:
            await self.until(lambda: condition() or self._is_lost, LOST_CHECK)
            if condition():
                return
            if self._is_lost and not await self.until(lambda: not self._is_lost, LOST_DEADLINE):
                raise AgentUnavailable(self.client.state.link_note or "the agent is gone")

    @property
    def _is_lost(self) -> bool:
        return self.client.state.link is Link.LOST


@asynccontextmanager
async def session(
    config: str | None, source: str | None = None, *, socket: str | None = None
) -> AsyncIterator[Session]:
    """Attach, starting a private agent where there is none; wait until its actions, and `source` if given, are known.

    An agent that was started for this ends with it. Raises AgentUnavailable, and ConfigError where `config` is given
    and the agent that is there runs on another file.
    """
    client = AgentClient(socket, config)
    own = Session(client)
    following = asyncio.create_task(client.run(), name="client")
    try:
        if not await own.until(lambda: client.state.link is Link.LIVE, ATTACH_DEADLINE):
            raise AgentUnavailable(client.state.link_note or "the agent does not answer")
        if config is not None:
            _check_config(config, client.state.welcome)
        await own.until(lambda: bool(client.state.actions), ATTACH_DEADLINE)
        if source is not None:
            await own.until(lambda: source in client.state.sources, FIND_DEADLINE)
        yield own
    finally:
        await client.bye(end=client.started_agent)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _check_config(config: str, welcome: Welcome | None) -> None:
    wanted = config_file(config)
    if welcome is not None and os.path.realpath(wanted) != os.path.realpath(welcome.config_path):
        theirs = clean(welcome.config_path) or "no file"
        raise ConfigError(
            f"the agent here (pid {welcome.pid}) runs on {theirs} and not on {wanted}; leave out --config, or end it"
        )
