"""`cleanup.jobs`: remove what finished long ago from BullMQ's queues.

Job ids are pinned at plan time with the time they finished; apply removes a job, atomically, only while it still
stands in that set with that time. Which keys a job has differs by major: see `bullmq.py`.
Needs `+info +ping +time +hget +exists +zcard +zcount +zrange +llen` to preview, and to apply also `+eval +zscore +type
+hmget +scard +sismember +get +unlink +zrem +xadd`, on `~PREFIX:*`.
"""

import asyncio
import hashlib
import shlex
from collections.abc import Sequence

import msgspec

from perftui.actions.cleanup.bullmq import Queue, major_of
from perftui.actions.cleanup.job_sets import MOST, JobRemoval, Part, cutoff_of, names_of, old_in, pin, waiting_in
from perftui.actions.contract import Action, Ask, Findings, Ground, Receipt, Verdict
from perftui.actions.contract import Job as Work
from perftui.actions.params import Params
from perftui.actions.redis.link import (
    PINGS,
    RedisLink,
    identity_of,
    number,
    redis_link,
    refuse_changed,
    refuse_replica,
)
from perftui.actions.redis.queues import bullmq_names, queue_options, queue_prefix
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Offer, Param, ParamKind, Proof, Risk, Watch
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError
from perftui.core.series import attributes
from perftui.core.text import clean
from perftui.core.units import count, seconds, size

JOBS_PER_SECOND = 20_000.0
VERIFY_AFTER = 2.0
SLOW_PING = 0.010
WATCHED = 10
OFFERED = 10
NAMED = 10
SHOWN = 10


class CleanupJobs(Action):
    """Removes completed and failed jobs older than an age."""

    info = ActionInfo(
        id="cleanup.jobs",
        title="Remove finished jobs",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("redis",),
        params=(
            Param(name="queue", help="the BullMQ queue; empty for all that were found", is_subject=True),
            Param(
                name="state",
                help="which jobs; failed ones are evidence of what went wrong",
                default="completed",
                choices=("completed", "failed", "both"),
            ),
            Param(name="older_than", help="since they finished", kind=ParamKind.DURATION, default="24h", least=0.0),
            Param(
                name="keep",
                help="the newest so many of each set stay",
                kind=ParamKind.INTEGER,
                default="0",
                least=0,
                most=1_000_000_000,
            ),
        ),
    )

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return one for the queue that is asked for, or for all and for those with the most finished jobs."""
        labels = dict(ask.alert.attributes) if ask.alert is not None and ask.alert.source == target.name else {}
        asked = ask.params.get("queue") or (labels.get("queue", "") if labels.get("kind", "bullmq") == "bullmq" else "")
        finished = self._finished(target)
        if asked in finished:
            return (self._offer(target, asked, finished[asked]),)
        most = sorted(finished, key=lambda name: -sum(finished[name].values()))
        every = {state: sum(each.get(state, 0.0) for each in finished.values()) for state in ("completed", "failed")}
        offers = [self._offer(target, name, finished[name]) for name in most[:OFFERED] if any(finished[name].values())]
        return (self._offer(target, "", every), *offers) if len(offers) > 1 else offers

    def _offer(self, target: SourceSettings, queue: str, finished: dict[str, float]) -> Offer:
        note = ", ".join(f"{count(number)} {state}" for state, number in sorted(finished.items()))
        title = f"{self.info.title} of {queue or 'all queues'}"
        return self.offer(target, title, note, **({"queue": queue} if queue else {}))

    def _finished(self, target: SourceSettings) -> dict[str, dict[str, float]]:
        """Return how many finished jobs each queue of the latest reading holds."""
        found: dict[str, dict[str, float]] = {name: {} for name in bullmq_names(self.ground, target)}
        reading = self.ground.readings.get(target.name)
        for sample in reading.samples if reading else ():
            if sample.metric == "queue.jobs":
                labels = dict(sample.attributes)
                if labels.get("state") in ("completed", "failed") and labels.get("queue", "") in found:
                    found[labels["queue"]][labels["state"]] = sample.value
        return found

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the server's run_id, role and address, and which version wrote the queue."""
        async with redis_link(target, self.clock) as link:
            return await self._identity(link, target, params["queue"])

    async def _identity(self, link: RedisLink, target: SourceSettings, queue: str) -> dict[str, str]:
        found = identity_of(await link.info(), link)
        if queue:
            found["version"] = clean(await link.command("HGET", queue_prefix(target, queue) + b"meta", "version") or "")
        return found

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the finished sets of the queues by rank; looks at no job."""
        async with redis_link(target, self.clock) as link:
            info = await link.info()
            refuse_replica(target, info, "only a primary can be changed")
            queues, warnings = await self._queues(link, target, params["queue"])
            parts = await pin(link, queues, params, await cutoff_of(link, params))
            identity = await self._identity(link, target, params["queue"])
        total = sum(part.jobs.count for part in parts)
        if sum(part.old for part in parts) > MOST:
            warnings.append(f"there are more: one plan removes at most {MOST:,}, the oldest; preview it again after")
        if any(part.state == "failed" and part.jobs.count for part in parts):
            warnings.append("failed jobs carry the reason why they failed: it goes with them")
        digests = msgspec.json.encode([[part.queue, part.state, part.jobs.digest] for part in parts])
        where = params["queue"] or f"{len(queues)} queues"
        return Findings(
            title=f"remove {total:,} finished jobs of {where} on {target.name}",
            command=_command(link, target, parts, params),
            identity=identity,
            targets=tuple(names_of(parts)),
            count=total,
            pin=hashlib.sha256(digests).hexdigest(),
            work=parts,
            weight=sum(part.jobs.held for part in parts),
            lines=tuple(_line(part) for part in parts),
            rests_on=(f"the sets of {link.where}, just read",),
            unknown=("how large the jobs are", "which of them belong to a flow that goes on: those are left alone"),
            warnings=tuple(warnings),
            estimate=total / JOBS_PER_SECOND,
            watches=_watches(target, queues),
        )

    async def _queues(self, link: RedisLink, target: SourceSettings, asked: str) -> tuple[list[Queue], list[str]]:
        """Return the queues to work on, with their majors, and which were left out and why. Raises Refused."""
        names = [asked] if asked else bullmq_names(self.ground, target)
        if not names:
            raise Refused("target", f"no BullMQ queue was found on {target.name}", "name one: queue=…")
        queues, warnings = [], []
        for name in names:
            prefix = queue_prefix(target, name)
            version = await link.command("HGET", prefix + b"meta", "version")
            if asked and version is None and not await link.command("EXISTS", prefix + b"meta"):
                self._refuse_unknown(target, asked)
            try:
                queues.append(Queue(name, prefix, major_of(name, clean(prefix) + "meta", version)))
            except Refused as error:
                if asked or len(names) == 1:
                    raise
                warnings.append(f"left out: {error.reason}")
        if not queues:
            raise Refused("version", f"of {len(names)} queues none says which BullMQ wrote it", "name one: queue=…")
        return queues, warnings

    def _refuse_unknown(self, target: SourceSettings, asked: str) -> None:
        """Refuse a queue that nobody has seen here: words on how to mend it would make one."""
        known = bullmq_names(self.ground, target)
        if asked not in known:
            more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
            there = f"there are {clean(', '.join(known[:NAMED]))}{more}" if known else "none was found there"
            raise Refused("target", f"there is no queue {clean(asked, 80)} on {target.name}", there)

    async def apply(self, job: Work) -> Receipt:
        """Remove the pinned jobs, a batch at a time, each checked again in the same step."""
        parts: list[Part] = job.work
        async with redis_link(job.target, self.clock) as link:
            refuse_changed(
                job.plan.target, job.plan.identity, await self._identity(link, job.target, job.params["queue"])
            )
            before = await link.info()
            facts = {"waiting": float(await waiting_in(link, parts)), "old": float(await old_in(link, parts))}
            removal = JobRemoval(link, (await link.pings())[0], job)
            problem = ""
            try:
                await removal.run(parts)
                after: dict[str, str] | None = await link.info()
            except SourceError as error:
                unsure = f" ({removal.under_way:,} more may have been removed)" if removal.under_way else ""
                problem, after = f"broke off: {error}{unsure}", None
        return _receipt(job, removal, (before, after), facts, problem)

    async def verify(self, job: Work, receipt: Receipt) -> Verdict:
        """Count the sets again: did they fall, and does the server answer as quickly as before?"""
        await asyncio.sleep(self._verify_after)
        parts: list[Part] = job.work
        async with redis_link(job.target, self.clock) as link:
            refuse_changed(
                job.plan.target, job.plan.identity, await self._identity(link, job.target, job.params["queue"])
            )
            held = [int(await link.command("ZCARD", part.queue.key(part.state))) for part in parts]
            left = await old_in(link, parts)
            waiting = await waiting_in(link, parts)
            ping = (await link.pings())[PINGS // 2]
        lines = [
            Line(f"{part.queue.name} {part.state}", f"{part.held:,}", f"{now:,}")
            for part, now in zip(parts, held, strict=True)
        ]
        lines.append(Line("waiting, active, delayed", f"{receipt.facts['waiting']:,.0f}", f"{waiting:,}"))
        lines.append(Line("PING", str(seconds(receipt.facts["ping"])), str(seconds(ping))))
        if ping > receipt.facts["ping"] + SLOW_PING:
            proof = Proof.WORSE
        elif receipt.applied and left <= receipt.facts["old"] - receipt.applied:
            proof = Proof.HELD
        else:
            proof = Proof.UNCHANGED
        return Verdict(proof=proof, lines=tuple(lines))


def _line(part: Part) -> Line:
    now = f"{part.held:,} jobs"
    return Line(f"{part.queue.name} {part.state}", now, f"{part.held - part.jobs.count:,} jobs")


def _command(link: RedisLink, target: SourceSettings, parts: list[Part], params: Params) -> str:
    """Return what does the same by the library: its `clean` with the age in ms, the limit, and the set."""
    where = link.where
    connection = {"path": where.path} if where.path else {"host": where.host, "port": where.port}
    options = {"prefix": queue_options(target).prefix, "connection": connection | {"db": where.database}}
    calls = [
        f"await new Queue({_json(part.queue.name)}, {_json(options)})"
        f".clean({params.seconds('older_than') * 1000:.0f}, {part.jobs.count}, {_json(part.state)});"
        for part in parts
        if part.jobs.count
    ]
    script = f"const {{ Queue }} = require('bullmq'); (async () => {{ {' '.join(calls[:SHOWN])} process.exit(); }})()"
    return shlex.join(["node", "-e", script])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _watches(target: SourceSettings, queues: list[Queue]) -> tuple[Watch, ...]:
    found = [
        Watch(
            label=f"{queue.name} depth",
            source=target.name,
            metric="queue.depth",
            attributes=attributes({"queue": queue.name, "kind": "bullmq"}),
            tolerance=0.5,
        )
        for queue in queues[:WATCHED]
    ]
    found.append(Watch(label="latency p99", source=target.name, metric="redis.latency.p99", tolerance=1.0))
    return tuple(found)


def _receipt(
    job: Work,
    removal: JobRemoval,
    infos: tuple[dict[str, str], dict[str, str] | None],
    facts: dict[str, float],
    problem: str,
) -> Receipt:
    before, after = infos
    left = removal.changed + removal.flow
    lines = [Line("removed", after=f"{removal.removed:,}")]
    if removal.changed:
        lines.append(Line("left: changed since the preview", after=f"{removal.changed:,}"))
    if removal.flow:
        lines.append(Line("left: part of a flow that goes on", after=f"{removal.flow:,}"))
    if after is not None:
        lines.append(Line("memory", *(str(size(number(info, "used_memory"))) for info in (before, after))))
    lines.append(Line("server held up, p99", after=str(seconds(removal.pacer.p99))))
    return Receipt(
        message=f"{removal.removed:,} of {job.plan.count:,} jobs removed"
        + ("" if removal.complete else "; cancelled before the end"),
        lines=tuple(lines),
        facts={"ping": removal.pacer.baseline, **facts},
        complete=removal.complete and not problem,
        applied=removal.removed,
        left=left,
        problem=problem,
    )
