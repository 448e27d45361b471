"""`cleanup.files`: what the user's rules name, and nothing else."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cleanup.files import CleanupFiles
from perftui.actions.contract import Ask
from perftui.config.duration import Duration
from perftui.config.remedies import FileRule
from perftui.core.action import Outcome, Proof
from perftui.core.errors import Refused, TargetChanged
from tests.integration.test_cleanup_temp import LaterClock
from tests.unit.actions.cleanup.old_files import everything, make
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    make(folder, "a.gz", "b.gz", "c.gz", "now.log", "deep/d.gz", text="x" * 5000)
    for number, name in enumerate(("a.gz", "b.gz", "c.gz")):
        os.utime(folder / name, (number, number))
    return folder


def stage_for(tmp_path: Path, **rules: FileRule) -> Stage:
    stage = Stage(tmp_path / "log", lambda ground, _: CleanupFiles(ground, LaterClock(), verify_after=0.0))
    use(stage, **rules)
    return stage


def use(stage: Stage, **rules: FileRule) -> None:
    stage.settings = msgspec.structs.replace(stage.settings, files=rules)


async def test_a_rule_deletes_what_it_names_but_the_newest(logs: Path, tmp_path: Path) -> None:
    stage = stage_for(tmp_path, logs=FileRule(paths=(f"{logs}/*.gz",), keep=1))
    plan = await stage.runner.plan("cleanup.files", "host", {"rule": "logs"})
    assert set(plan.targets) == {f"{logs}/a.gz", f"{logs}/b.gz"}
    assert plan.subject == "logs"
    await stage.runner.apply(plan.id, "y", ADMIN)
    done = await stage.ended(plan)
    assert (done.outcome, done.proof, done.applied) == (Outcome.SUCCEEDED, Proof.RECOVERED, 2)
    assert everything(logs) == {"c.gz", "now.log", "deep/", "deep/d.gz"}


async def test_any_depth_and_age(logs: Path, tmp_path: Path) -> None:
    stage = stage_for(tmp_path, deep=FileRule(paths=(f"{logs}/**/*.gz",)))
    stage.settings.files["old"] = FileRule(paths=(f"{logs}/**/*.gz",), older_than=Duration(365 * 86400.0))
    assert (await stage.runner.plan("cleanup.files", "host", {"rule": "deep"})).count == 4
    assert (await stage.runner.plan("cleanup.files", "host", {"rule": "old"})).count == 0


async def test_there_is_an_offer_for_each_rule(logs: Path, tmp_path: Path) -> None:
    rule = FileRule(paths=(f"{logs}/*",))
    stage = stage_for(tmp_path, one=rule, two=rule)
    offers = stage.runner.offers(key="c")
    assert [offer.params for offer in offers] == [{"rule": "one"}, {"rule": "two"}]
    action = CleanupFiles(stage, LaterClock())
    assert [offer.params["rule"] for offer in action.offers(stage.host, Ask(params={"rule": "two"}))] == ["two"]


async def test_a_rule_that_changed_after_the_preview_runs_no_more(logs: Path, tmp_path: Path) -> None:
    stage = stage_for(tmp_path, logs=FileRule(paths=(f"{logs}/*.gz",)))
    before = everything(logs)
    plan = await stage.runner.plan("cleanup.files", "host", {"rule": "logs"})
    use(stage, logs=FileRule(paths=(f"{logs}/*.log",)))
    with pytest.raises(TargetChanged):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert everything(logs) == before


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (FileRule(paths=("/etc/*.conf",)), "the system's own"),
        (FileRule(paths=("/var/**",)), "reaches too far"),
        (FileRule(paths=("logs/*",)), "does not start with /"),
        (FileRule(paths=("/srv/app/*",), owner="nobody-of-that-name"), "no user"),
    ],
)
async def test_a_bad_rule_is_refused_by_name(tmp_path: Path, rule: FileRule, why: str) -> None:
    stage = stage_for(tmp_path, bad=rule)
    with pytest.raises(Refused, match=why):
        await stage.runner.plan("cleanup.files", "host", {"rule": "bad"})
    with pytest.raises(Refused, match=r"no \[files.bed\].*bad"):
        await stage.runner.plan("cleanup.files", "host", {"rule": "bed"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_only_the_owner_that_the_rule_names(logs: Path, tmp_path: Path) -> None:
    os.chown(logs / "b.gz", 65534, 65534)
    stage = stage_for(tmp_path, logs=FileRule(paths=(f"{logs}/*.gz",), owner="nobody"))
    plan = await stage.runner.plan("cleanup.files", "host", {"rule": "logs"})
    assert plan.targets == (f"{logs}/b.gz",)


@pytest.mark.parametrize(("keep", "stay"), [(0, set[str]()), (1, {"c.gz"})])
async def test_the_command_beside_it_deletes_the_same(logs: Path, tmp_path: Path, keep: int, stay: set[str]) -> None:
    stage = stage_for(tmp_path, logs=FileRule(paths=(f"{logs}/*.gz",), keep=keep))
    plan = await stage.runner.plan("cleanup.files", "host", {"rule": "logs"})
    command = re.sub(r"-([mac])min \+\d+", r"-\1time -999999", plan.command)  # nothing is a week old yet
    done = await asyncio.to_thread(subprocess.run, command, shell=True, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert everything(logs) == {"now.log", "deep/", "deep/d.gz", *stay}
    assert {f"{logs}/{name}" for name in ("a.gz", "b.gz", "c.gz") if name not in stay} == set(plan.targets)
