"""Absolute file patterns, matched name by name while folders are walked: `*` stays within a name, `**` is any depth.

As in a shell, a leading dot is matched only by a dot.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple

ANY_DEPTH = "**"
_WILD = frozenset("*?[")
_NEVER = ("/proc", "/sys", "/dev", "/boot", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64")

Places = frozenset[int]
"""How far into the pattern a folder may be: indices of the next part to match."""


class Pattern(NamedTuple):
    """A pattern in two: `base`, the folder without wildcards that a walk starts from, and `parts` from there on."""

    text: str
    base: str
    parts: tuple[str, ...]

    @property
    def start(self) -> Places:
        """The places of the base itself."""
        return frozenset((0,))

    def enter(self, places: Places, name: str) -> Places:
        """Return the places within a folder of this name; empty when nothing in it can match."""
        return frozenset(
            each if self.parts[each] == ANY_DEPTH else each + 1
            for each in self._open(places)
            if each < len(self.parts) and _fits(name, self.parts[each])
        )

    def matches(self, places: Places, name: str) -> bool:
        """Return whether a file of this name matches the whole pattern."""
        return len(self.parts) in self._open(self.enter(places, name))

    @property
    def regex(self) -> str:
        """The same as a POSIX extended regular expression, for `find -regex`."""
        return _escaped(self.base) + "".join(_expression(part) for part in self.parts[:-1]) + _last(self.parts[-1])

    def _open(self, places: Places) -> Places:
        """Add the places behind each `**`, which may stand for no folder at all."""
        found = set(places)
        for each in sorted(places):
            while each < len(self.parts) and self.parts[each] == ANY_DEPTH:
                each += 1
                found.add(each)
        return frozenset(found)


def parse_pattern(text: str) -> Pattern:
    """Return a pattern. Raises ValueError, which says what is wrong with it."""
    parts = tuple(text.split("/")[1:])
    if not text.startswith("/"):
        raise ValueError("it does not start with /")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("it has an empty part, . or .. in it")
    fixed = next((index for index, part in enumerate(parts[:-1]) if _WILD & set(part)), len(parts) - 1)
    base, rest = "/" + "/".join(parts[:fixed]), parts[fixed:]
    if fixed == 0 or (fixed == 1 and rest[0] == ANY_DEPTH):
        raise ValueError("it reaches too far: name the folder more closely")
    if any(base == each or base.startswith(each + "/") for each in _NEVER):
        raise ValueError(f"files below {base} are the system's own")
    return Pattern(text, base, rest)


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return part == ANY_DEPTH or fnmatchcase(name, part)


def _last(part: str) -> str:
    return "(/[^./][^/]*)+" if part == ANY_DEPTH else _expression(part)


def _expression(part: str) -> str:
    """Return one part with the slash before it; a wildcard that leads matches no dot."""
    if part == ANY_DEPTH:
        return "(/[^./][^/]*)*"
    found, rest = "/", part
    if part[0] in "*?":
        found += "([^./][^/]*)?" if part[0] == "*" else "[^./]"
        rest = part[1:]
        if part[0] == "*" and rest:
            # what follows may begin with a dot only behind something
            return found + _wild(rest) if not rest.startswith((".", "*", "?", "[")) else f"/[^./][^/]*{_wild(rest)}"
    return found + _wild(rest)


def _wild(text: str) -> str:
    found, index = "", 0
    while index < len(text):
        end = text.find("]", index + 2)
        if text[index] == "[" and end > 0:
            found += text[index : end + 1].replace("[!", "[^", 1)
            index = end
        else:
            found += {"*": "[^/]*", "?": "[^/]"}.get(text[index]) or _escaped(text[index])
        index += 1
    return found


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in r".^$*+?()[]{}|\\" else each for each in text)
