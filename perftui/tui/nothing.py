"""Why a picker is empty, and what to write into perftui.toml so that it is not."""

from perftui.core.alert import Alert

_SCALE = "no [scale.NAME] group lists the queue {}; add one to perftui.toml"
_RECIPE = "no [warm.NAME] recipe for {}: perftui.toml needs one"
_HOOK = "no [cdn.NAME] hook for {}: perftui.toml needs one"
_OF_KEY = {
    "c": "nothing to clean up or invalidate on {}; [files.NAME] and [runbooks.NAME] in perftui.toml can add something",
    "w": _RECIPE,
    "s": "no unit, program or [scale.NAME] group for {}; perftui.toml needs one that names its workers",
    "o": "nothing to optimise or tune on {}",
    "f7": "no priority that could be changed on {}",
    "f9": "no process to signal on {}",
}
_OF_REMEDY = {
    "cache.warm": _RECIPE,
    "cdn.purge": _HOOK,
    "cdn.warm": _HOOK,
    "cleanup.files": "no [files.NAME] table says which files of {} may go: perftui.toml needs one",
    "service.scale": "no [scale.NAME] group for {}: perftui.toml needs one",
}
"""What an action needs that is written by hand."""


def nothing_for(key: str, where: str, kind: str = "", queue: str = "") -> str:
    """Return why a key offers nothing; `where` is what it was pressed on, with the kind of its source or its queue."""
    if key == "s" and queue:
        return _SCALE.format(queue)
    words = _HOOK if key == "w" and kind == "http" else _OF_KEY.get(key, "nothing can be done with {}")
    return words.format(where or "any source that is watched here")


def nothing_against(alert: Alert) -> str:
    """Return why nothing is offered against an alert."""
    queue = dict(alert.attributes).get("queue")
    if queue is not None:
        return _SCALE.format(queue)
    needs = [words for remedy in alert.remedies if (words := _OF_REMEDY.get(remedy.partition(":")[0]))]
    if needs:
        return needs[0].format(alert.source)
    if alert.remedies:
        return f"{', '.join(alert.remedies)} finds nothing to do on {alert.source} now"
    return f"the rule {alert.rule} names no remedies; add remedies = [...] to it in perftui.toml"
