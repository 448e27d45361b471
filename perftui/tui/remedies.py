"""What can be done, as pickers: of a key, on the selected row, against an alert, and what can be undone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from perftui.client.state import State
from perftui.core.action import Offer, Run
from perftui.core.alert import Alert
from perftui.core.errors import PerftuiError, RequestFailed
from perftui.core.wire import METHOD_NOT_FOUND
from perftui.tui import applying
from perftui.tui.dialogs.picker import Choice, Picker
from perftui.tui.nothing import nothing_against, nothing_for
from perftui.tui.panes.alert_words import is_over, summary_of
from perftui.tui.panes.content import Row
from perftui.tui.panes.processes import fact_of, process_name
from perftui.tui.panes.runs import can_undo
from perftui.tui.panes.state_words import clock_time

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

READ_ONLY = "read-only: nothing can be changed from here"
_NO_PROCESS = "choose a process first: its pid says what is meant"
_NO_NAMES = ("kind", "nice", "started")
"""Parameters that name nothing."""
_VERBS = {"c": "Clean up", "w": "Warm", "s": "Services", "o": "Optimise", "f7": "Renice", "f9": "Signal"}


@dataclass(frozen=True)
class Context:
    """What a key was pressed on: a source, parameters that its row stands for, and the alert of it."""

    source: str = ""
    params: dict[str, str] = field(default_factory=dict)
    alert: Alert | None = None

    @property
    def words(self) -> str:
        """Return what it is in a few words."""
        subject = " ".join(text for name, text in self.params.items() if name not in _NO_NAMES)
        return f"{self.source} {subject}".strip()

    def is_served(self, offer: Offer) -> bool:
        """Return whether an offer is for this: on its source, or on something else that serves it (its workers)."""
        return bool(self.source) and (
            offer.target == self.source or bool({self.source, *self.things} & {*offer.serves})
        )

    @property
    def things(self) -> frozenset[str]:
        """The names of what the row stands for, beside its source."""
        return frozenset(text for name, text in self.params.items() if name not in _NO_NAMES)


def choose(app: "PerftuiApp", key: str, row: Row | None, params: dict[str, str] | None = None) -> None:
    """Open the picker of a key: first what can be done with the row, then the same elsewhere."""
    if app.is_read_only:
        app.say(READ_ONLY)
        return
    context = context_of(app, row)
    context = replace(context, params=context.params | (params or {}))
    verb = _VERBS.get(key, "Remedies")
    where = _named(app, context)
    picker = _picker(app, f"{verb}: {where}" if where else verb, context)
    app.start(_fill(app, picker, _of_key(app, key, context), _nothing(app, key, context)), "offers")


def signal(app: "PerftuiApp", row: Row | None) -> None:
    """Open the picker for signals to a process, or to those that hold what an alert or the host is about."""
    context = context_of(app, row)
    status = app.client.state.sources.get(context.source)
    is_host = status is not None and status.kind == "system"
    if app.is_read_only or "pid" in context.params or context.alert is not None or is_host:
        choose(app, "f9", row)
    else:
        app.say(_NO_PROCESS)


def renice(app: "PerftuiApp", row: Row | None, by: int) -> None:
    """Open the picker for the priority of a process: F7 raises it, which lowers its nice value."""
    context = context_of(app, row)
    if not app.is_read_only and "pid" not in context.params:
        app.say(_NO_PROCESS)
        return
    nice = _nice(app.client.state, context)
    choose(app, "f7", row, {} if nice is None else {"nice": str(max(-20, min(19, nice + by)))})


def of_alert(app: "PerftuiApp", row: Row, alert: Alert, details: Callable[[], None]) -> None:
    """Open what can be done against an alert; where that is nothing, why, and the way to its `details`."""
    title = f"Remedies for {alert.source}: {summary_of(alert) or alert.rule}"
    picker = _picker(app, title, context_of(app, row), against=True, details=details)
    if app.is_read_only or is_over(alert):
        picker.show((), READ_ONLY if app.is_read_only else "it is over: there is nothing left to remedy")
        app.draw()
    else:
        app.start(_fill(app, picker, _against(app, alert), nothing_against(alert)), "offers")


def undo(app: "PerftuiApp", row: Row | None) -> None:
    """Preview what takes back the selected action, or else the newest; with several of them, let choose."""
    if app.is_read_only:
        app.say(READ_ONLY)
        return
    runs = [run for run in app.client.state.runs if can_undo(run)]
    if row is not None and row.run:
        applying.undo(app, row.run)
    elif not runs:
        app.say("there is nothing that can be undone")
    elif len(runs) == 1:
        applying.undo(app, runs[0].plan.id)
    else:
        _choose_run(app, sorted(runs, key=lambda run: -run.started))


def context_of(app: "PerftuiApp", row: Row | None) -> Context:
    """Return what a row stands for; the processes are those of the host."""
    if row is None:
        return Context()
    params = dict(row.params)
    if row.alert is not None:
        params = dict(row.alert.attributes) | params
    source = row.source
    if not source and "pid" in params:
        source = next((each.name for each in app.client.state.sources_of("system")), "")
    return Context(source, params, row.alert)


def _picker(
    app: "PerftuiApp",
    title: str,
    context: Context,
    *,
    against: bool = False,
    details: Callable[[], None] | None = None,
) -> Picker:
    """Open a picker; `against`: all that it offers is against the alert, wherever it is done."""
    infos = {info.id: info for info in app.client.state.actions}

    def chosen(offer: Offer) -> None:
        alert = context.alert.key if context.alert is not None and (against or context.is_served(offer)) else ""
        applying.begin(app, offer, infos.get(offer.action), alert, picker)

    picker = Picker(title, chosen, details)
    app.open(picker)
    return picker


async def _fill(app: "PerftuiApp", picker: Picker, asking: Awaitable[list[Choice]], nothing: str) -> None:
    try:
        choices = await asking
    except PerftuiError as error:
        picker.show((), refusal_of(app, error))
    else:
        picker.show(choices, nothing)
    app.draw()


async def _of_key(app: "PerftuiApp", key: str, context: Context) -> list[Choice]:
    """Return what the picker of a key offers: on the row's own source first, then the rest of it elsewhere."""
    if not context.source:
        return _choices(app, await _offers(app, key))
    here, everywhere = await asyncio.gather(_offers(app, key, context), _offers(app, key))
    others = [offer for offer in everywhere if not any(_covers(each, offer) for each in here)]
    serving = [offer for offer in others if offer.target != context.source and context.is_served(offer)]
    here = [*serving, *here]
    others = [] if "pid" in context.params else [offer for offer in others if offer not in serving]
    where = _named(app, context)
    own = f"on {where}" if others else ""
    elsewhere = "elsewhere" if here else f"{_nothing(app, key, context)}. Elsewhere:"
    return [*_choices(app, here, own), *_choices(app, others, elsewhere)]


async def _offers(app: "PerftuiApp", key: str, context: Context | None = None) -> Sequence[Offer]:
    """Return the offers of a key; F7 and F8 share theirs."""
    source, params = (context.source, context.params) if context is not None else ("", {})
    found = [await app.client.offers(key=each, source=source, params=params) for each in _KEYS.get(key, (key,))]
    return [offer for offers in found for offer in offers]


_KEYS = {"f7": ("f7", "f8")}


async def _against(app: "PerftuiApp", alert: Alert) -> list[Choice]:
    return _choices(app, await app.client.offers(alert=alert.key))


def _covers(first: Offer, other: Offer) -> bool:
    """Return whether `first` is what `other` offers, with the same parameters or more of them."""
    same = (first.action, first.target) == (other.action, other.target)
    return same and other.params.items() <= first.params.items()


def _choices(app: "PerftuiApp", offers: Sequence[Offer], group: str = "") -> list[Choice]:
    subjects = {info.id: info.subject for info in app.client.state.actions}
    sources = app.client.state.sources
    return [
        Choice(
            offer,
            group,
            production=offer.target in sources and sources[offer.target].production,
            subject=_subject(app, offer, subjects.get(offer.action, "")),
        )
        for offer in offers
    ]


def _nothing(app: "PerftuiApp", key: str, context: Context) -> str:
    status = app.client.state.sources.get(context.source)
    kind = "" if status is None else status.kind
    return nothing_for(key, _named(app, context), kind, context.params.get("queue", ""))


def _subject(app: "PerftuiApp", offer: Offer, name: str) -> str:
    """Return what an offer works on within its target; a process by its name, too."""
    subject = offer.params.get(name, "")
    process = process_name(app.client.state, offer.target, subject) if name == "pid" else ""
    return f"{process} {subject}".strip()


def _named(app: "PerftuiApp", context: Context) -> str:
    """Return what a key was pressed on; a process by its name, too."""
    name = process_name(app.client.state, context.source, context.params.get("pid", ""))
    return f"{context.words} {name}".strip()


def refusal_of(app: "PerftuiApp", error: PerftuiError) -> str:
    """Return an error in words; of an agent that does not know the method, that it is too old."""
    if isinstance(error, RequestFailed) and error.code == METHOD_NOT_FOUND:
        welcome = app.client.state.welcome
        which = f" (perftui {welcome.version}, pid {welcome.pid})" if welcome is not None else ""
        return f"The agent{which} is too old for this: end it, and start perftui again."
    return str(error)


def _nice(state: State, context: Context) -> int | None:
    """Return the nice value of a process, where the table of processes has it."""
    value = fact_of(state, context.source, context.params.get("pid", ""), "nice")
    return int(value) if isinstance(value, (int, float)) else None


def _choose_run(app: "PerftuiApp", runs: Sequence[Run]) -> None:
    """Let choose which of several actions is taken back, the newest first."""
    picker = Picker("Undo", lambda offer: applying.undo(app, offer.params["plan"], picker))
    picker.show([Choice(_undo_offer(run)) for run in runs], "")
    app.open(picker)


def _undo_offer(run: Run) -> Offer:
    title = run.undo.title if run.undo is not None and run.undo.title else f"take back: {run.plan.title}"
    note = f"{run.plan.title}, {clock_time(run.started)} UTC"
    params = {"plan": run.plan.id}
    return Offer(
        action=run.plan.action, target=run.plan.target, title=title, params=params, risk=run.plan.risk, note=note
    )
