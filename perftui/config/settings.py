"""The typed settings that the rest of perftui sees; `load` makes them from perftui.toml."""

from typing import Any

import msgspec

from perftui.config.kinds import Options
from perftui.config.notify import Route
from perftui.config.remedies import ActionRules, CdnHook, FileRule, Runbook, ScaleGroup, WarmRecipe


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One source, checked: `options` is the struct of its kind; `discovered` when nobody configured it."""

    name: str
    kind: str
    options: Options
    interval: float = 1.0
    timeout: float | None = None
    production: bool = False
    read_only: bool = False
    discovered: bool = False
    address: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that perftui.toml says, with defaults for what it does not.

    `rules` and `inhibitions` are the tables as they are written: what they mean is known further up.
    """

    sources: tuple[SourceSettings, ...] = ()
    interval: float = 1.0
    discover: bool = True
    read_only: bool = False
    theme: str = "dark"
    ascii: bool = False
    bell: bool = True
    keys: dict[str, str] = {}
    rules: tuple[dict[str, Any], ...] = ()
    inhibitions: tuple[dict[str, Any], ...] = ()
    notify: dict[str, Route] = {}
    actions: ActionRules = ActionRules()
    warm: dict[str, WarmRecipe] = {}
    files: dict[str, FileRule] = {}
    scale: dict[str, ScaleGroup] = {}
    cdn: dict[str, CdnHook] = {}
    runbooks: dict[str, Runbook] = {}
    path: str = ""
    digest: str = ""
