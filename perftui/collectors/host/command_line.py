"""Command lines without the secrets that people write into them."""

import re

_NAMES = rb"[\w.-]*(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|requirepass|masterauth)"
_VARIABLES = _NAMES + rb"|[\w.-]*(?:_key|key_base)|(?:[\w.-]*[-_.])?(?:pass|pwd)"
_OPTIONS = _NAMES + rb"|-[\w-]*?-?(?:pass|pwd)"
_WORD = rb"(?:'[^'\0]*'|\"[^\"\0]*\"|[^\s\0]+)"
_START = rb"(?:^|(?<=[\s\0'\"`(;|&]))"
"""Where a word begins, also inside the text that is given to a shell."""


def _either(before: bytes, gap: bytes) -> list[re.Pattern[bytes]]:
    """Return patterns of a value after `before`: a whole argument of its own, or one word of a shell's text."""
    own = re.compile(rb"((?:^|(?<=\0))(?:" + before + rb")\0)(?!-)[^\0]+", re.IGNORECASE)
    return [own, re.compile(rb"(" + _START + rb"(?:" + before + rb")" + gap + rb")(?!-)" + _WORD, re.IGNORECASE)]


_ANYWHERE = [
    re.compile(rb"((?:^|(?<=\0))(?:" + _VARIABLES + rb")=)[^\0]+", re.IGNORECASE),
    re.compile(rb"(" + _START + rb"(?:" + _VARIABLES + rb")=)" + _WORD, re.IGNORECASE),
    *_either(_OPTIONS, rb"\s+"),
    re.compile(rb"(://[^\s\0/:@]*:)[^\s\0/]+(?=@)"),
    re.compile(rb"(authorization:\s*(?:(?:basic|bearer|token)\s+)?)[^\s\0'\"]+", re.IGNORECASE),
]
_OF_PROGRAMS = [
    (re.compile(rb"(?:" + _START + rb"|(?<=/))(?:" + program + rb")(?=[\s\0])"), re.compile(option))
    for program, option in (
        (rb"(?:mysql|mariadb)[\w-]*", rb"([\s\0]-p)" + _WORD),
        (rb"(?:redis|valkey|keydb)-cli", rb"([\s\0]-a[\s\0]*)" + _WORD),
        (rb"curl", rb"([\s\0](?:-u|-U|--user|--proxy-user)[=\s\0]*['\"]?[^\s\0:]*:)" + _WORD),
    )
]
"""Short options that are a secret's for these programs only."""


def without_secrets(command: bytes) -> bytes:
    """Return a command line as in /proc/PID/cmdline (NUL after each argument) with its secrets starred out.

    What is a secret is told by names: of options and variables, in URLs by place, for some programs by short options.
    Rather a harmless word too many than a password.
    """
    for pattern in _ANYWHERE:
        command = pattern.sub(rb"\1***", command)
    for program, option in _OF_PROGRAMS:
        if found := program.search(command):
            command = command[: found.end()] + option.sub(rb"\1***", command[found.end() :])
    return command
