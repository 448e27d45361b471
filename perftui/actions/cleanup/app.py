"""`cleanup.app`: an application cleans up itself, asked with `POST … {"type": …}`.

Which URL that is says the source's `cleanup`; the source's bearer token goes with it. What the application did is only
what it says and what the source's readings show afterwards.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.proof.http import UP, http_verdict, http_watches
from perftui.actions.proof.latest import latest
from perftui.config.kinds import HttpOptions
from perftui.config.remedies import HttpCall
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Offer, Param, Risk, Watch
from perftui.core.clock import Clock
from perftui.core.errors import Denied, Refused, SourceError, Uncertain
from perftui.core.text import clean

ANSWER_LIMIT = 30.0
MOST_LINES = 20
_TYPES = ("all", "cache", "memory", "cleanup")
_BODY = '{"type": {type}}'
_WINDOW = 30.0
_LOOPBACK = ("localhost", "::1")


class CleanupApp(Action):
    """Asks the application behind an http source to clean up."""

    info = ActionInfo(
        id="cleanup.app",
        title="Let the application clean up",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("http",),
        params=(Param(name="type", help="what it cleans up", default="cleanup", choices=_TYPES),),
    )

    def __init__(self, ground: Ground, clock: Clock, *, answer_limit: float = ANSWER_LIMIT) -> None:
        super().__init__(ground, clock)
        self._answer_limit = answer_limit

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return an offer where the source has a `cleanup`; it may remedy whatever alert the source has."""
        options = target.options
        if not isinstance(options, HttpOptions) or not options.cleanup:
            return ()
        return [msgspec.structs.replace(each, serves=(target.name,)) for each in super().offers(target, ask)]

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return where the request goes, as it is written now: an HTTP application has no identity of its own."""
        from perftui.connect.http_call import call_identity

        return call_identity(_call(target))

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Say what would be sent; nothing is asked."""
        from perftui.connect.http_call import preview

        identity = await self.identity(target, params)
        kind = params["type"]
        return Findings(
            title=f"let {target.name} clean up ({kind})",
            command=preview(_call(target), {"type": kind}),
            identity=identity,
            targets=(identity["url"],),
            lines=(
                Line("request", after=f'POST {{"type": "{kind}"}}'),
                Line("with its token", after="yes" if _options(target).token else "no: the source has none"),
            ),
            rests_on=(f"cleanup in [sources.{target.name}]",),
            unknown=("what the application frees, and whether it can be taken back",),
            watches=(*http_watches(target), *self._memory(target)),
            window=_WINDOW,
        )

    async def apply(self, job: Job) -> Receipt:
        """Send the request once."""
        from perftui.connect.http_call import Question, ask, check_status, content_of

        options, call = _options(job.target), _call(job.target)
        content = content_of(call, {"type": job.params["type"]})
        headers = {"Accept": "application/json", **options.headers}
        question = Question(call.url, "POST", headers, options.token, content, options.ca_file)
        up = latest(self.ground, job.target.name, UP)
        facts = {} if up is None else {"up": up}
        try:
            sent = await ask(question, self._answer_limit)
        except Uncertain as error:
            return _failed(str(error), facts)
        try:
            check_status(question, sent, call.expect)
        except Denied as error:
            setting = f"token in [sources.{job.target.name}]"
            wrong = "it is wrong or may not do this" if options.token else "it is not set"
            return _failed(f"{error}; see {setting}: {wrong}", facts)
        except SourceError as error:
            return _failed(str(error), facts)
        said = answer_lines(sent.content, sent.body)
        return Receipt(
            message=f"{job.target.name} answered {sent.status}",
            lines=(Line("status", after=str(sent.status)), *said),
            applied=1,
            facts=facts,
        )

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Ask the source itself: is it up, and how long does it take?"""
        was = receipt.facts.get("up")
        return await http_verdict(job.target, was)

    def _memory(self, target: SourceSettings) -> tuple[Watch, ...]:
        """Watch the host's memory where the application runs on it."""
        host = urlsplit(_options(target).cleanup).hostname or ""
        if not (host in _LOOPBACK or host.startswith("127.")) or "system" not in self.ground.sources:
            return ()
        return (Watch(label="memory of the host", source="system", metric="system.memory.utilization"),)


def _failed(problem: str, facts: dict[str, float]) -> Receipt:
    """Return the receipt of a request that was sent: what an application that failed has done, nobody knows."""
    return Receipt(message="", problem=problem, complete=False, facts=facts)


def answer_lines(content: bytes, text: str) -> tuple[Line, ...]:
    """Return what an answer says: the plain values of its JSON by name, else its first line."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        return (Line("answer, which is not JSON", after=clean(first, 200) if first else "empty"),)
    plain = list(_plain("", found))
    shown = [Line(label, after=value) for label, value in plain[:MOST_LINES]]
    return (*shown, *([Line("more values", after=f"{len(plain) - MOST_LINES:,}")] if len(plain) > MOST_LINES else []))


def _plain(name: str, found: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    match found:
        case dict() if depth < 4:
            for key, value in found.items():
                yield from _plain(f"{name}.{key}" if name else str(key), value, depth + 1)
        case list():
            yield clean(name or "answer", 60), f"{len(found):,} items"
        case bool():
            yield clean(name or "answer", 60), "yes" if found else "no"
        case int() | float():
            yield clean(name or "answer", 60), f"{found:,}"
        case str():
            yield clean(name or "answer", 60), clean(found, 120)


def _options(target: SourceSettings) -> HttpOptions:
    options = target.options
    if not isinstance(options, HttpOptions) or not options.cleanup:
        reason = f"{target.name} does not say where its application is asked to clean up"
        raise Refused("target", reason, f"set cleanup in [sources.{target.name}]")
    return options


def _call(target: SourceSettings) -> HttpCall:
    options = _options(target)
    return HttpCall(url=options.cleanup, headers=options.headers, token=options.token, body=_BODY)
