"""Parameters are read from text: what means the same comes out the same."""

import pytest

from perftui.actions.params import read_params
from perftui.core.action import ActionInfo, Param, ParamKind, Risk
from perftui.core.errors import Refused


def info(kind: ParamKind, least: float | None = None, most: float | None = None) -> ActionInfo:
    params = (Param(name="it", help="what", kind=kind, least=least, most=most),)
    return ActionInfo(id="a.b", title="", key="", risk=Risk.LOW, reversible=False, kinds=("system",), params=params)


@pytest.mark.parametrize(
    ("text", "read"), [("123", "123"), ("0123", "123"), (" 123 ", "123"), ("-0", "0"), ("-07", "-7"), ("", "")]
)
def test_a_whole_number_has_one_way_to_be_written(text: str, read: str) -> None:
    assert read_params(info(ParamKind.INTEGER), {"it": text})["it"] == read


@pytest.mark.parametrize("text", ["1_23", "+123", "1 23", "- 1", "１２３", "1.0", "0x7b", "1e3", "-", "nan"])
def test_what_only_a_program_takes_for_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="give a whole number"):
        read_params(info(ParamKind.INTEGER), {"it": text})


@pytest.mark.parametrize(
    ("kind", "text"), [(ParamKind.TEXT, "0123"), (ParamKind.DURATION, "07d"), (ParamKind.SIZE, "0512MiB")]
)
def test_other_text_stays_as_it_was_typed(kind: ParamKind, text: str) -> None:
    assert read_params(info(kind), {"it": text})["it"] == text


def test_bounds_hold_for_what_was_meant() -> None:
    with pytest.raises(Refused, match="give at least 1"):
        read_params(info(ParamKind.INTEGER, least=1), {"it": "00"})


@pytest.mark.parametrize(
    ("kind", "bounds", "given", "says"),
    [
        (ParamKind.DURATION, {"least": 3600.0}, "1m", "give at least 1h$"),
        (ParamKind.DURATION, {"least": 1.0, "most": 5400.0}, "2h", "give at least 1s and at most 1h30m$"),
        (ParamKind.SIZE, {"most": float(512 << 20)}, "1G", "give at most 512 MiB$"),
        (ParamKind.INTEGER, {"most": 1_000_000_000}, "1000000001", "give at most 1000000000$"),
        (ParamKind.NUMBER, {"most": 0.5}, "1", "give at most 0.5$"),
    ],
)
def test_bounds_are_told_as_one_would_type_them(
    kind: ParamKind, bounds: dict[str, float], given: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        read_params(info(kind, **bounds), {"it": given})
