"""What will prove a plan, in words: the same on the screen and in the output of commands."""

from perftui.core.action import Must, Plan, Watch
from perftui.core.catalogue import CATALOGUE
from perftui.core.units import seconds, show_metric


def proof_words(plan: Plan) -> list[str]:
    """Return the watched figures in one line, with the window; none when only the action itself looks again."""
    if not plan.watches:
        return []
    return [f"{', '.join(map(_watch_words, plan.watches))}; watched for {seconds(plan.window)}"]


def is_switch(metric: str) -> bool:
    """Return whether a metric is 1 or 0 for what runs or does not (`service.up`): it has no figure to be above."""
    return metric.endswith(".up")


def _watch_words(watch: Watch) -> str:
    """Return what is waited for; the label of what runs or does not says it all (`nginx.service is up`)."""
    if is_switch(watch.metric):
        return watch.label
    if watch.must is Must.KEEP:
        return f"{watch.label} not {watch.bad}"
    good = "down" if watch.bad == "up" else "up"
    if watch.goal is None:
        return f"{watch.label} {good}"
    metric = CATALOGUE.get(watch.metric)
    goal = str(show_metric(metric, watch.goal)) if metric else f"{watch.goal:g}"
    return f"{watch.label} {'below' if watch.bad == 'up' else 'above'} {goal}"
