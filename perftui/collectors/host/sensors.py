"""Temperatures by psutil, on a thread: some sensors take milliseconds to answer, and psutil 60 ms to import."""

from perftui.collectors.host.files import Host
from perftui.core.aside import Aside
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean

EVERY = 5.0


class Temperatures:
    """The sensors of this host; nothing is started where there are none, as on most virtual machines."""

    def __init__(self, host: Host) -> None:
        root = host.files.root / "sys/class"
        self._present = any(any((root / name).glob("*")) for name in ("hwmon", "thermal"))
        self._aside = Aside(temperatures, EVERY)

    def read(self, into: ReadingBuilder) -> None:
        """Add the latest temperatures, in degrees Celsius."""
        if not self._present:
            return
        for sensor, value in (self._aside.latest(into.started) or {}).items():
            into.add("hw.temperature", value, sensor=sensor)
        if self._aside.error:
            into.deny("hw.temperature", self._aside.error)


def temperatures() -> dict[str, float]:
    """Return degrees Celsius by sensor: `chip label`, numbered where several share it. May take milliseconds."""
    import psutil

    found: dict[str, float] = {}
    for chip, sensors in psutil.sensors_temperatures().items():
        for number, sensor in enumerate(sensors, start=1):
            name = clean(f"{chip} {sensor.label}".strip() if sensor.label else f"{chip} {number}")
            found.setdefault(name, sensor.current)
    return found
