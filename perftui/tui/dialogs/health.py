"""The health report: how it stands, what is wrong, and what would help, to be tagged and previewed as one."""

from collections.abc import Callable

from perftui.core.alert import Severity
from perftui.core.health import Health, HealthReport, Issue, Priority, Recommendation
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, fit, over, width, wrapped

_STATUS = {
    Health.HEALTHY: (glyphs.OK, "ok"),
    Health.WARNING: (glyphs.WARNING, "warning"),
    Health.CRITICAL: (glyphs.CRITICAL, "critical"),
    Health.UNKNOWN: (glyphs.UNKNOWN, "dim"),
}
_SEVERITIES = {
    Severity.CRITICAL: (glyphs.CRITICAL, "critical"),
    Severity.WARNING: (glyphs.WARNING, "warning"),
    Severity.INFO: (glyphs.INFO, "dim"),
}
_PRIORITIES = {Priority.HIGH: "critical", Priority.MEDIUM: "warning", Priority.LOW: "text"}
_INDENT = 6


class HealthDialog(Dialog):
    """Shows a report; `preview` is called with the ids of the recommendations that were tagged, in their order.

    It opens before the agent has answered: `show` brings the report. `more` opens what else could be done; without
    them it is only read.
    """

    title = "Health"
    wanted = 104

    def __init__(
        self, preview: Callable[[tuple[str, ...]], None] | None, more: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._more = more
        self._preview = preview
        self._report: HealthReport | None = None
        self._tagged: set[str] = set()
        self._at = 0
        self._has_moved = False
        self._span: tuple[int, int] | None = None
        self._words = ("", "dim")

    def show(self, report: HealthReport) -> None:
        """Show this one."""
        self._report = report
        self._at = next((at for at, each in enumerate(report.recommendations) if each.action), 0)

    def tell(self, words: str, role: str = "dim") -> None:
        """Say what goes on, or what went wrong, below the report."""
        self._words = (words, role)

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        report = self._report
        if report is None:
            return [] if self._words[0] else [[("asking the agent how it stands", "dim")]]
        glyph, role = _STATUS[report.status]
        lines: list[Line] = [
            [(f"{glyph} {report.status.value}", role), (f"  at {clock_time(report.at)} UTC", "dim")],
            [],
        ]
        for issue in report.issues:
            lines += _issue(issue, cells)
        if not report.issues:
            nothing = "nothing can be judged yet" if report.status is Health.UNKNOWN else "nothing is wrong"
            lines.append([(nothing, "text")])
        lines += _wrapped([f"not judged: {blind}" for blind in report.blind], cells, "stale")
        if not report.recommendations:
            return lines
        chosen = f"  {len(self._tagged)} chosen" if self._tagged else ""
        lines += [[], [("What would help", "title"), (chosen, "accent")]]
        for index, each in enumerate(report.recommendations):
            entry = self._entry(index, each, cells)
            if index == self._at:
                self._span = (len(lines), len(lines) + len(entry) - 1)
            lines += entry
        return lines

    def pinned(self, cells: int) -> list[Line]:
        """Return what goes on, or went wrong."""
        words, role = self._words
        return _wrapped([words], cells, role) if words else []

    def foot(self) -> Line:
        """Return what its keys do."""
        more = [("m", "more")] if self._more is not None else []
        if self._preview is None or not self._choosable:
            return hints(("↑↓", "scroll"), *more, ("esc", "back"))
        return hints(("space", "tag"), ("a", "all"), ("enter", "preview"), *more, ("esc", "back"))

    def focus_lines(self) -> tuple[int, int] | None:
        """Return the lines of the recommendation that has the keys; the report begins at its top."""
        return self._span if self._has_moved else None

    def press(self, key: str, character: str | None) -> None:
        """Move, tag with Space, all with a, preview with Enter, leave with Esc."""
        self._words = ("", "dim")
        found = self._report.recommendations if self._report is not None else ()
        can = self._preview is not None and bool(self._choosable)
        if found and can and key in ("up", "down", "j", "k"):
            step = 1 if key in ("down", "j") else -1
            self._at, self._has_moved = max(0, min(len(found) - 1, self._at + step)), True
        elif key == "m" and self._more is not None:
            self.closed = True
            self._more()
        elif can and key == "space":
            self._tag(found[self._at])
        elif can and key == "a":
            self._tagged = set() if self._tagged == self._choosable else set(self._choosable)
        elif can and key == "enter":
            self._enter(found)
        else:
            self._has_moved = False
            super().press("escape" if key in ("enter", "q", "o") else key, character)

    @property
    def _choosable(self) -> set[str]:
        return {each.id for each in self._report.recommendations if each.action} if self._report is not None else set()

    def _tag(self, chosen: Recommendation) -> None:
        if not chosen.action:
            self.tell("this is advice alone: there is nothing that perftui could do", "warning")
        else:
            self._tagged ^= {chosen.id}

    def _enter(self, found: tuple[Recommendation, ...]) -> None:
        chosen = [each for each in found if each.id in self._tagged] or [found[self._at]]
        if not chosen[0].action:
            self._tag(chosen[0])
        elif self._preview is not None:
            self._preview(tuple(each.id for each in chosen))

    def _entry(self, index: int, each: Recommendation, cells: int) -> list[Line]:
        """Return a recommendation: its box, title and priority, then why, impact and effort."""
        here = index == self._at and self._preview is not None and bool(self._choosable)
        box = ("[x] " if each.id in self._tagged else "[ ] ") if each.action and self._preview is not None else "  · "
        end: Line = [(each.priority.value, _PRIORITIES[each.priority])]
        start: Line = [("▶ " if here else "  ", "accent"), (box, "accent")]
        role = "text" if each.action else "dim"
        titles = wrapped(each.title, cells - _INDENT - width(end) - 2) or [""]
        lines: list[Line] = [[*start, *fit([(titles[0], role)], max(10, cells - _INDENT - width(end))), *end]]
        lines += [[(" " * _INDENT + part, role)] for part in titles[1:]]
        advice = "" if each.action else "advice: nothing that perftui does by itself"
        impact = f"impact {each.impact}" if each.impact else ""
        effort = f"effort {each.effort}" if each.effort else ""
        where = f"{each.target}: " if each.target and each.target not in each.title + each.why else ""
        words = [where + each.why, "; ".join(filter(None, [impact, effort])), advice]
        lines += [[(" " * _INDENT + plain, "dim")] for [(plain, _)] in _wrapped(words, cells - _INDENT, "dim")]
        fitted = [fit(line, cells) for line in lines]
        return [over(line, "selected") for line in fitted] if here else fitted


def _issue(issue: Issue, cells: int) -> list[Line]:
    """Return what is wrong, with the value against the level; on lines of its own where it is long."""
    glyph, role = _SEVERITIES[issue.severity]
    figures = f"{issue.value}, level {issue.level}" if issue.level else issue.value
    end = f"{issue.source}  {issue.metric} {figures}".rstrip()
    title = wrapped(issue.title, cells - 2) or [""]
    lines: list[Line] = [[(f"{glyph} " if at == 0 else "  ", role), (part, "text")] for at, part in enumerate(title)]
    if len(lines) == 1 and width(lines[0]) + len(end) + 3 <= cells:
        return [[*lines[0], (f"   {end}", "dim")]]
    return [*lines, *([("  ", "text"), *line] for line in _wrapped([end], cells - 2, "dim"))]


def _wrapped(texts: list[str], cells: int, role: str) -> list[Line]:
    return [[(part, role)] for text in texts for part in wrapped(text, cells)]
