"""`cdn.purge` and `cdn.warm`: a content delivery network in front of an http source, through the user's own hook.

What the network did cannot be seen from here: its answer is shown as it is, and the source behind it is watched.
"""

import re
from collections.abc import Sequence

from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.proof.http import UP, http_verdict, http_watches
from perftui.actions.proof.latest import latest
from perftui.config.remedies import CdnHook, HttpCall
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Offer, Param, Risk
from perftui.core.clock import Clock
from perftui.core.errors import ConfigError, Refused, SourceError, Uncertain
from perftui.core.text import clean, did_you_mean

ANSWER_LIMIT = 30.0
MOST_PATHS = 100
WINDOW = 60.0
_PATH = re.compile(r"/[^\s,\\]*|\*")
_HOOK = Param(name="hook", help="a [cdn.NAME] table whose source this is", required=True, is_subject=True)


class _CdnCall(Action):
    """One call of a hook; which one, `call_of` says."""

    def __init__(self, ground: Ground, clock: Clock, *, answer_limit: float = ANSWER_LIMIT) -> None:
        super().__init__(ground, clock)
        self._answer_limit = answer_limit

    @property
    def _verb(self) -> str:
        return self.info.id.partition(".")[2]

    def call_of(self, hook: CdnHook) -> HttpCall | None:
        """Return the call of a hook that this action makes."""
        return hook.purge if self._verb == "purge" else hook.warm

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return an offer for each hook of this source that has the call."""
        paths = {"paths": ask.params["paths"]} if "paths" in ask.params else {}
        return [
            self.offer(target, f"{self._verb} {name}", hook=name, **paths)
            for name, hook in self.ground.settings.cdn.items()
            if hook.source == target.name and self.call_of(hook) is not None
        ]

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return where the call goes, as it is written now."""
        from perftui.connect.http_call import call_identity

        return call_identity(self._call(target, params["hook"]))

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Say what would be sent; nothing is asked."""
        from perftui.connect.http_call import preview

        name, paths = params["hook"], _paths(params["paths"])
        call = self._call(target, name)
        if _takes_paths(call) and not paths:
            raise Refused("parameters", f"[cdn.{name}] {self._verb} takes paths", "give paths=/img/a.png,…")
        every = self._verb == "purge" and ("*" in "".join(paths) or not _takes_paths(call))
        try:
            command = preview(call, {"paths": paths})
        except ConfigError as error:
            raise Refused("parameters", f"[cdn.{name}] {self._verb}: {error}", "give other paths") from error
        return Findings(
            title=f"{self._verb} {name} in front of {target.name}",
            command=command,
            identity=await self.identity(target, params),
            targets=tuple(paths) if _takes_paths(call) else (f"whatever [cdn.{name}] {self._verb} names",),
            lines=(Line("paths", after=f"{len(paths):,}" if _takes_paths(call) else "the call takes none"),),
            risk=Risk.HIGH if every else None,
            rests_on=(f"{self._verb} in [cdn.{name}]",),
            unknown=("what the network did: it is not seen from here, only its answer and the source behind it",),
            warnings=(f"{target.name} gets all requests for them until the network has them again",) if every else (),
            watches=http_watches(target),
            window=WINDOW,
        )

    async def apply(self, job: Job) -> Receipt:
        """Make the call once."""
        from perftui.connect.http_call import ask, check_status, question_of

        call = self._call(job.target, job.params["hook"])
        question = question_of(call, {"paths": _paths(job.params["paths"])})
        up = latest(self.ground, job.target.name, UP)
        facts = {} if up is None else {"up": up}
        try:
            sent = await ask(question, self._answer_limit)
        except Uncertain as error:
            return Receipt(message="", problem=str(error), complete=False, facts=facts)
        try:
            check_status(question, sent, call.expect)
        except SourceError as error:  # it was sent: what a network that failed has done, nobody knows
            return Receipt(message="", problem=str(error), complete=False, facts=facts)
        return Receipt(
            message=f"the network answered {sent.status}",
            lines=(Line("status", after=str(sent.status)), Line("answer", after=sent.first_line or "empty")),
            applied=job.plan.count,
            facts=facts,
        )

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Ask the source behind it: is it up, and how long does it take?"""
        was = receipt.facts.get("up")
        return await http_verdict(job.target, was)

    def _call(self, target: SourceSettings, name: str) -> HttpCall:
        known = {each: hook for each, hook in self.ground.settings.cdn.items() if hook.source == target.name}
        hook = known.get(name)
        if hook is None:
            hint = did_you_mean(name, known) or (f"there are: {', '.join(known)}" if known else "write a [cdn.NAME]")
            raise Refused("recipe", f"there is no hook {clean(name, 60)} for {target.name}", hint)
        call = self.call_of(hook)
        if call is None:
            raise Refused("recipe", f"[cdn.{name}] has no {self._verb}", f"write a [cdn.{name}.{self._verb}]")
        return call


class CdnPurge(_CdnCall):
    """Takes paths out of the network's caches."""

    info = ActionInfo(
        id="cdn.purge",
        title="Purge the CDN",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("http",),
        params=(_HOOK, Param(name="paths", help="such as /img/a.png,/css/*; * for everything", required=True)),
    )


class CdnWarm(_CdnCall):
    """Lets the network fetch paths before somebody asks for them."""

    info = ActionInfo(
        id="cdn.warm",
        title="Warm the CDN",
        key="w",
        risk=Risk.LOW,
        reversible=False,
        kinds=("http",),
        params=(_HOOK, Param(name="paths", help="such as /img/a.png,/index.html, where the hook takes them")),
    )


def _takes_paths(call: HttpCall) -> bool:
    return "{paths}" in call.url or "{paths}" in call.body


def _paths(text: str) -> list[str]:
    """Return the paths of a comma-separated list. Raises Refused."""
    paths = [each.strip() for each in text.split(",") if each.strip()]
    for path in paths:
        if not _PATH.fullmatch(path):
            raise Refused("parameters", f"{clean(path, 60)} is no path", "write paths like /img/a.png, or *")
    if len(paths) > MOST_PATHS:
        raise Refused("parameters", f"{len(paths):,} paths are more than {MOST_PATHS}", "purge a pattern instead")
    return paths
