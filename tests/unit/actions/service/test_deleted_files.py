"""Services that hold deleted files open: offered the largest first, previewed and proved by the space itself."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from perftui.collectors.services import add_units
from perftui.config.kinds import SystemdOptions
from perftui.connect.units import Unit
from perftui.core.action import Line, Must, Offer
from perftui.core.alert import Alert
from perftui.core.clock import ManualClock
from perftui.core.reading import ReadingBuilder, Table
from tests.support.stand_in_systemctl import stand_in
from tests.unit.actions.service.scene import Scene

GIB, MIB = 1 << 30, 1 << 20
UNITS = ("app.service", "db.service", "log.service", "small.service", "web.service")
FILES = (
    (2 * GIB, "web.service", "/var"),
    (GIB, "log.service", "/"),
    (GIB, "web.service", "/"),
    (5 * GIB, "db.service", "/run"),
    (300 * MIB, "docker-0123456789ab.scope", "/var"),
    (9 * MIB, "small.service", "/var"),
    (10 * MIB, "small.service", "/run"),
    (40 * MIB, None, "/var"),
)
"""Size, unit and mountpoint; what lies below /run is in memory."""
DISK = Alert(
    rule="disk",
    source="host",
    metric="system.filesystem.utilization",
    attributes=(("mountpoint", "/var"),),
    remedies=("cleanup.temp", "service.restart"),
)
FREES = Alert(rule="deleted-files", source="host", metric="system.filesystem.deleted.usage")


def scene(folder: Path) -> Scene:
    stage = Scene(folder / "audit", "systemd", SystemdOptions())
    services, host = (ReadingBuilder(name, ManualClock()) for name in ("services", "host"))
    add_units(services, [Unit(name=name, active="active", can_reload=name == "web.service") for name in UNITS], {}, 0.0)
    usage = {"/var": 2 * GIB + 349 * MIB, "/": 2 * GIB}
    host.add("system.filesystem.deleted.usage", sum(usage.values()))
    for mount, held in usage.items():
        host.add("system.filesystem.deleted.usage", held, mountpoint=mount)
    columns = ("size", "path", "pid", "process", "unit", "fd", "mount", "kind", "holders")
    rows = tuple((size, "/x.log", 7, "x", unit, 3, mount, "ext4", 1) for size, unit, mount in FILES)
    host.table("deleted_files", Table(columns=columns, rows=rows))
    stage.readings = {"services": services.build(), "host": host.build()}
    return stage


def holding(offers: Sequence[Offer]) -> list[tuple[str, str, str]]:
    return [(each.action, each.params["unit"], each.note) for each in offers if "deleted" in each.note]


def test_what_holds_the_most_stands_on_top_of_its_key(tmp_path: Path) -> None:
    offers = scene(tmp_path).runner.offers(key="s", source="services")
    assert holding(offers) == [
        ("service.restart", "web.service", "holds 3 GiB of deleted files"),
        ("service.restart", "log.service", "holds 1 GiB of deleted files"),
        ("service.reload", "web.service", "holds 3 GiB of deleted files"),
    ]
    restarts = [each.params["unit"] for each in offers if each.action == "service.restart"]
    assert restarts == ["web.service", "log.service", "app.service", "db.service", "small.service"]


def test_against_an_alert_of_a_disk_those_that_hold_some_of_it_are_offered(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    stage.firing = [DISK, FREES]
    assert holding(found := stage.runner.offers(alert=DISK.key)) == [
        ("service.restart", "web.service", "holds 2 GiB of deleted files"),
        ("service.reload", "web.service", "holds 2 GiB of deleted files"),
    ]
    assert len(found) == 2, "no other restart helps"
    units = [unit for action, unit, _ in holding(stage.runner.offers(alert=FREES.key)) if action == "service.restart"]
    assert units == ["web.service", "log.service"]


@pytest.mark.parametrize(
    "alert",
    [
        Alert(rule="cpu", source="host", metric="system.cpu.utilization"),
        msgspec.structs.replace(DISK, source="other-host"),
        msgspec.structs.replace(DISK, attributes=(("mountpoint", "/home"),)),
    ],
)
def test_against_other_alerts_they_are_no_remedy(tmp_path: Path, alert: Alert) -> None:
    stage = scene(tmp_path)
    stage.firing = [alert]
    assert stage.runner.offers(alert=alert.key) == ()


def test_what_was_read_long_ago_is_offered_for_nothing(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    stage.stale = {"host"}
    assert holding(stage.runner.offers(key="s", source="services")) == []


async def test_a_preview_tells_what_is_held_and_is_proved_by_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd = stand_in(tmp_path, monkeypatch)
    systemd.add("web.service", running=True, reload=True)
    systemd.add("app.service", running=True)
    stage = scene(tmp_path)
    for action, after in (("restart", "closed"), ("reload", "closed, if it opens its files anew")):
        plan = await stage.preview(f"service.{action}", unit="web")
        assert Line("deleted files", "holds 3 GiB of deleted files", after) in plan.lines
        (watch,) = [each for each in plan.watches if each.source == "host"]
        assert (watch.metric, watch.attributes, watch.must) == ("system.filesystem.deleted.usage", (), Must.IMPROVE)
        assert plan.window > 60.0, "descriptors are read once a minute"
    plan = await stage.preview("service.restart", unit="app")
    assert [each for each in plan.watches if each.source == "host"] == []
    assert plan.window == 30.0
