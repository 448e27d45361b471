"""SQL text without the data in it: what a statement does may be shown, whose data it touches may not.

Strings, numbers and comments become `?`. A string is cut at a backslash before a quote, together with all that
follows: whether it ends there depends on the session's sql_mode (NO_BACKSLASH_ESCAPES), and a wrong guess would
show as code what is data. Text cut off inside a string is handled the same way.
"""

import re

from perftui.core.text import clean

STATEMENT_WIDTH = 300

_TOKEN = re.compile(
    r"""
      (?P<name> `(?:[^`]|``)*+`? )
    | (?P<string> [xbn]?'(?:[^'\\]|''|\\[^'"])*+ (?: ' | (?P<cut1>.*) )
                | "(?:[^"\\]|""|\\[^'"])*+ (?: " | (?P<cut2>.*) ) )
    | (?P<comment> /\*(?!M?!).*?(?:\*/|\Z) | \#[^\n]* | --(?=\s)[^\n]* )
    | (?P<number> (?<![\w$@])(?:0x[0-9a-f]+|0b[01]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)(?![\w$]) )
    | (?P<word> [\w$@]+ )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")


def redact(sql: str | bytes) -> str:
    """Return `sql` on one line with every literal as `?`, lists of them as `?, …`, at most STATEMENT_WIDTH long."""
    text = sql.decode("utf-8", "replace") if isinstance(sql, bytes) else sql
    bare = " ".join(_TOKEN.sub(_hide, text).split())
    return clean(_LIST.sub("?, …", bare), STATEMENT_WIDTH)


def _hide(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "name" | "word":
            return match.group()
        case "comment":
            return " "
    return "?" if match["cut1"] is None and match["cut2"] is None else "?…"
