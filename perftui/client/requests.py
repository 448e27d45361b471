"""What a console can ask of its agent: one short method for each of the protocol."""

from abc import ABC, abstractmethod

from perftui.client.connection import Connection
from perftui.core.action import AuditRow, Offer, Plan, Run
from perftui.core.alert import Alert, RuleInfo, Silence
from perftui.core.health import HealthReport

PLAN_PATIENCE = 640.0
"""Seconds that a preview may take: each has its own, shorter deadline in the agent (`scan_seconds` is 600 at most)."""
START_PATIENCE = 40.0
"""Seconds that the start of an action may take."""


class AgentRequests(ABC):
    """The requests; all of them raise AgentError, or Refused where the agent turns one down."""

    @abstractmethod
    def _attached(self) -> Connection:
        """Return the connection. Raises AgentUnavailable when there is none."""

    async def poll(self, source: str) -> None:
        """Force a probe of a source now."""
        await self._attached().call("poll", {"source": source}, object)

    async def reload(self) -> None:
        """Let the agent read its configuration again."""
        await self._attached().call("reload", {}, object)

    async def offers(
        self, key: str = "", source: str = "", alert: str = "", params: dict[str, str] | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be done: in the picker of a key, on a source, or against an alert."""
        wanted = {"key": key, "source": source, "alert": alert, "params": params or {}}
        return await self._attached().call("offers", wanted, tuple[Offer, ...])

    async def plan(self, action: str, target: str, params: dict[str, str], alert: str = "") -> Plan:
        """Preview an action."""
        wanted = {"action": action, "target": target, "params": params, "alert": alert}
        return await self._attached().call("plan", wanted, Plan, PLAN_PATIENCE)

    async def undo(self, plan: str) -> Plan:
        """Preview what takes a run back."""
        return await self._attached().call("undo", {"plan": plan}, Plan, PLAN_PATIENCE)

    async def apply(self, plan: Plan, confirmation: str, reason: str = "", *, break_glass: bool = False) -> Run:
        """Start what was previewed."""
        wanted = {"plan": plan.id, "confirmation": confirmation, "reason": reason, "break_glass": break_glass}
        return await self._attached().call("apply", wanted, Run, START_PATIENCE)

    async def cancel(self, plan: str) -> None:
        """Stop a running action between two of its steps."""
        await self._attached().call("cancel", {"plan": plan}, object)

    async def audit(self, number: int = 200) -> tuple[AuditRow, ...]:
        """Return the last actions of the audit log, newest first."""
        return await self._attached().call("audit", {"number": number}, tuple[AuditRow, ...])

    async def health(self) -> HealthReport:
        """Return how the whole stands, what is wrong, and what would help."""
        return await self._attached().call("health", {}, HealthReport)

    async def ack(self, key: str, note: str = "") -> None:
        """Say that somebody takes care of an alert until it is resolved."""
        await self._attached().call("ack", {"key": key, "note": note}, object)

    async def unack(self, key: str) -> None:
        """Take that back."""
        await self._attached().call("unack", {"key": key}, object)

    async def silence(self, matchers: dict[str, str], seconds: float, comment: str = "") -> Silence:
        """Let alerts with these labels call nobody for a time."""
        wanted = {"matchers": matchers, "seconds": seconds, "comment": comment}
        return await self._attached().call("silence", wanted, Silence)

    async def unsilence(self, id: str) -> None:
        """End a silence."""
        await self._attached().call("unsilence", {"id": id}, object)

    async def ended(self, alert: Alert) -> tuple[Alert, ...]:
        """Return how the same alert ended before, newest first."""
        wanted = {"rule": alert.rule, "source": alert.source, "attributes": alert.attributes}
        return await self._attached().call("ended", wanted, tuple[Alert, ...])

    async def rules(self) -> tuple[RuleInfo, ...]:
        """Return the rules that are in force, and those that are switched off."""
        return await self._attached().call("rules", {}, tuple[RuleInfo, ...])

    async def set_rule(self, name: str, changes: dict[str, str]) -> RuleInfo:
        """Change a rule, here and in its file."""
        return await self._attached().call("set_rule", {"name": name, "changes": changes}, RuleInfo)
