"""The remedies that rules name: is there such an action, and is its recipe, rule, group or hook declared?

A rule with a wrong one is in force all the same: it still has to alert.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from perftui.alerts.rules.rule import Rule, RuleBook
from perftui.config.settings import Settings
from perftui.core.text import clean, did_you_mean

RUNBOOK = "runbook."
_TABLES = {
    "cache.warm": "warm",
    "cleanup.files": "files",
    "service.scale": "scale",
    "cdn.purge": "cdn",
    "cdn.warm": "cdn",
}
"""Actions whose subject is the NAME of a table: which table."""


def remedy_problems(book: RuleBook, settings: Settings, actions: Collection[str]) -> tuple[str, ...]:
    """Return a line for each remedy that no action is behind; `actions` are the ids of those that are no runbooks."""
    known = {*actions, *(RUNBOOK + name for name in settings.runbooks)}
    file = Path(settings.path).name
    return tuple(
        clean(f'{file}: [[rules]] "{rule.name}" remedies: {line}', 400)
        for rule in book.rules
        for line in _lines(rule, settings, known)
    )


def _lines(rule: Rule, settings: Settings, known: Collection[str]) -> Iterator[str]:
    for remedy in rule.remedies:
        action, _, subject = remedy.partition(":")
        table = _TABLES.get(action, "")
        if action not in known:
            hint = did_you_mean(action, known) or "`perftui actions` lists them"
            yield f'there is no action "{action}"; {hint}'
        elif subject and table and subject not in getattr(settings, table):
            hint = did_you_mean(subject, getattr(settings, table))
            yield f"there is no [{table}.{subject}]" + (f"; {hint}" if hint else "")
