"""The last value of a plain series, where it is young enough to rest on."""

from perftui.actions.contract import Ground


def latest(ground: Ground, source: str, metric: str) -> float | None:
    """Return a value of the latest reading of a source, None where it is missing or too old to rest on."""
    reading = ground.readings.get(source)
    if reading is None or not ground.is_fresh(source):
        return None
    return next((each.value for each in reading.samples if each.metric == metric and not each.attributes), None)
