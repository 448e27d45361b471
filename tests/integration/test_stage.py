"""The stage: what it plays is what perftui sees, and nothing of it stays behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import require

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[2]


def leftovers() -> set[str]:
    return {path.name for path in Path("/tmp").glob("perftui-stage-*")}


def test_an_incident_on_the_stage_is_seen_by_check_and_all_of_it_ends() -> None:
    require("redis-server", "redis-server")
    before = leftovers()
    check = [sys.executable, "-m", "perftui.cli.main", "check", "--json", "--source", "cache-1", "--config", "{config}"]
    stage = [sys.executable, "-m", "tests.stage", "--incident", "hit-rate", "--", *check]
    done = subprocess.run(stage, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 2, done.stderr
    cache = json.loads(done.stdout)["sources"]["cache-1"]
    assert cache["state"] == "ok"
    assert cache["metrics"]["redis.hit_ratio"] == pytest.approx(0.6, abs=0.02)
    assert leftovers() <= before
