from types import SimpleNamespace

import psutil
import pytest

from perftui.collectors.host.sensors import Temperatures
from tests.support.servers import wait_until
from tests.unit.collectors.host.tree import Tree, values


def test_temperatures_by_chip_and_label(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    chips = {
        "coretemp": [SimpleNamespace(label="Core 0", current=61.0), SimpleNamespace(label="Core 1", current=58.5)],
        "nvme\x1b": [SimpleNamespace(label="", current=40.0)],
    }
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: chips)
    (tree.root / "sys/class/hwmon/hwmon0").mkdir(parents=True)
    temperatures = Temperatures(tree.host)
    wait_until(lambda: bool(tree.poll(temperatures.read).samples))
    assert values(tree.poll(temperatures.read)) == {
        ("hw.temperature", "coretemp Core 0"): 61.0,
        ("hw.temperature", "coretemp Core 1"): 58.5,
        ("hw.temperature", "nvme␛ 1"): 40.0,
    }


def test_where_there_are_no_sensors_nothing_is_started(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: pytest.fail("asked"))
    assert tree.poll(Temperatures(tree.host).read).samples == ()
