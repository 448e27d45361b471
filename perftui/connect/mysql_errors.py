"""MySQL's error numbers in plain words.

Numbers: dev.mysql.com "Server Error Message Reference", mariadb.com "MariaDB Error Codes"; 2000-2999 are the client's.
"""

import re

import aiomysql

from perftui.connect.plain import network_reason
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, SourceError, Unreachable
from perftui.core.text import clean

_LOGIN = {1044, 1045, 1698, 1130, 1129, 1820, 1862, 3118, 4151}
_PRIVILEGE = {1095, 1142, 1143, 1227, 1370}
_NO_SLOT = {1040, 1203, 1226}
_LIMIT = {1205, 1969, 3024}
_GONE = {1053, 1079, 1152, 1317, 1927, 2002, 2003, 2006, 2013, 2026, 4031}

_NEEDED = re.compile(r"need \(at least one of\) the (.+?) privilege")
_NO_QUOTES = str.maketrans("", "", "`'\"")
_REFUSED_TABLE = re.compile(r"^(\w+) command denied .* for table (\S+)")


def translate(error: aiomysql.Error, address: str, user: str) -> SourceError:
    """Return the error of ours for one that the driver raised; `address` and `user` say where and who."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = clean(str(error.args[-1]), 300) if error.args else ""
    if number in _PRIVILEGE:
        return Denied(_missing_privilege(text))
    if number in _LOGIN:
        return Denied(f'{address}: refused the user "{user}": {text}')
    if number in _NO_SLOT:
        return Unreachable(f"{address}: has no free connection: {text}")
    if number in _LIMIT:
        return DeadlineExceeded(f"{address}: a statement of ours took too long and was stopped: {text}")
    if number in _GONE or isinstance(error, aiomysql.InterfaceError):
        return Unreachable(f"{address}: {_why_gone(error, text)}")
    return BadAnswer(f"{address}: error {number}: {text}")


def _missing_privilege(text: str) -> str:
    """Return which GRANT is missing, from the server's own words."""
    if needed := _NEEDED.search(text):
        # "SUPER, SLAVE MONITOR": any of them would do; the last one is the least.
        return f"needs GRANT {needed[1].split(', ')[-1]} ON *.*"
    if refused := _REFUSED_TABLE.search(text):
        return f"needs GRANT {refused[1]} ON {refused[2].translate(_NO_QUOTES)}"
    return f"a privilege is missing: {text}"


def _why_gone(error: aiomysql.Error, text: str) -> str:
    cause = error.__cause__
    if isinstance(cause, OSError):
        return network_reason(cause)
    return text or "the connection is closed"
