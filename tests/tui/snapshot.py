"""Pictures of the screen as SVG, compared with those in snapshots/."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "snapshots"
FAILURES = Path(__file__).parent / "failures"


def normalised(svg: str) -> str:
    """Return the picture without what differs from run to run, and without fonts from elsewhere."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r"\s*@font-face \{[^}]*\}", "", svg)
    return re.sub(r"[ \t]+\n", "\n", svg)


def compare(request: pytest.FixtureRequest, name: str, svg: str) -> None:
    """Fail unless `svg` is the picture `name`; with --snapshot-update it becomes it."""
    picture, wanted = normalised(svg), PICTURES / f"{name}.svg"
    if request.config.getoption("--snapshot-update", default=False):
        wanted.write_text(picture, "utf-8")
        return
    if not wanted.exists() or wanted.read_text("utf-8") != picture:
        FAILURES.mkdir(exist_ok=True)
        (FAILURES / wanted.name).write_text(picture, "utf-8")
        pytest.fail(
            f"{wanted.name} differs: compare it with tests/tui/failures/{wanted.name}; --snapshot-update takes it"
        )
