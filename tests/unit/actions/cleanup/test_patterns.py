import os
import subprocess
from pathlib import Path

import pytest

from perftui.actions.cleanup.patterns import parse_pattern
from tests.unit.actions.cleanup.old_files import criteria, make, names, walked


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/*.log", {"a.log"}),
        ("/*/*.log", {"x/b.log"}),
        ("/**/*.log", {"a.log", "x/b.log", "x/y/c.log"}),
        ("/x/**", {"x/b.log", "x/y/c.log", "x/y/d.txt"}),
        ("/x/y/d.txt", {"x/y/d.txt"}),
        ("/**/y/*", {"x/y/c.log", "x/y/d.txt"}),
        ("/*/?.[kl]og", {"x/b.log"}),
        ("/.h*.log", {".hidden.log"}),
        ("/*g", {"a.log", "g"}),
        ("/g*", {"g"}),
        ("/[!a]", {"g"}),
    ],
)
def test_a_pattern_finds_what_a_shell_would(tmp_path: Path, pattern: str, found: set[str]) -> None:
    make(tmp_path, "a.log", "x/b.log", "x/y/c.log", "x/y/d.txt", ".hidden.log", "x/.git/e.log", "g", "x/y/.g")
    parsed = parse_pattern(str(tmp_path) + pattern)
    tree = walked(Path(parsed.base), criteria(folders=False), pattern=parsed)
    prefix = parsed.base.removeprefix(str(tmp_path)).strip("/")
    assert {f"{prefix}/{name}".strip("/") for name in names(tree)} == found
    words = ["find", parsed.base, "-regextype", "posix-extended", "-type", "f", "-regex", parsed.regex]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert {each.removeprefix(f"{tmp_path}/") for each in listed} == found, "the command that is shown finds the same"


@pytest.mark.parametrize(
    "text",
    [
        "relative/*",
        "/a/../b",
        "/a//b",
        "/*",
        "/**",
        "/home/**",
        "/etc/*.bak",
        "/usr/lib/x/*",
        "/file",
        "/proc/*/x",
        "/a/./b",
    ],
)
def test_what_reaches_too_far_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_pattern(text)


def test_the_newest_of_each_pattern_stay_however_old(tmp_path: Path) -> None:
    make(tmp_path, *(f"dump-{number}" for number in range(6)))
    for number in range(6):
        os.utime(tmp_path / f"dump-{number}", (number, number))
    parsed = parse_pattern(f"{tmp_path}/dump-*")
    tree = walked(tmp_path, criteria(folders=False), pattern=parsed, keep=2)
    assert names(tree) == {"dump-0", "dump-1", "dump-2", "dump-3"}
    assert tree.left == {"among the newest": 2}
