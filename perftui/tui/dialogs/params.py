"""The parameters of an action as a form: what is known stands there, what is not is asked for."""

from collections.abc import Callable, Mapping

from perftui.core import units
from perftui.core.action import ActionInfo, Param, ParamKind
from perftui.tui.dialogs.form import Entry, Form
from perftui.tui.widgets.text import Line

_KINDS = {
    ParamKind.INTEGER: "a whole number",
    ParamKind.NUMBER: "a number",
    ParamKind.DURATION: "a time such as 30s, 5m or 7d",
    ParamKind.SIZE: "a size such as 512MiB or 2G",
}
_FLAG = ("yes", "no")


def missing(info: ActionInfo, given: Mapping[str, str]) -> list[Param]:
    """Return the parameters that must be given and are not."""
    return [param for param in info.params if param.required and not given.get(param.name) and not param.default]


def param_form(info: ActionInfo, target: str, given: Mapping[str, str], save: Callable[[dict[str, str]], None]) -> Form:
    """Return a form of all parameters, those first that must be given and are not; `save` is called with all texts."""
    asked = missing(info, given)
    ordered = [*asked, *(param for param in info.params if param not in asked)]
    words = "what it needs to know" if asked else "what it goes by"

    def head(cells: int) -> list[Line]:
        return [[(info.title, "title")], [("on ", "dim"), (target, "text"), (f": {words}", "dim")]]

    entries = [_entry(param, given.get(param.name, "")) for param in ordered]
    return Form("Parameters", head, entries, save, verb="preview", whole=True)


def _entry(param: Param, text: str) -> Entry:
    text = text or param.default
    choices = param.choices or (_FLAG if param.kind is ParamKind.FLAG else ())
    if choices:
        text = _flag(text) if param.kind is ParamKind.FLAG else text
        choices = choices if text in choices else (text, *choices)
    return Entry(param.name, param.name, text, _hint(param), choices)


def _flag(text: str) -> str:
    """Return what a switch stands on; every other word than yes is left to the agent to refuse."""
    return {"true": "yes", "1": "yes", "on": "yes", "false": "no", "0": "no", "off": "no", "": "no"}.get(text, text)


def _hint(param: Param) -> str:
    bounds = [
        f"{word} {_bound(param.kind, bound)}"
        for word, bound in (("at least", param.least), ("at most", param.most))
        if bound is not None
    ]
    need = f"default {param.default}" if param.default else "must be given" if param.required else "may stay empty"
    return "; ".join([param.help, *filter(None, [_KINDS.get(param.kind, "")]), *bounds, need])


def _bound(kind: ParamKind, value: float) -> str:
    if kind is ParamKind.DURATION:
        return str(units.seconds(value))
    return str(units.size(value)) if kind is ParamKind.SIZE else f"{value:g}"
