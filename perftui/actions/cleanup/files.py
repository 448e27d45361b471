"""`cleanup.files`: delete files by the rules that the user wrote under `[files.NAME]`.

Never folders; never a link or what it leads to; nothing on another filesystem than the folder that the pattern starts
from. As in a shell, `*` leaves out names that begin with a dot; `**` is any depth.
"""

import os
import pwd
import shlex
from collections.abc import Sequence

from perftui.actions.cleanup.file_cleanup import FileCleanup
from perftui.actions.cleanup.file_survey import Aim, Place
from perftui.actions.cleanup.patterns import Pattern, parse_pattern
from perftui.actions.cleanup.walk import Criteria
from perftui.actions.contract import Ask
from perftui.actions.params import Params
from perftui.config.remedies import FileRule
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Offer, Param, Risk
from perftui.core.errors import Refused
from perftui.core.text import clean, did_you_mean
from perftui.core.units import seconds


class CleanupFiles(FileCleanup):
    """Deletes the files that a rule names."""

    info = ActionInfo(
        id="cleanup.files",
        title="Delete files by a rule",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("system",),
        params=(Param(name="rule", help="the NAME of [files.NAME]", required=True, is_subject=True),),
    )

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return one offer for each rule."""
        rules = self.ground.settings.files
        wanted = ask.params.get("rule")
        return tuple(
            self.offer(
                target, title=f"Delete files: {clean(name, 40)}", note=clean(" ".join(rule.paths), 80), rule=name
            )
            for name, rule in rules.items()
            if wanted in (None, name)
        )

    def aim(self, params: Params) -> Aim:
        """Return what is looked for. Raises Refused for a rule that is not there, or that reaches too far."""
        name, rule = params["rule"], self._rule(params["rule"])
        criteria = Criteria(
            owner=_owner(name, rule),
            now=self.clock.wall(),
            older_than=float(rule.older_than),
            larger_than=int(rule.larger_than),
        )
        patterns = [_pattern(name, text) for text in rule.paths]
        return Aim(tuple(Place(each.base, each) for each in patterns), criteria, rule.keep)

    def pins(self, params: Params) -> dict[str, str]:
        """Return the rule itself: it may be reloaded between preview and apply."""
        return {"rule": repr(self._rule(params["rule"]))}

    def words(self, params: Params, aim: Aim) -> tuple[str, str]:
        """Return the title, and the `find` commands that come nearest."""
        rule = self._rule(params["rule"])
        minutes = f"+{int(rule.older_than // 60)}"
        words = ["-xdev", "-type", "f", "-links", "1", "-uid", str(aim.criteria.owner)]
        words += ["-amin", minutes, "-mmin", minutes, "-cmin", minutes]
        if rule.larger_than:
            words += ["-size", f"+{int(rule.larger_than)}c"]
        commands = [
            shlex.join(["find", place.path, "-regextype", "posix-extended", "-regex", place.pattern.regex, *words])
            + _ending(rule.keep)
            for place in aim.places
            if place.pattern is not None
        ]
        kept = f", but the newest {rule.keep}" if rule.keep else ""
        title = f"delete files of {clean(params['rule'], 40)} untouched for {seconds(rule.older_than)}{kept}"
        return title, "; ".join(commands)

    def _rule(self, name: str) -> FileRule:
        rules = self.ground.settings.files
        if name not in rules:
            hint = did_you_mean(name, rules) or "there are: " + (", ".join(map(clean, rules)) or "none")
            raise Refused("parameters", f"there is no [files.{clean(name, 40)}]", hint)
        return rules[name]


def _pattern(name: str, text: str) -> Pattern:
    try:
        return parse_pattern(text)
    except ValueError as error:
        raise Refused("configuration", f"[files.{name}] paths: {clean(text, 80)}: {error}", "change it there") from None


def _owner(name: str, rule: FileRule) -> int:
    """Return the uid whose files they must be. Raises Refused where we could not tell whether they are in use."""
    own = os.geteuid()
    if not rule.owner:
        return own
    try:
        uid = pwd.getpwnam(rule.owner).pw_uid
    except KeyError:
        raise Refused("configuration", f"[files.{name}] owner: no user {clean(rule.owner, 40)}", "change it") from None
    if own not in (0, uid):
        raise Refused("rights", f"the files of {clean(rule.owner, 40)} are not ours", "run the agent as them or root")
    return uid


def _ending(keep: int) -> str:
    """Return how `find` goes on: it deletes, or keeps the newest (of the old ones only, so that rather more stay)."""
    if not keep:
        return " -delete"
    return f" -printf '%T@ %p\\0' | sort -zrn | tail -zn +{keep + 1} | cut -zd' ' -f2- | xargs -0r rm --"
