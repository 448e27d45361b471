"""Is a recipe's SQL one SELECT that only reads? Asked beside the session, which is read-only anyway."""

import re

from perftui.core.errors import Refused

# What is quoted or commented cannot say anything; `/*!` and `/*M!` are comments that the server executes.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_COMMENT = re.compile(r"/\*(?!M?!).*?\*/|--(?=\s|$)[^\n]*|#[^\n]*", re.DOTALL)
_TOKEN = re.compile(f"{_QUOTED.pattern}|{_COMMENT.pattern}", re.DOTALL)
_BEGINS = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
_DOES_MORE = (
    (re.compile(r";"), "it holds more than one statement"),
    (re.compile(r"/\*"), "it holds a comment that is executed"),
    (re.compile(r"\binto\b", re.IGNORECASE), "INTO writes files and variables"),
    (re.compile(r"\bfor\s+(update|share)\b|\block\s+in\s+share\b", re.IGNORECASE), "it locks rows"),
    (re.compile(r":="), "it sets a variable"),
    (re.compile(r"\b(insert|update|delete|replace)\b(?!\s*\()", re.IGNORECASE), "it does more than read"),
    (re.compile(r"\bload_file\s*\(", re.IGNORECASE), "it reads files of the server"),
    (re.compile(r"\b(sleep|benchmark|get_lock|release_lock)\s*\(", re.IGNORECASE), "it waits or takes locks"),
)


def check_select(sql: str) -> str:
    """Return the statement without the semicolon at its end. Raises Refused unless it is one SELECT that only reads."""
    bare = _TOKEN.sub(lambda found: " " if _COMMENT.fullmatch(found[0]) else "''", sql)
    bare = bare.strip().rstrip(";")
    if not _BEGINS.match(bare):
        raise Refused("recipe", "its sql is not a SELECT", "write one SELECT")
    for pattern, reason in _DOES_MORE:
        if pattern.search(bare):
            raise Refused("recipe", f"its sql is not a plain SELECT: {reason}", "write one SELECT that only reads")
    return sql.strip().rstrip(";")
