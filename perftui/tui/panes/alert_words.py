"""What is said of one alert: its figures, its mark, how long, what became of it."""

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, AlertState, Severity, Stage
from perftui.core.series import SeriesId
from perftui.tui.panes.state_words import quantity, severity_role
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, Span

_GLYPHS = {Severity.CRITICAL: glyphs.CRITICAL, Severity.WARNING: glyphs.WARNING, Severity.INFO: glyphs.OK}


def series_of(alert: Alert) -> SeriesId:
    """Return the series that an alert is about."""
    return SeriesId(alert.source, alert.metric, alert.attributes)


def remedy_words(state: State, remedy: str) -> str:
    """Return a remedy of a rule (`cache.warm:hot-users`) in words: the title of its action, and what of it."""
    action, _, subject = remedy.partition(":")
    title = next((each.title for each in state.actions if each.id == action), action)
    return f"{title}: {subject}" if subject else title


def offer_words(state: State, remedy: str) -> str:
    """Return what Enter offers: the remedy by its title where it needs no subject, else that there may be some.

    Whether there is a group or recipe for what an alert is about, only the agent can tell, once it is asked.
    """
    action, _, subject = remedy.partition(":")
    known = next((each for each in state.actions if each.id == action), None)
    return "remedies" if known is None or known.subject or subject else known.title


def is_over(alert: Alert) -> bool:
    """Return whether it has ended, resolved or lost from sight."""
    return alert.resolved_at is not None or alert.state is AlertState.RESOLVED


def is_loud(alert: Alert) -> bool:
    """Return whether it fires and nothing holds it back."""
    return not alert.mutes and alert.state is not AlertState.PENDING and not is_over(alert)


def is_calm(alert: Alert) -> bool:
    """Return whether its row is dim: it ended, is held back, or does not fire yet."""
    return not is_loud(alert)


def states_of(alert: Alert) -> frozenset[str]:
    """Return every word for where an alert stands: what `state:` in a filter knows."""
    if is_over(alert):
        return frozenset({"ended", "resolved" if alert.state is AlertState.RESOLVED else "lost"})
    if alert.state is AlertState.PENDING:
        return frozenset({"pending"})
    words = {"firing", *("silenced" if mute.stage is Stage.SILENCE else "inhibited" for mute in alert.mutes)}
    if alert.mutes:
        words.add("muted")
    words.add("acked" if alert.ack is not None else "unacked")
    return frozenset(words | ({"unknown"} if alert.state is AlertState.UNKNOWN else set()))


def word_of(alert: Alert) -> str:
    """Return the one word for it in the column of severities."""
    if is_over(alert):
        return "resolved" if alert.state is AlertState.RESOLVED else "lost"
    return "pending" if alert.state is AlertState.PENDING else alert.severity.value


def role_of(alert: Alert) -> str:
    """Return the role of its row: its severity where it calls somebody, else dim."""
    return severity_role(alert) if is_loud(alert) else "dim"


def mark_of(alert: Alert) -> Span:
    """Return its glyph: ended, not firing yet, held back, taken care of, out of sight, or else its severity."""
    if is_over(alert):
        return (glyphs.OK, "ok") if alert.state is AlertState.RESOLVED else (glyphs.STALE, "dim")
    if alert.state is AlertState.PENDING:
        return glyphs.PENDING, "dim"
    if alert.mutes:
        return glyphs.PAUSED, "dim"
    if alert.ack is not None:
        return glyphs.ACKED, severity_role(alert)
    return glyphs.UNKNOWN if alert.state is AlertState.UNKNOWN else _GLYPHS[alert.severity], role_of(alert)


def value_of(state: State, alert: Alert, role: str = "dim") -> Line:
    """Return its value, in the rule's own words where it has some: the unit may not be the metric's."""
    if alert.value_text:
        return [(alert.value_text, role)]
    return quantity(state, alert.source, alert.metric, alert.value, role)


def level_of(state: State, alert: Alert, role: str = "dim") -> Line:
    """Return the level that it passed, with the direction; nothing where it has none."""
    if not alert.level_text and alert.level is None:
        return []
    level: Line = [(alert.level_text, role)] if alert.level_text else []
    return [
        (f"{alert.direction} ", "dim"),
        *(level or quantity(state, alert.source, alert.metric, alert.level, role)),
    ]


def name_of(alert: Alert) -> str:
    """Return what it is about where its rule has no words: the metric and which one."""
    return " ".join([alert.metric, instance_of(alert)]).rstrip()


def summary_of(alert: Alert) -> str:
    """Return the words of its rule, in the past tense where it fires and is well by now; empty where it has none."""
    return f"was: {alert.summary}" if alert.summary and is_well(alert) else alert.summary


def is_well(alert: Alert) -> bool:
    """Return whether it still fires though its value is well by now."""
    return alert.well_since is not None and not is_over(alert) and alert.state is not AlertState.PENDING


def until_firing(state: State, alert: Alert) -> float:
    """Return the seconds until a pending alert fires, if it stays as it is."""
    return alert.hold - max(0.0, state.now - (state.now if alert.began is None else alert.began))


def instance_of(alert: Alert) -> str:
    """Return what tells it from the others of its rule on its source."""
    return " ".join(value for name, value in alert.attributes if name != "kind")


def standing(state: State, alert: Alert) -> str:
    """Return what became of an alert: held back, taken care of, out of sight, about to clear."""
    words = [] if is_over(alert) else [mute.reason for mute in alert.mutes]
    if alert.ack is not None:
        words.append(f"acked by {alert.ack.author}{': ' if alert.ack.note else ''}{alert.ack.note}")
    if is_over(alert) or alert.state is AlertState.PENDING:
        return "  ".join(words)
    if alert.state is AlertState.UNKNOWN:
        unseen = unseen_for(state, alert)
        words.append("not seen now" if unseen is None else f"not seen for {units.seconds(round(unseen))}")
    elif alert.well_since is not None:
        well, left = _well(state, alert)
        clears = f"clears in {units.seconds(left)}" if left else "about to clear"
        words.append(f"well for {units.seconds(well)}, {clears}")
    return "  ".join(words)


def took(state: State, alert: Alert, room: int) -> str:
    """Return how long it fired, how far it is to firing or to clearing, in at most `room` cells."""
    if alert.state is AlertState.PENDING:
        return _progress(state, alert, room)
    if alert.since is None:
        return ""
    seconds = units.seconds(max(0.0, round((alert.resolved_at or state.wall) - alert.since)))
    return _first_that_fits(room, f"for {seconds}", str(seconds))


def hurry(state: State, alert: Alert, room: int) -> str:
    """Return `took`, or where that says more: how long it has not been seen, or when it clears."""
    if is_loud(alert) and alert.state is AlertState.UNKNOWN and (unseen := unseen_for(state, alert)) is not None:
        return _first_that_fits(room, f"unseen {units.seconds(round(unseen))}", f"{units.seconds(round(unseen))}")
    if is_loud(alert) and alert.well_since is not None:
        _, left = _well(state, alert)
        return _first_that_fits(room, f"clears {units.seconds(left)}", took(state, alert, room))
    return took(state, alert, room)


def unseen_for(state: State, alert: Alert) -> float | None:
    """Return the seconds since there was a verdict on an alert, or a value of its series; None where not known."""
    if alert.seen is not None:
        return max(0.0, state.now - alert.seen)
    series = series_of(alert)
    if state.value(*series) is not None:
        return state.age(alert.source)
    track = state.tracks.get(series)
    if track is None:
        return None
    last = (at for at, value in zip(reversed(track.wall), reversed(track.values), strict=True) if value is not None)
    seen = next(last, None)
    return None if seen is None else max(0.0, state.wall - seen)


def _well(state: State, alert: Alert) -> tuple[int, int]:
    """Return for how many seconds it has been well, and how many are left."""
    well = max(0.0, state.now - (alert.well_since or state.now))
    return round(well), round(max(0.0, alert.clears_after - well))


def _progress(state: State, alert: Alert, room: int) -> str:
    if alert.began is None or alert.hold <= 0:
        return ""
    done = min(max(0.0, state.now - alert.began), alert.hold)
    long = f"{units.seconds(round(done))} of {units.seconds(alert.hold)}"
    short = f"{done:.0f} of {alert.hold:.0f} s"
    return _first_that_fits(room, short if alert.hold < 60 else long, f"{done / alert.hold * 100:.0f} %")


def _first_that_fits(room: int, *texts: str) -> str:
    return next((text for text in texts if len(text) <= room), "")
