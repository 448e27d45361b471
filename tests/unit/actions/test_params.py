"""Parameters are read from text: what means the same comes out the same."""

import pytest

from perftui.actions.params import read_params
from perftui.core.action import ActionInfo, Param, ParamKind, Risk
from perftui.core.errors import Refused


def info(kind: ParamKind, least: float | None = None) -> ActionInfo:
    params = (Param(name="it", help="what", kind=kind, least=least),)
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
