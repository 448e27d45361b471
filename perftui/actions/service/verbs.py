"""`service.start`, `service.stop`, `service.restart`, `service.reload` of one unit or program."""

from perftui.actions.service.identity import refuse_own
from perftui.actions.service.manager import Manager
from perftui.actions.service.settle import Ended, ended_reload, ended_restart, ended_start, ended_stop
from perftui.actions.service.table import Row
from perftui.actions.service.verb import KINDS, UNIT, ServiceVerb
from perftui.config.settings import SourceSettings
from perftui.connect.units import Unit
from perftui.core.action import ActionInfo, Proof, Risk, Undo, Watch
from perftui.core.errors import Refused


class ServiceStart(ServiceVerb):
    """Starts what is stopped or has failed."""

    info = ActionInfo(
        id="service.start",
        title="Start a service",
        key="s",
        risk=Risk.LOW,
        reversible=True,
        kinds=KINDS,
        params=(UNIT,),
    )
    verb, after, done = "start", "active", "started"

    def refuse(self, target: SourceSettings, unit: Unit, manager: Manager) -> None:
        """Refuse it where it makes no sense."""
        if unit.is_up:
            raise Refused("unit", f"{unit.name} runs already", "restart it instead")
        if not unit.can_start:
            raise Refused("unit", f"{unit.name} may only be started by what needs it", "start that")

    def fits(self, row: Row, *, is_asked: bool) -> bool:
        """Return whether it is worth an offer."""
        return row.is_down or (is_asked and row.active in ("inactive", "failed"))

    def ended(self, before: Unit) -> Ended:
        """Return what says how it ended."""
        return ended_start

    def undo(self, unit: Unit) -> Undo:
        """Return the opposite."""
        return Undo(action="service.stop", params={"unit": unit.name}, title=f"stop {unit.name}")


class ServiceStop(ServiceVerb):
    """Stops what runs or is tried again and again."""

    info = ActionInfo(
        id="service.stop",
        title="Stop a service",
        key="s",
        risk=Risk.HIGH,
        reversible=True,
        kinds=KINDS,
        params=(UNIT,),
    )
    verb, after, done = "stop", "inactive", "stopped"

    def refuse(self, target: SourceSettings, unit: Unit, manager: Manager) -> None:
        """Refuse it where it makes no sense."""
        if unit.active in ("inactive", "failed"):
            raise Refused("unit", f"{unit.name} does not run", "there is nothing to stop")
        if not unit.can_stop:
            raise Refused("unit", f"{unit.name} may not be stopped by hand", "see RefuseManualStop= in its unit file")
        refuse_own(unit, "stop")

    def fits(self, row: Row, *, is_asked: bool) -> bool:
        """Return whether it is worth an offer."""
        # Of what runs well it is the undo, and no remedy.
        return (is_asked or bool(row.loop)) and row.active not in ("inactive", "failed")

    def ended(self, before: Unit) -> Ended:
        """Return what says how it ended."""
        return ended_stop

    def along(self, unit: Unit) -> tuple[str, ...]:
        """Return the units that go with it."""
        return unit.takes_along

    def watches(self, target: SourceSettings, unit: Unit) -> tuple[Watch, ...]:
        """Return none: what it does, its own reading shows."""
        return ()

    def undo(self, unit: Unit) -> Undo:
        """Return the opposite."""
        return Undo(action="service.start", params={"unit": unit.name}, title=f"start {unit.name}")

    def judge(self, before: Unit, first: Unit, unit: Unit) -> Proof:
        """Return whether it stays stopped, as planned: that alone mends nothing."""
        return Proof.HELD if unit.active in ("inactive", "failed") else Proof.WORSE


class ServiceRestart(ServiceVerb):
    """Stops and starts it; what needs it is restarted with it."""

    info = ActionInfo(
        id="service.restart",
        title="Restart a service",
        key="s",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=KINDS,
        params=(UNIT,),
    )
    verb, after, done = "restart", "active, as a new process", "restarted"
    frees = "closed"

    def refuse(self, target: SourceSettings, unit: Unit, manager: Manager) -> None:
        """Refuse it where it makes no sense."""
        if not (unit.can_start and unit.can_stop):
            raise Refused("unit", f"{unit.name} may not be restarted by hand", "see RefuseManualStop= in its unit file")
        refuse_own(unit, "restart")

    def fits(self, row: Row, *, is_asked: bool) -> bool:
        """Return whether it is worth an offer."""
        return row.is_up or bool(row.loop)

    def ended(self, before: Unit) -> Ended:
        """Return what says how it ended."""
        return ended_restart(before)

    def rescue(self, unit: Unit) -> Undo:
        """Return its start: the stop may have been all that was done."""
        return Undo(action="service.start", params={"unit": unit.name}, title=f"start {unit.name}")

    def along(self, unit: Unit) -> tuple[str, ...]:
        """Return the units that go with it."""
        return unit.takes_along


class ServiceReload(ServiceVerb):
    """Lets it read its configuration again, where its unit says how; logs are opened anew by most."""

    info = ActionInfo(
        id="service.reload",
        title="Reload a service",
        key="s",
        risk=Risk.LOW,
        reversible=False,
        kinds=("systemd",),
        params=(UNIT,),
    )
    verb, after, done = "reload", "active, the same process", "reloaded"
    frees = "closed, if it opens its files anew"

    def refuse(self, target: SourceSettings, unit: Unit, manager: Manager) -> None:
        """Refuse it where it makes no sense."""
        if not unit.can_reload:
            raise Refused("unit", f"{unit.name} has no way to reload", "restart it instead")
        if unit.active != "active":
            raise Refused("unit", f"{unit.name} is {unit.active}", "start it instead")

    def fits(self, row: Row, *, is_asked: bool) -> bool:
        """Return whether it is worth an offer."""
        return row.is_up and row.can_reload

    def ended(self, before: Unit) -> Ended:
        """Return what says how it ended."""
        return ended_reload
