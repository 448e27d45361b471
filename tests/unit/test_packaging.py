"""What the project promises a new machine: the locks, the README's commands, and a wheel with everything in it."""

import importlib.metadata
import os
import re
from pathlib import Path

import pytest

from perftui.config.load import load

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def shell_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("python3 -m venv .venv && ")]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    run, test = shell_lines((ROOT / "README.md").read_text())
    assert run.endswith("&& .venv/bin/perftui")
    assert "-r requirements.lock " in run
    assert shell_lines((ROOT / ".ci/run").read_text()) == [test]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_every_package_by_hash_and_name_no_place(name: str) -> None:
    text = (ROOT / name).read_text()
    requirements = re.split(r"\n(?=\S)", text)
    assert [each.split()[0] for each in requirements if "--hash=sha256:" not in each] == []
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_locks_hold_what_the_project_asks_for() -> None:
    metadata = (ROOT / "pyproject.toml").read_text()
    asked = set(re.findall(r'^    "([a-z-]+)[>=]', metadata, re.MULTILINE))
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
    assert asked <= locked


def test_the_wheel_carries_themes_and_rules() -> None:
    installed = {str(file) for file in importlib.metadata.files("perftui") or []}
    if "perftui/__init__.py" not in installed:
        if os.environ.get("CI"):
            pytest.fail("perftui is not installed from a wheel: pip install --no-deps .")
        pytest.skip("perftui is installed in editable form: pip install --no-deps . makes a wheel")
    themes = {f"perftui/tui/themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    assert themes
    assert themes | {"perftui/alerts/rules/default_rules.toml", "perftui/py.typed"} <= installed


def test_the_configuration_that_the_readme_shows_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "perftui.toml"
    file.write_text(example[1])
    assert {source.name for source in load(file).sources} >= {"cache-1", "orders-db", "orders-api"}


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
