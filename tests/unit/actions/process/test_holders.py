from perftui.actions.process.holders import Holder, holders
from perftui.collectors.host.open_files import COLUMNS
from perftui.core.alert import Alert
from perftui.core.reading import Cell, Table

MIB = 2.0**20


def table(*rows: dict[str, Cell]) -> Table:
    usual: dict[str, Cell] = dict.fromkeys(COLUMNS) | {"process": "app", "started": 7, "mount": "/var"}
    return Table(columns=COLUMNS, rows=tuple(tuple((usual | row).values()) for row in rows))


def about(mountpoint: str | None) -> Alert:
    where = (("mountpoint", mountpoint),) if mountpoint else ()
    return Alert(rule="any", source="host", metric="any", attributes=where)


def test_the_three_largest_that_are_no_service_are_named() -> None:
    sizes: list[Cell] = [20 * MIB, 90 * MIB, 30 * MIB, 40 * MIB, 9 * MIB]
    rows: list[dict[str, Cell]] = [{"size": size, "pid": number} for number, size in enumerate(sizes)]
    service: dict[str, Cell] = {"size": 99 * MIB, "pid": 50, "unit": "nginx.service"}
    assert [each.pid for each in holders(table(service, *rows), None)] == [1, 3, 2]


def test_the_files_of_one_process_count_together_from_10_mib() -> None:
    rows: list[dict[str, Cell]] = [
        {"size": 6 * MIB, "pid": 5},
        {"size": 6 * MIB, "pid": 5},
        {"size": 9 * MIB, "pid": 6},
    ]
    assert holders(table(*rows), None) == [Holder(5, 7, "app", 12 * MIB)]


def test_against_an_alert_only_those_on_its_filesystem() -> None:
    files = table({"size": 20 * MIB, "pid": 5}, {"size": 20 * MIB, "pid": 6, "mount": "/home"})
    assert [each.pid for each in holders(files, about("/home"))] == [6]
    assert holders(files, about(None)) == []
    assert holders(None, about("/home")) == []


def test_who_cannot_be_pinned_is_left_out() -> None:
    assert holders(table({"size": 20 * MIB, "pid": 5, "started": None}), None) == []
