"""What goes over one Redis connection: batches of commands, their cost, and what our user may not do.

Each batch is one round trip and no transaction, so that a long one never holds up the server's other clients.
Our own lookups lower the hit rate that the server counts (each on a missing key adds a miss), so they are counted
here, from the replies, exactly; so are our commands.
"""

from typing import Any, NamedTuple

from perftui.connect.redis import Client, Command, Endpoint, exchange, translated
from perftui.core.clock import Clock

RETRY_DENIED = 60.0
CONTAINERS = frozenset({"CLIENT", "LATENCY", "SLOWLOG"})
LOOKUPS = frozenset({"GET", "HMGET", "LINDEX", "LLEN", "ZCARD", "ZCOUNT"})


class Probes(NamedTuple):
    """What we caused on the server: commands it ran, and lookups that hit and missed."""

    commands: int = 0
    hits: int = 0
    misses: int = 0


class Reply:
    """What a command answered once its batch has run: `value`, or None and the server's `error`."""

    __slots__ = ("error", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None

    @property
    def denied(self) -> bool:
        """Whether our user may not run the command."""
        return isinstance(self.error, PermissionError) or type(self.error).__name__ == "NoPermissionError"

    @property
    def ok(self) -> bool:
        """Whether the server answered, be it with nil."""
        return self.error is None

    def number(self) -> float | None:
        """Return the reply as a number, None where there is none."""
        try:
            return None if self.value is None else float(self.value)
        except (TypeError, ValueError):
            return None


class Session:
    """One connection: counts what we do on it, and remembers for a minute what our user may not do."""

    def __init__(self, client: Client, where: Endpoint, clock: Clock) -> None:
        self.client = client
        self.where = where
        self.clock = clock
        self.sent = 0
        self._probes = Probes()
        self._denied: dict[Command, float] = {}

    @property
    def denied(self) -> list[str]:
        """The commands that our user may not run on any key."""
        return [str(name) for name, *key in self._denied if not key]

    def batch(self) -> "Batch":
        """Return an empty batch."""
        now = self.clock.monotonic()
        self._denied = {what: since for what, since in self._denied.items() if now - since < RETRY_DENIED}
        return Batch(self)

    def may(self, name: str, command: Command) -> bool:
        """Return whether it makes sense to send `command`: each refusal would enter the server's ACL log."""
        return not self._denied or ((name,) not in self._denied and command[:2] not in self._denied)

    def deny(self, name: str, command: Command, *, only_key: bool) -> None:
        """Note that our user may not run a command, or not on this key."""
        self._denied[command[:2] if only_key else (name,)] = self.clock.monotonic()

    def take_probes(self) -> Probes:
        """Return what we caused since this was last called."""
        taken, self._probes = self._probes, Probes()
        return taken

    def count(self, sent: int, caused: Probes) -> None:
        """Note what a batch sent and caused."""
        self.sent += sent
        before = self._probes
        self._probes = Probes(
            before.commands + caused.commands, before.hits + caused.hits, before.misses + caused.misses
        )


class Batch:
    """Commands that travel together; a command that is refused answers with an error and stops no other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: list[tuple[str, Command, Reply]] = []

    def ask(self, command: str, *arguments: str | bytes | int) -> Reply:
        """Add a command and return where its reply will be; one that is known to be denied is not sent."""
        whole = (command, *arguments)
        name = f"{command} {arguments[0]!s}" if command in CONTAINERS else command
        reply = Reply()
        if self._session.may(name, whole):
            self._asked.append((name, whole, reply))
        else:
            reply.error = PermissionError("not permitted")
        return reply

    async def run(self) -> None:
        """Send everything and fill the replies; raises SourceError when the connection fails."""
        if not self._asked:
            return
        with translated(self._session.where):
            answers = await exchange(self._session.client, [command for _, command, _ in self._asked])
        self._fill(answers)

    def _fill(self, answers: list[Any]) -> None:
        """Hand out the replies. A key of the wrong type was looked up and found; other errors come before that."""
        hits = misses = refused = 0
        for (name, command, reply), answer in zip(self._asked, answers, strict=True):
            if isinstance(answer, Exception):
                reply.error = answer
                hit = str(answer).startswith("WRONGTYPE")
                hits += hit
                refused += not hit
                if reply.denied:
                    self._session.deny(name, command, only_key="to run the" not in str(answer))
                continue
            reply.value = answer
            if command[0] in LOOKUPS:
                hit = found(answer)
                hits += hit
                misses += not hit
        self._session.count(len(answers), Probes(len(answers) - refused, hits, misses))


def found(answer: Any) -> bool:
    """Return whether the key of a lookup existed: empty lists and sets do not, nor hashes without our fields."""
    if isinstance(answer, list):
        return any(field is not None for field in answer)
    return answer is not None and answer != 0
