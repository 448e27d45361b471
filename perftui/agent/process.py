"""The agent as a process: one at a time by a flock, signals, and an orderly end."""

import asyncio
import contextlib
import fcntl
import os
import signal
from pathlib import Path

from perftui.actions.registry import action_runner
from perftui.agent.log import Logs, log_defects, open_logs
from perftui.agent.log_events import RunLog
from perftui.agent.log_observer import LogObserver
from perftui.agent.methods import Methods
from perftui.agent.server import Server
from perftui.alerts.rules.file import rule_book, rule_infos
from perftui.config.load import load, read
from perftui.config.paths import state_dir
from perftui.core.action import Run
from perftui.core.alert import RuleInfo
from perftui.core.clock import SystemClock
from perftui.core.errors import AgentError, AuditError, ConfigError
from perftui.engine.engine import Engine

LINGER_CHECK = 1.0
AUDIT_EVERY = 5.0
"""Seconds after which the agent tries again to write what is owed to the audit log."""
STATE_PATIENCE = 2.0
"""Seconds that the disk has to give back what was kept, before the agent starts without it for now."""


def hold(lock: Path) -> int | None:
    """Return the descriptor of the lock that makes this the only agent here, None when another one holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    with contextlib.suppress(OSError):  # a full disk does not stop an agent: the pid is there for people
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


class Agent:
    """The composition root: engine and actions, served on one socket, until a signal or until nobody needs it."""

    def __init__(
        self, config: Path, socket: Path, *, private: bool, must_exist: bool = False, read_only: bool = False
    ) -> None:
        clock = SystemClock()
        self._config = config
        self._must_exist = must_exist
        self._socket = socket
        self._wake = asyncio.Event()
        self._stopping = False
        self._reload_wanted = False
        loaded = read(config, must_exist=must_exist)
        self.engine = Engine(
            loaded.settings,
            clock,
            lambda: self.server.consoles,
            read_only=read_only,
            mute="private agents do not notify" if private else "",
            observer=LogObserver(clock),
            state=state_dir() / "state.db",
        )
        self._runs = RunLog(clock)
        self._problems = loaded.problems
        self.actions = action_runner(self.engine, clock, self._publish_runs, read_only=read_only)
        methods = Methods(self.engine, self.actions, clock, self.reload, self.set_rule, private=private)
        self.server = Server(self.engine.hub, methods.handle, clock, lambda: self.actions.busy, private=private)
        self.server.on_gone = self._on_gone

    async def run(self) -> None:
        """Serve until told to stop. Raises AgentError when the socket cannot be made."""
        try:
            await self.server.start(self._socket)
        except OSError as error:
            raise AgentError(f"cannot listen at {self._socket}: {error.strerror}") from error
        self._handle_signals()
        logs = self._open_logs()
        await self.engine.alerting.open(STATE_PATIENCE)
        self.engine.start()
        if self._problems:
            self.engine.note("config", *self._problems, "read-only until the configuration is right")
        auditing: asyncio.Task[None] | None = None
        try:
            await self._show_interrupted()
            auditing = asyncio.create_task(self._keep_audit(), name="audit log")
            await self._until_finished()
        finally:
            if auditing is not None:
                auditing.cancel()
                await asyncio.gather(auditing, return_exceptions=True)
            with contextlib.suppress(OSError):
                self._socket.unlink()
            await self.server.stop()
            await self.actions.close()
            await self.engine.stop()
            logs.close()

    def _open_logs(self) -> Logs:
        loop = asyncio.get_running_loop()
        log_defects(loop)

        def note(problem: str) -> None:
            loop.call_soon_threadsafe(self.engine.note, "log", *([problem] if problem else []))

        return open_logs(state_dir(), note)

    async def _show_interrupted(self) -> None:
        try:
            await self.actions.start()
        except AuditError as error:
            self.engine.note("audit", f"audit log: {error}; no action will run")

    async def _keep_audit(self) -> None:
        """Tell while records wait for room, or the reserve for them is not whole."""
        told = ""
        while True:
            trouble = await self.actions.mend_audit()
            if trouble != told:
                told = trouble
                self.engine.note("audit room", *([trouble] if trouble else []))
            await asyncio.sleep(AUDIT_EVERY)

    def _publish_runs(self, runs: tuple[Run, ...]) -> None:
        self._runs.observe(runs)
        self.engine.hub.publish("runs", runs, urgent=True)

    async def _until_finished(self) -> None:
        while not self._stopping and not self.server.is_finished():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_CHECK):
                    await self._wake.wait()
            self._wake.clear()
            if self._reload_wanted:
                self._reload_wanted = False
                with contextlib.suppress(ConfigError):  # told to the consoles by `reload`
                    await self.reload()

    async def reload(self) -> None:
        """Read the configuration again; a bad one leaves the old one running. Raises ConfigError."""
        try:
            settings = await asyncio.to_thread(load, self._config, must_exist=self._must_exist)
        except ConfigError as error:
            self.engine.note("config", *(f"not reloaded: {line}" for line in str(error).splitlines()))
            raise
        if problems := rule_book(settings).problems:
            self.engine.note("config", *(f"not reloaded: {line}" for line in problems))
            raise ConfigError("\n".join(problems))
        await self.engine.reload(settings)
        self.engine.note("config")

    async def set_rule(self, name: str, changes: dict[str, str]) -> RuleInfo:
        """Change a rule in the file, and go over to it. Raises ConfigError; the old rules go on then."""
        from perftui.alerts.rules.store import change_rule  # tomlkit: for the few who edit, when they do

        await change_rule(self._config, name, changes)
        await self.reload()
        info = next((info for info in rule_infos(self.engine.settings) if info.name == name), None)
        if info is None:
            raise ConfigError(f"{name} is no rule any more: the file was changed meanwhile")
        return info

    def _on_gone(self) -> None:
        self.engine.publish_agent()
        self._wake.set()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._want_reload)

    def _end(self) -> None:
        self._stopping = True
        self._wake.set()

    def _want_reload(self) -> None:
        self._reload_wanted = True
        self._wake.set()
