"""What is wrong with the remedies that rules name, for the commands that check a configuration."""

from perftui.actions.table import IDS
from perftui.alerts.rules.remedies import remedy_problems
from perftui.alerts.rules.rule import RuleBook
from perftui.config.settings import Settings


def remedy_lines(book: RuleBook, settings: Settings) -> tuple[str, ...]:
    """Return a line for each remedy that no action is behind."""
    return remedy_problems(book, settings, IDS)
