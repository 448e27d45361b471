"""`runbook.NAME`: a command, a shell line or an HTTP call out of perftui.toml, previewed, confirmed and recorded.

What it does is the user's affair; that exactly what was previewed is what runs, is ours: parameters are filled into
arguments, never into text that a shell reads, and the definition and the program file are pinned.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence

import msgspec

from perftui.actions import declared
from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params, read_params
from perftui.actions.runbook.fill import SHELL, check_params, params_of, program, typed, variables
from perftui.config.kinds import KINDS
from perftui.config.placeholders import filled_all
from perftui.config.remedies import Runbook
from perftui.config.settings import Settings, SourceSettings
from perftui.connect.program import End, Ended, environment, run_program
from perftui.core import matcher
from perftui.core.action import ActionInfo, Line, Offer, Proof, Risk, Undo
from perftui.core.clock import Clock
from perftui.core.errors import ConfigError, DeadlineExceeded, Refused, SourceError, TargetChanged, Unreachable
from perftui.core.moment import boot_id
from perftui.core.text import clean
from perftui.core.units import seconds

PREFIX = "runbook."
DRY_RUN_LIMIT = 30.0
PROOF_LIMIT = 30.0
SHOWN_LINES = 20
_NOT_KNOWN = "what it had done is not known"


def runbook_actions(settings: Settings, ground: Ground, clock: Clock) -> dict[str, Action]:
    """Return an action for each runbook of the settings, by id; make them anew when the settings change."""
    made = (RunbookAction(name, book, ground, clock) for name, book in settings.runbooks.items())
    return {action.info.id: action for action in made}


class RunbookAction(Action):
    """One runbook."""

    plan_deadline = DRY_RUN_LIMIT + 5.0

    def __init__(self, name: str, book: Runbook, ground: Ground, clock: Clock) -> None:
        super().__init__(ground, clock)
        self._name = name
        self._book = book
        source = ground.sources.get(book.target)
        self.info = ActionInfo(
            id=PREFIX + name,
            title=clean(book.title, 80),
            key=book.key,
            risk=Risk.HIGH if book.dangerous else Risk.MEDIUM,
            reversible=bool(book.undo),
            kinds=(source.kind,) if source is not None else tuple(KINDS),
            params=params_of(book),
        )

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Offer it on its own target; against an alert, where its rules say so or the rule names it."""
        alert = ask.alert
        if target.name != self._book.target:
            return ()
        labels = {}
        if alert is not None:
            is_for = any(matcher.fits(pattern, alert.rule) for pattern in self._book.rules)
            if not is_for and self.info.id not in alert.remedies:
                return ()
            labels = dict(alert.attributes)
        offer = self.offer(target, **self._usable({**labels, **ask.params}))
        return (msgspec.structs.replace(offer, serves=(alert.source,) if alert is not None else ()),)

    def _usable(self, known: dict[str, str]) -> dict[str, str]:
        """Return the parameters out of `known` whose values would not be refused."""
        found = {}
        for name in self._book.params:
            if name in known:
                only = msgspec.structs.replace(self.info, params=tuple(p for p in self.info.params if p.name == name))
                with contextlib.suppress(Refused):
                    read_params(only, {name: known[name]})
                    found[name] = known[name]
        return found

    def runs_programs(self, params: Params) -> bool:
        """Return whether it has a dry run."""
        return bool(self._book.dry_run)

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return what its definition says now, which file its program is, and this boot of the host."""
        book = self.ground.settings.runbooks.get(self._name)
        if book is None:
            return {"definition": "gone"}
        found = declared.definition(book) | {"boot": boot_id()}
        if book.http is None:
            found |= await declared.program_file(SHELL if book.shell else book.command[0])
        return found

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Show what would run; run its dry run, where it has one. Raises Refused when that fails."""
        book = self._current(target)
        check_params(book, params)
        identity = await self.identity(target, params)
        command = self._command(params)
        said = await self._dry_run(params)
        unknown = () if book.dry_run else ("what it changes: it has no dry run",)
        return Findings(
            title=f"{self.info.title} ({self.info.id})",
            command=command,
            identity=identity,
            targets=(command,),
            lines=(*self._lines(params), *(Line("dry run", after=line) for line in said)),
            rests_on=("its dry run, made just now",) if book.dry_run else (),
            unknown=(*unknown, "whether it can be stopped half-way: that is up to the program"),
            warnings=("perftui.toml calls it dangerous",) if book.dangerous else (),
        )

    async def apply(self, job: Job) -> Receipt:
        """Run it, or send its call, once."""
        book = self._current(job.target)
        check_params(book, job.params)
        if self._command(job.params) != job.plan.command:
            raise TargetChanged(f"{self.info.id} is not what was previewed; preview it again")
        started = self.clock.monotonic()
        receipt = await (self._call(job) if book.http is not None else self._run(job))
        took = Line("took", after=str(seconds(self.clock.monotonic() - started)))
        return msgspec.structs.replace(receipt, lines=(took, *receipt.lines), undo=self._undo(job))

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Run the program that tells whether it helped: 0 for recovered, any other status for unchanged."""
        book = self._current(job.target)
        if not book.proof:
            return Verdict(proof=Proof.UNKNOWN)
        words = filled_all(book.proof, job.params)
        ended = await run_program(words, variables(book, job.params), min(book.timeout, PROOF_LIMIT))
        if ended.end is not End.ITSELF or ended.status < 0:
            return Verdict(proof=Proof.UNKNOWN, lines=(Line("proof", after="it did not end by itself"),))
        proof = Proof.UNCHANGED if ended.status else Proof.RECOVERED
        return Verdict(proof=proof, lines=(Line("proof", after=ended.words),))

    def _current(self, target: SourceSettings) -> Runbook:
        """Return the runbook. Raises TargetChanged when the settings say something else by now."""
        if target.name != self._book.target:
            raise Refused("target", f"{self.info.id} works on {self._book.target}", "choose that")
        if self.ground.settings.runbooks.get(self._name) != self._book:
            raise TargetChanged(f"[runbooks.{self._name}] was changed in perftui.toml; preview it again")
        return self._book

    def _command(self, params: Params) -> str:
        book = self._book
        if book.http is None:
            return typed(program(book, params), variables(book, params))
        from perftui.connect.http_call import preview

        try:
            return preview(book.http, params)
        except ConfigError as error:
            raise Refused("parameters", str(error), "give other parameters") from error

    async def _dry_run(self, params: Params) -> tuple[str, ...]:
        book = self._book
        if not book.dry_run:
            return ()
        words = filled_all(book.dry_run, params)
        ended = await run_program(words, variables(book, params), min(book.timeout, DRY_RUN_LIMIT))
        if ended.end is not End.ITSELF:
            raise Refused("dry run", f"its dry run did not end within {seconds(DRY_RUN_LIMIT)}", "run it by hand")
        if ended.status:
            raise Refused("dry run", f"its dry run failed, {ended.words}", "mend that, then preview it again")
        return ended.lines[-2 * SHOWN_LINES :]

    def _lines(self, params: Params) -> tuple[Line, ...]:
        book = self._book
        limit = Line("stopped after", after=str(seconds(book.timeout)))
        if book.http is not None:
            return (limit,)
        names = ", ".join((*environment({}), *variables(book, params)))
        return (Line("runs as", after=_user()), Line("environment", after=names), limit)

    async def _run(self, job: Job) -> Receipt:
        book = self._book
        words, extra = program(book, job.params), variables(book, job.params)
        ended = await run_program(words, extra, book.timeout, lambda line: job.report(None, line), job.cancelled)
        lines = tuple(Line("said", after=line) for line in ended.lines[-SHOWN_LINES:])
        return _receipt(ended, book, lines)

    async def _call(self, job: Job) -> Receipt:
        from perftui.connect.http_call import send

        book = self._book
        assert book.http is not None
        sending = asyncio.create_task(send(book.http, job.params, book.timeout), name=self.info.id)
        stop = asyncio.create_task(job.cancelled.wait())
        try:
            await asyncio.wait((sending, stop), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return Receipt(message=f"cancelled; {_NOT_KNOWN}", complete=False)
            sent = sending.result()
        except ConfigError as error:
            raise Refused("parameters", str(error), "preview it again") from error
        except (Unreachable, DeadlineExceeded):
            raise  # nothing was sent: what was, is Uncertain
        except SourceError as error:
            return Receipt(message="", problem=str(error), failed=1)
        finally:
            sending.cancel()
            stop.cancel()
            await asyncio.gather(sending, stop, return_exceptions=True)
        lines = tuple(Line("said", after=line) for line in sent.body.splitlines()[:SHOWN_LINES] if line.strip())
        return Receipt(message=f"answered {sent.status}", lines=lines, applied=1)

    def _undo(self, job: Job) -> Undo | None:
        other = self._book.undo
        if not other:
            return None
        params = {name: job.params[name] for name in self._book.params}
        book = self.ground.settings.runbooks.get(other)
        return Undo(action=PREFIX + other, params=params, title=clean(book.title, 80) if book is not None else "")


def _receipt(ended: Ended, book: Runbook, lines: tuple[Line, ...]) -> Receipt:
    match ended.end:
        case End.CANCELLED:
            return Receipt(message=f"cancelled and stopped; {_NOT_KNOWN}", lines=lines, complete=False)
        case End.OVERDUE:
            problem = f"stopped after {seconds(book.timeout)}; {_NOT_KNOWN}"
            return Receipt(message="", lines=lines, complete=False, problem=problem, failed=1)
    if ended.status:
        return Receipt(message="", lines=lines, problem=f"{ended.words}; {_NOT_KNOWN}", failed=1)
    return Receipt(message=ended.words, lines=lines, applied=1)


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
