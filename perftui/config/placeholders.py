"""`{name}` in what the user declares for actions: found when the file is read, filled in when an action is planned."""

import json
import re
from collections.abc import Iterable, Mapping

_NAME = r"\{([A-Za-z_][\w-]*)\}"
PLACEHOLDER = re.compile(_NAME)
IN_JSON = re.compile(rf'"(?:[^"\\]|\\.)*"|{_NAME}', re.DOTALL)
"""A JSON string whatever stands in it, or a placeholder outside of one (whose name is the group)."""


def placeholders(*texts: str) -> tuple[str, ...]:
    """Return the names that stand in braces in these texts, each once, in order."""
    return tuple(dict.fromkeys(name for text in texts for name in PLACEHOLDER.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with every `{name}` that has a value filled in, in one pass: no value is looked into."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def filled_all(texts: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return each text with its names filled in; what was one argument of a program stays one."""
    return tuple(filled(text, values) for text in texts)


def is_json_once_filled(text: str) -> bool:
    """Return whether `text` is JSON when each `{name}` is a value, or a part of a string where it stands in one."""

    def fill(found: re.Match[str]) -> str:
        return "0" if found[1] is not None else PLACEHOLDER.sub("0", found[0])

    try:
        json.loads(IN_JSON.sub(fill, text))
    except (ValueError, RecursionError):
        return False
    return True
