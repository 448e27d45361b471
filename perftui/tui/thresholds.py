"""The levels at which alerts fire: listed, and changed by the agent, which checks them and writes them to its file."""

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, RuleInfo
from perftui.core.errors import PerftuiError
from perftui.core.reading import Sample
from perftui.core.series import SeriesId
from perftui.tui.dialogs.fields import columns, field
from perftui.tui.dialogs.form import Entry, Form
from perftui.tui.dialogs.menu import Item, Menu
from perftui.tui.panes.alert_words import level_of, series_of, value_of
from perftui.tui.panes.content import Row
from perftui.tui.panes.state_words import quantity
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, join, left

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

_GLYPHS = {"warning": glyphs.WARNING, "critical": glyphs.CRITICAL, "info": glyphs.OK}
"""The levels, in their order in the form, and how the list marks them."""
_MOST_VALUES = 4
_LEVEL_HINT = 'such as 80%, 10/min, 30s or 5; empty: the default again; "off": none'
_HINTS = {
    "clear": "it ends only on the good side of this; " + _LEVEL_HINT,
    "for": "how long it must last before it fires, such as 30s or 5m; empty: the default again",
    "enabled": "off: it never fires",
}


class Rules(Menu):
    """The list of the rules: wide enough for their figures."""

    wanted = 116


def choose(app: "PerftuiApp", at: str = "") -> None:
    """List the rules, as the agent has them now; Enter changes one, where that is allowed."""
    app.start(_list(app, at), "rules")


def edit_of_alert(app: "PerftuiApp", row: Row | None) -> None:
    """Change the rule of an alert."""
    alert = None if row is None else row.folded[0] if row.folded else row.alert
    if alert is None:
        app.say("select an alert first")
    elif refusal := _refusal(app):
        app.say(refusal)
    else:
        app.start(_edit_of(app, alert), "rules")


async def _list(app: "PerftuiApp", at: str) -> None:
    rules = {rule.name: rule for rule in await _rules(app)}
    if not rules:
        return
    refusal = _refusal(app)

    def edit(name: str) -> None:
        if refusal:
            app.say(refusal)
        else:
            _open_form(app, rules[name], None, back=lambda: choose(app, name))

    title = f"Thresholds: {refusal}" if refusal else "Thresholds"
    app.open(Rules(title, [_item(rule) for rule in rules.values()], edit, at=at, verb="change"))


async def _edit_of(app: "PerftuiApp", alert: Alert) -> None:
    rules = await _rules(app)
    rule = next((each for each in rules if each.name == alert.rule), None)
    if rule is not None:
        _open_form(app, rule, alert)
    elif rules:
        app.say(f"the agent has no rule {alert.rule} any more")


async def _rules(app: "PerftuiApp") -> tuple[RuleInfo, ...]:
    """Return the agent's rules; none, with the reason in the key bar, where it does not tell them."""
    try:
        return await app.client.rules()
    except PerftuiError as error:
        app.say(str(error))
        return ()


def _refusal(app: "PerftuiApp") -> str:
    """Return why nothing can be changed; empty where it can."""
    welcome = app.client.state.welcome
    if app.is_read_only:
        return "read-only: nothing can be changed from here"
    if welcome is not None and welcome.role not in ("", "admin"):
        return f"a {welcome.role} may look at thresholds and not change them"
    return ""


def _item(rule: RuleInfo) -> Item:
    state = "" if rule.enabled else "off"
    marks = " ".join(filter(None, [state, "changed" if rule.changed else ""]))
    levels = " ".join(f"{_GLYPHS[name]} {_spaced(text)}" for name, text in _levels(rule).items() if text)
    role = "text" if rule.enabled else "dim"
    line: Line = [
        (left(rule.name, 29) + " ", role),
        (left(marks, 11) + " ", "warning" if state else "accent"),
        (left(f"{rule.direction} {levels}".rstrip(), 28) + " ", role),
        (left(f"for {rule.hold}", 9) + " ", "dim"),
        (rule.metric, "dim"),
    ]
    return Item(rule.name, f"{rule.name} {rule.metric} {marks} {rule.summary}", line)


def _levels(rule: RuleInfo) -> dict[str, str]:
    """Return the levels that a rule has or may have: one that waits for what does not come has none."""
    return {} if rule.direction == "absent" else {name: getattr(rule, name) for name in _GLYPHS}


def _entries(rule: RuleInfo) -> list[Entry]:
    levels = [Entry(name, name, text, _LEVEL_HINT) for name, text in _levels(rule).items()]
    clear = [Entry("clear", "clear", rule.clear, _HINTS["clear"])] if levels else []
    hold = Entry("for", "for", rule.hold, _HINTS["for"])
    switch = Entry("enabled", "enabled", "on" if rule.enabled else "off", _HINTS["enabled"], ("on", "off"))
    return [*levels, *clear, hold, switch]


def _open_form(app: "PerftuiApp", rule: RuleInfo, alert: Alert | None, back: Callable[[], None] | None = None) -> None:
    def save(changes: dict[str, str]) -> None:
        app.start(_save(app, form, rule, changes), f"rule {rule.name}")

    form = Form(f"Threshold: {rule.name}", lambda cells: _head(app, rule, alert, cells), _entries(rule), save, back)
    app.open(form)


async def _save(app: "PerftuiApp", form: Form, rule: RuleInfo, changes: dict[str, str]) -> None:
    """Let the agent take it; what it refuses is told in the form, or in the key bar when that was left meanwhile."""
    switch = {"on": "true", "off": "false"}
    wanted = {key: switch[text] if key == "enabled" else text for key, text in changes.items()}
    try:
        now = await app.client.set_rule(rule.name, wanted)
    except PerftuiError as error:
        form.refuse(str(error))
        if form.closed:
            app.say(f"{rule.name} was not changed: {error}")
        app.draw()
        return
    form.closed = True
    app.close_finished()
    app.say(f"{rule.name}: {_told(rule, now, changes)}, written to {_file(app, 'perftui.toml').name}")


def _told(before: RuleInfo, now: RuleInfo, changes: dict[str, str]) -> str:
    """Return what is in force now of what was asked for."""
    old, new = ({entry.key: entry.text for entry in _entries(rule)} for rule in (before, now))
    told = []
    for key in changes:
        was, became = (_spaced(texts.get(key, "")) or "none" for texts in (old, new))
        told.append(f"{key} {was} → {became}" if was != became else f"{key} stays {became}")
    return ", ".join(told)


def _head(app: "PerftuiApp", rule: RuleInfo, alert: Alert | None, cells: int) -> list[Line]:
    state = app.client.state
    facts = [
        field("looks at", rule.why or rule.metric),
        *([field("says", rule.summary)] if rule.summary else []),
        *([("this alert", join([value_of(state, alert, "text"), level_of(state, alert)], " "))] if alert else []),
        ("now", _values(state, rule, alert)),
        *([field("fires", f"{rule.direction} a level")] if _levels(rule) else []),
        field("set in", rule.origin or units.MISSING),
        field("written to", str(_file(app, "perftui.toml of the agent"))),
    ]
    return columns(facts, cells)


def _file(app: "PerftuiApp", unknown: str) -> PurePath:
    """Return the agent's file, which may lie on another host."""
    welcome = app.client.state.welcome
    return PurePath(welcome.config_path if welcome is not None and welcome.config_path else unknown)


def _values(state: State, rule: RuleInfo, alert: Alert | None) -> Line:
    """Return the latest values of the rule's metric, of this alert alone or else the worst first."""
    found = [
        (SeriesId(name, sample.metric, sample.attributes), sample)
        for name in sorted(state.readings)
        for sample in state.samples(name, rule.metric)
        if alert is None or SeriesId(name, sample.metric, sample.attributes) == series_of(alert)
    ]
    if not found:
        return [(units.MISSING, "dim")]
    found.sort(key=lambda each: each[1].value, reverse=rule.direction != "below")
    parts = [_value(state, series, sample) for series, sample in found[:_MOST_VALUES]]
    more = len(found) - _MOST_VALUES
    return join([*parts, [(f"and {more} more", "dim")] if more > 0 else []])


def _value(state: State, series: SeriesId, sample: Sample) -> Line:
    labels = " ".join([series.source, *(value for name, value in series.attributes if name != "kind")])
    stale: Line = [(" stale", "stale")] if state.is_stale(series.source) else []
    return [(f"{labels} ", "dim"), *quantity(state, series.source, series.metric, sample.value), *stale]


def _spaced(text: str) -> str:
    """Return a figure as it is read: `75 %` for what is typed as `75%`."""
    return text.replace("%", " %")
