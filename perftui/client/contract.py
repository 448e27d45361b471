"""What the console asks of whatever feeds it: a live agent, a recording, or a test."""

from collections.abc import Callable
from typing import Protocol

from perftui.client.state import State
from perftui.core.action import AuditRow, Offer, Plan, Run
from perftui.core.alert import Alert, RuleInfo, Silence
from perftui.core.health import HealthReport


class Client(Protocol):
    """Feeds one State and carries requests. All of it runs in the console's event loop.

    The requests raise AgentError (or Refused, for an action that the guard turns down) and have their own deadline.
    """

    state: State
    on_change: Callable[[], None] | None
    """Called after the state took a batch of changes."""

    async def run(self) -> None:
        """Connect, follow, reconnect, start the agent again when it died; until cancelled."""

    def tick(self) -> None:
        """Advance `state.now` and `state.wall`; called before drawing."""

    def watch(self, metrics: frozenset[str]) -> None:
        """Keep `state.tracks` for every series of these metrics, filled from the agent's history first."""

    def show_tables(self, topics: frozenset[str]) -> None:
        """Receive these tables (`table/SOURCE/NAME`, `*` at the end for any) and no others."""

    async def poll(self, source: str) -> None:
        """Force a probe of a source now."""

    async def reload(self) -> None:
        """Let the agent read its configuration again. Raises RequestFailed with the line that is wrong."""

    async def offers(
        self, key: str = "", source: str = "", alert: str = "", params: dict[str, str] | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be done: in the picker of a key, on a source, or against an alert, the best first."""

    async def plan(self, action: str, target: str, params: dict[str, str], alert: str = "") -> Plan:
        """Preview an action on a source, against an alert (by its key) or none; changes nothing."""

    async def undo(self, plan: str) -> Plan:
        """Preview what takes a run back; changes nothing."""

    async def apply(self, plan: Plan, confirmation: str, reason: str = "", *, break_glass: bool = False) -> Run:
        """Start what was previewed; progress arrives in `state.runs`."""

    async def cancel(self, plan: str) -> None:
        """Stop a running action between two of its steps."""

    async def audit(self, number: int = 200) -> tuple[AuditRow, ...]:
        """Return the last actions of the audit log, newest first."""

    async def health(self) -> HealthReport:
        """Return how the whole stands, what is wrong, and what would help."""

    async def ack(self, key: str, note: str = "") -> None:
        """Say that somebody takes care of an alert until it is resolved."""

    async def unack(self, key: str) -> None:
        """Take that back."""

    async def silence(self, matchers: dict[str, str], seconds: float, comment: str = "") -> Silence:
        """Let alerts with these labels call nobody for a time."""

    async def unsilence(self, id: str) -> None:
        """End a silence."""

    async def ended(self, alert: Alert) -> tuple[Alert, ...]:
        """Return how the same alert ended before, newest first."""

    async def rules(self) -> tuple[RuleInfo, ...]:
        """Return the rules that are in force, and those that are switched off."""

    async def set_rule(self, name: str, changes: dict[str, str]) -> RuleInfo:
        """Change a rule (`warning`, `critical`, `clear`, `for`, `enabled`, …: text as in TOML), here and in its file.

        Raises RequestFailed with the line that is wrong.
        """

    async def bye(self) -> None:
        """Say that this is a quit, not a hang-up."""
