"""Every key of the console in one table: the key bar, the help, the palette and the user's `[keys]` come from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from perftui.core.errors import ConfigError
from perftui.core.text import clean, did_you_mean


@dataclass(frozen=True)
class Binding:
    """One thing a key does. `id` is its name for the user's `[keys]` and for commands, `group` its place in the help.

    `panes` are those on which the key bar shows it first; `bar` is its word there, empty for none. One without keys is
    a command alone, until the user gives it one.
    """

    id: str
    keys: tuple[str, ...]
    help: str
    group: str
    bar: str = ""
    panes: tuple[str, ...] = ()


BINDINGS: tuple[Binding, ...] = (
    Binding("cleanup", ("c",), "clean up or invalidate: memory, keys, jobs, files", "Remedies", "cleanup"),
    Binding("warm", ("w",), "warm caches and the CDN", "Remedies", "warm"),
    Binding("scale", ("s",), "services and workers: start, restart, scale, limit", "Remedies", "scale"),
    Binding("optimise", ("o",), "health report, optimise, tune memory and eviction", "Remedies", "optimise"),
    Binding("undo", ("u",), "take back the newest action that can be undone", "Remedies", "undo"),
    Binding("renice-up", ("f7",), "more priority for the selected process", "Remedies", "nice -", ("processes",)),
    Binding("renice-down", ("f8",), "less priority for the selected process", "Remedies", "nice +", ("processes",)),
    Binding("signal", ("f9",), "send the selected process a signal", "Remedies", "signal", ("processes",)),
    Binding("poll", ("r",), "probe the selected source now", "Remedies"),
    Binding("ack", ("a",), "acknowledge the selected alert, or take that back", "Remedies", "ack", ("alerts",)),
    Binding("silence", ("m",), "silence the selected alert, or end a silence", "Remedies", "silence", ("alerts",)),
    Binding("filter-severity", ("v",), "alerts: the next severity", "Looking", "severity", ("alerts",)),
    Binding("filter-state", ("e",), "alerts: the next state", "Looking", "state", ("alerts",)),
    Binding("filter-source", ("n",), "alerts: the next source", "Looking", "source", ("alerts",)),
    Binding("threshold", (), "change the levels of the selected alert's rule", "Remedies"),
    Binding("copy", ("Y",), "copy the selected row as Markdown, an alert with all about it", "Looking"),
    Binding("handover", (), "write the hand-over for the next shift, and copy it", "Looking"),
    Binding("up", ("up", "k"), "one row up", "Moving"),
    Binding("down", ("down", "j"), "one row down", "Moving"),
    Binding("page-up", ("pageup",), "a page up", "Moving"),
    Binding("page-down", ("pagedown",), "a page down", "Moving"),
    Binding("first", ("g", "home"), "the first row", "Moving"),
    Binding("last", ("G", "end"), "the last row", "Moving"),
    Binding("next-pane", ("tab", "right"), "the next pane", "Moving", "pane"),
    Binding("previous-pane", ("shift+tab", "left"), "the pane before", "Moving"),
    Binding("open", ("enter",), "more of the selected row; of an alert, its remedies", "Moving", "more"),
    Binding("details", ("d",), "every figure of the selected row", "Moving"),
    Binding("back", ("escape",), "one step back; never quits", "Moving"),
    Binding("filter", ("slash",), "show only rows with some text", "Looking", "filter"),
    Binding("maximise", ("f",), "this pane alone, and back", "Looking", "maximise"),
    Binding("pause", ("p",), "hold the picture still; the polling goes on", "Looking", "pause"),
    Binding("sort-cpu", ("P",), "sort processes by CPU", "Looking", "cpu", ("processes",)),
    Binding("sort-memory", ("M",), "sort processes by memory", "Looking", "memory", ("processes",)),
    Binding("sort-time", ("T",), "sort processes by the CPU time they have used", "Looking", "time", ("processes",)),
    Binding("sort-next", ("f6",), "sort processes by the next column: CPU, memory, time, age", "Looking"),
    Binding("invert", ("I",), "turn the order of processes round", "Looking", "invert", ("processes",)),
    Binding("overview", ("1",), "the overview", "Screens"),
    Binding("host", ("2",), "this host with its processes", "Screens", "host"),
    Binding("queues", ("3",), "the queues", "Screens"),
    Binding("caches", ("4",), "the caches", "Screens"),
    Binding("databases", ("5",), "the databases", "Screens"),
    Binding("services", ("6",), "the services, and the HTTP endpoints", "Screens"),
    Binding("endpoints", (), "the HTTP endpoints", "Screens"),
    Binding("alerts", ("8",), "all alerts", "Screens"),
    Binding("actions", ("9",), "the actions: who did what, and what proved it", "Screens"),
    Binding("commands", ("colon", "ctrl+k"), "find any command by a few letters", "Console", "command"),
    Binding("help", ("question_mark", "h", "f1"), "this page", "Console", "help"),
    Binding("settings", ("f2",), "choose a theme, change the thresholds of alerts", "Console"),
    Binding("reload", ("ctrl+r",), "read the configuration again", "Console"),
    Binding("suspend", ("ctrl+z",), "to the shell; fg comes back", "Console"),
    Binding("quit", ("q",), "quit", "Console", "quit"),
)
GROUPS = ("Remedies", "Moving", "Looking", "Screens", "Console")
FIXED = frozenset({"suspend"})
FORBIDDEN = {
    "ctrl+c": "it always quits",
    "ctrl+z": "it always suspends",
    "ctrl+s": "terminals stop their output on it",
    "ctrl+q": "terminals start their output on it",
    "ctrl+a": "screen uses it",
    "ctrl+b": "tmux uses it",
    "ctrl+d": "it ends shells",
    "ctrl+h": "terminals send it for backspace",
    "ctrl+i": "it is tab",
    "ctrl+j": "it is enter",
    "ctrl+m": "it is enter",
}
_SYMBOLS = {
    "slash": "/", "colon": ":", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]",
    "comma": ",", "full_stop": ".", "semicolon": ";", "minus": "-", "plus": "+", "equals_sign": "=", "space": "space",
    "escape": "esc", "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip
_NAMES = {symbol: name for name, symbol in _SYMBOLS.items()} | {"return": "enter", "esc": "escape"}
_KEY = re.compile(
    r"(ctrl\+[a-z]|f([1-9]|1[0-2])|[A-Za-z0-9]|tab|shift\+tab|enter|escape|space|home|end|insert|delete|backspace"
    r"|up|down|left|right|pageup|pagedown|slash|colon|question_mark|left_square_bracket|right_square_bracket"
    r"|comma|full_stop|semicolon|minus|plus|equals_sign)"
)


def shown(key: str) -> str:
    """Return a key as it is written on the screen: `/` for `slash`, `F2` for `f2`."""
    if re.fullmatch(r"f\d+", key):
        return key.upper()
    return _SYMBOLS.get(key, key)


class Keymap:
    """The table with the user's changes: what a key does, and how each binding is reached."""

    def __init__(self, changes: Mapping[str, str] | None = None) -> None:
        self.bindings = tuple(_changed(changes or {}))
        self._by_key = _by_key(self.bindings, changes or {})

    def find(self, key: str) -> str | None:
        """Return the id of what a key does."""
        return self._by_key.get(key)

    def key_of(self, id: str) -> str:
        """Return the first key of a binding, as it is written on the screen; empty where it has none."""
        return next("".join(map(shown, binding.keys[:1])) for binding in self.bindings if binding.id == id)


def _changed(changes: Mapping[str, str]) -> list[Binding]:
    known = {binding.id for binding in BINDINGS}
    for id in changes:
        if id not in known or id in FIXED:
            names = sorted(known - FIXED)
            hint = did_you_mean(id, names) or "there are " + ", ".join(names)
            raise ConfigError(f'[keys]: nothing is called "{clean(id, 40)}"; {hint}')
    return [
        replace(binding, keys=tuple(_parse(binding.id, part) for part in changes[binding.id].split(",")))
        if binding.id in changes
        else binding
        for binding in BINDINGS
    ]


def _parse(id: str, text: str) -> str:
    key = text.strip()
    key = _NAMES.get(key, key)
    if key.lower() in FORBIDDEN:
        raise ConfigError(f"[keys] {id}: {key.lower()} cannot be used: {FORBIDDEN[key.lower()]}")
    key = key if len(key) == 1 else key.lower()
    if not _KEY.fullmatch(key):
        raise ConfigError(f'[keys] {id}: "{clean(text.strip(), 40)}" is not a key such as "x", "f5", "ctrl+k" or "/"')
    return key


def _by_key(bindings: tuple[Binding, ...], changes: Mapping[str, str]) -> dict[str, str]:
    """Return key -> id. A key that the user gave to a binding is taken from no other: a conflict is refused."""
    found: dict[str, str] = {}
    for binding in bindings:
        for key in binding.keys:
            if key in found:
                mine, other = (binding.id, found[key]) if binding.id in changes else (found[key], binding.id)
                raise ConfigError(
                    f"[keys] {mine}: {shown(key)} is already the key of {other}; give {other} another one"
                )
            found[key] = binding.id
    return found
