"""Over every mode: nothing is sent to an action's apply unless everything allows it."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from perftui.actions.contract import PLAN_LIFE, Actor
from perftui.config.remedies import Freeze
from perftui.core.action import Risk
from perftui.core.errors import PerftuiError
from tests.unit.actions.stage import ADMIN, FakeAction, Stage

ALWAYS = tuple(
    Freeze(start=day, until=until) for day, until in (("mon 00:00", "thu 00:00"), ("thu 00:00", "mon 00:00"))
)
NEVER = {"flag", "file", "source", "touched", "console", "viewer", "old", "other server", "unknown plan"}
"""What nothing passes."""
BROKEN = {"frozen", "many", "resting"}
"""What break-glass passes."""


@settings(max_examples=400, deadline=None)
@given(
    modes=st.sets(st.sampled_from(sorted(NEVER | BROKEN)), max_size=3),
    risk=st.sampled_from(Risk),
    production=st.booleans(),
    needs_reason=st.booleans(),
    reason=st.sampled_from(["", " ", "outage"]),
    typed=st.sampled_from(["", "y", "Y", "cache-1", "cache-1 ", "host"]),
    break_glass=st.booleans(),
    may_break=st.booleans(),
)
def test_nothing_is_applied_unless_everything_allows_it(
    modes: set[str],
    risk: Risk,
    production: bool,
    needs_reason: bool,
    reason: str,
    typed: str,
    break_glass: bool,
    may_break: bool,
) -> None:
    wanted = "cache-1" if production or risk is Risk.HIGH or break_glass else "y"
    says_why = bool(reason.strip())
    allowed = (
        not modes & NEVER
        and typed == wanted
        and (says_why or not (needs_reason or break_glass))
        and (may_break if break_glass else not modes & BROKEN)
    )

    async def attempt(folder: Path) -> tuple[int, list[str]]:
        stage = Stage(folder, FakeAction(risk), read_only="flag" in modes)
        fake = stage.runner._actions["cleanup.fake"]
        assert isinstance(fake, FakeAction)
        fake.finds = {"touches": ("host",), "count": 10 if "many" in modes else 1}
        stage.source = msgspec.structs.replace(stage.source, production=production, read_only="source" in modes)
        stage.host = msgspec.structs.replace(stage.host, read_only="touched" in modes)
        stage.settings = msgspec.structs.replace(stage.settings, read_only="file" in modes)
        stage.rule(
            max_targets=5,
            freeze=ALWAYS if "frozen" in modes else (),
            require_reason=(risk,) if needs_reason else (),
            break_glass=may_break,
        )
        plan = await stage.plan()
        if "old" in modes:
            stage.clock.advance(PLAN_LIFE)
        if "resting" in modes:
            stage.runner._recent.rest(plan.action, "cache-1", PLAN_LIFE * 2)
        if "other server" in modes:
            fake.server["run_id"] = "second"
        actor = Actor(
            uid=1, role="viewer" if "viewer" in modes else "admin", read_only="console" in modes, login=ADMIN.login
        )
        id = "nothing" if "unknown plan" in modes else plan.id
        try:
            await stage.runner.apply(id, typed, actor, reason=reason, break_glass=break_glass)
        except PerftuiError:
            assert not stage.runner.busy
        else:
            await stage.ended(plan)
        return fake.started, stage.events()

    with tempfile.TemporaryDirectory() as folder:
        started, events = asyncio.run(attempt(Path(folder)))
    assert started == int(allowed)
    assert events == (["intent", "outcome", "proof"] if allowed else [])
