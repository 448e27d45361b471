"""The parameters of a runbook: checked beyond their kinds, and filled in so that one argument stays one."""

import re
import shlex
from collections.abc import Mapping

from perftui.actions.params import Params
from perftui.config.placeholders import filled_all, placeholders
from perftui.config.remedies import Runbook, RunbookParam
from perftui.core.action import Param, ParamKind
from perftui.core.errors import Refused
from perftui.core.matching_cost import REACH
from perftui.core.text import clean

SHELL = "/bin/sh"


def params_of(book: Runbook) -> tuple[Param, ...]:
    """Return the parameters of a runbook as those of an action."""
    return tuple(
        Param(
            name=name,
            help=param.help or name,
            kind=ParamKind(param.kind),
            default=param.default,
            required=param.required,
            choices=param.choices,
        )
        for name, param in book.params.items()
    )


def check_params(book: Runbook, params: Params) -> None:
    """Raise Refused for a value that its pattern does not allow, or that a program would take for an option.

    A value that begins with `-` needs a pattern or choices that allow it, and an empty one may not stand within an
    argument: `/data/{name}` would be all of /data/.
    """
    words = (*book.command, *book.dry_run, *book.proof)
    for name, param in book.params.items():
        text = params[name]
        if text and not _matches(param, text):
            raise Refused("parameters", f"{name} is {clean(text, 40)}", f"give what matches {clean(param.pattern, 80)}")
        leads = bool(book.shell) or any(word.startswith(f"{{{name}}}") for word in words)
        if text.startswith("-") and leads and not (param.pattern or param.choices):
            reason = f"{name} begins with a dash, and a program would take it for an option"
            raise Refused("parameters", reason, "give another, or allow it by a pattern in perftui.toml")
        if not text and any(name in placeholders(word) and word != f"{{{name}}}" for word in words):
            raise Refused("parameters", f"{name} is empty and stands within an argument", f"give {name}=…")


def program(book: Runbook, params: Params) -> tuple[str, ...]:
    """Return the words of what it runs."""
    return (SHELL, "-c", book.shell) if book.shell else filled_all(book.command, params)


def variables(book: Runbook, params: Params) -> dict[str, str]:
    """Return the environment variables that carry the parameters, which a shell line alone needs."""
    return {f"PARAM_{name.upper()}": params[name] for name in book.params} if book.shell else {}


def typed(words: tuple[str, ...], extra: Mapping[str, str]) -> str:
    """Return what one would type for it."""
    return " ".join((*(f"{name}={shlex.quote(value)}" for name, value in extra.items()), shlex.join(words)))


def _matches(param: RunbookParam, text: str) -> bool:
    return not param.pattern or (len(text) <= REACH and re.fullmatch(param.pattern, text) is not None)
