"""The parameters of an action: read from text once, refused by name, and then typed."""

import re
from collections.abc import Iterator, Mapping

from perftui.config.duration import Duration
from perftui.config.size import Size
from perftui.core.action import ActionInfo, Param, ParamKind
from perftui.core.errors import Refused
from perftui.core.text import clean, did_you_mean
from perftui.core.units import size

LONGEST = 2000
_WHOLE = re.compile(r"-?[0-9]+")
_YES, _NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off", "")


class Params(Mapping[str, str]):
    """Text by name, checked: what a parameter's kind promises, the getters return. A missing one is empty text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        return self._texts.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def integer(self, name: str) -> int:
        """Return a whole number."""
        return int(self[name])

    def number(self, name: str) -> float:
        """Return a number."""
        return float(self[name])

    def seconds(self, name: str) -> float:
        """Return a duration in seconds."""
        return float(Duration.parse(self[name]))

    def size(self, name: str) -> int:
        """Return bytes."""
        return int(Size.parse(self[name]))

    def flag(self, name: str) -> bool:
        """Return whether it says yes."""
        return self[name].lower() in _YES


def read_params(info: ActionInfo, given: Mapping[str, str]) -> Params:
    """Return what was given, with the defaults of the rest. Raises Refused, which names the parameter.

    A whole number comes out as it is usually written: by `0123` and `123` the same thing is meant.
    """
    known = {param.name: param for param in info.params}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"{info.id} takes {', '.join(known) or 'none'}"
            raise Refused("parameters", f"{info.id} has no parameter {clean(name, 40)}", hint)
    return Params({param.name: _checked(info, param, given.get(param.name, "").strip()) for param in info.params})


def _checked(info: ActionInfo, param: Param, text: str) -> str:
    text = text or param.default
    if not text:
        if param.required:
            raise Refused("parameters", f"{info.id} needs {param.name}: {param.help}", f"give {param.name}=…")
        return text
    if clean(text, LONGEST) != text:
        raise Refused("parameters", f"{param.name} is too long or has a control character in it", "give another")
    if param.choices and text not in param.choices:
        raise Refused("parameters", f"{param.name} is {clean(text, 40)}", f"choose {' or '.join(param.choices)}")
    try:
        number = _number(param.kind, text)
    except (ValueError, OverflowError):
        raise Refused("parameters", f"{param.name} is {clean(text, 40)}", f"give {_EXPECTED[param.kind]}") from None
    if number is not None:
        _check_bounds(param, number, text)
    return str(int(text)) if param.kind is ParamKind.INTEGER else text


def _number(kind: ParamKind, text: str) -> float | None:
    """Return what is bounded of a text, None where nothing is. Raises ValueError for what the kind does not allow."""
    match kind:
        case ParamKind.INTEGER:
            if not _WHOLE.fullmatch(text):
                raise ValueError(text)
            return int(text)
        case ParamKind.NUMBER:
            return float(text)
        case ParamKind.DURATION:
            return float(Duration.parse(text))
        case ParamKind.SIZE:
            return float(Size.parse(text))
        case ParamKind.FLAG:
            if text.lower() not in (*_YES, *_NO):
                raise ValueError(text)
    return None


def _check_bounds(param: Param, number: float, text: str) -> None:
    least = -float("inf") if param.least is None else param.least
    most = float("inf") if param.most is None else param.most
    if not least <= number <= most:  # NaN lies within nothing
        bounds = " and ".join(
            f"{words} {_bound(param.kind, bound)}"
            for words, bound in (("at least", param.least), ("at most", param.most))
            if bound is not None
        )
        raise Refused("parameters", f"{param.name} is {clean(text, 40)}", f"give {bounds or 'a number'}")


def _bound(kind: ParamKind, bound: float) -> str:
    """Return a bound as one would type it."""
    match kind:
        case ParamKind.DURATION:
            return Duration(bound).text
        case ParamKind.SIZE:
            return str(size(bound))
        case ParamKind.INTEGER:
            return f"{bound:.0f}"
    return f"{bound:g}"


_EXPECTED = {
    ParamKind.TEXT: "text",
    ParamKind.INTEGER: "a whole number",
    ParamKind.NUMBER: "a number",
    ParamKind.DURATION: "a duration such as 30s, 5m or 7d",
    ParamKind.SIZE: "a size such as 512MiB or 2G",
    ParamKind.FLAG: "yes or no",
}
