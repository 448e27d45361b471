"""What the tables for actions lean on: the sources that are there, the file's mode, and where problems go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perftui.config.decode import Problems, Where
from perftui.config.settings import SourceSettings
from perftui.core.text import did_you_mean


@dataclass(frozen=True)
class Surroundings:
    """The sources that are right, the names of all that are written, and whether further ones will be discovered."""

    sources: Mapping[str, SourceSettings]
    written: frozenset[str]
    discover: bool
    mode: int
    problems: Problems

    def check_source(self, key: str, name: str, kinds: tuple[str, ...], where: Where) -> None:
        """Add a problem unless `name` is a source of one of these kinds (any where there are none), or may become one.

        What is written and wrong is told of by itself already.
        """
        source = self.sources.get(name)
        wanted = " or ".join(kinds)
        if source is not None and kinds and source.kind not in kinds:
            self.problems.add(where, f'{key}: "{name}" is a source of kind {source.kind}; name one of kind {wanted}')
        elif source is None and name not in self.written and not self.discover:
            alike = [each.name for each in self.sources.values() if not kinds or each.kind in kinds]
            hint = did_you_mean(name, alike) or f"write [sources.{name or 'NAME'}], or discover = true"
            self.problems.add(where, f'{key}: there is no source "{name}"; {hint}')


def surroundings(
    document: Mapping[str, Any], sources: tuple[SourceSettings, ...], mode: int, problems: Problems, *, discover: bool
) -> Surroundings:
    """Return what the file `document` gives the tables for actions to lean on."""
    tables = document.get("sources")
    written = frozenset(tables) if isinstance(tables, dict) else frozenset[str]()
    return Surroundings({source.name: source for source in sources}, written, discover, mode, problems)
