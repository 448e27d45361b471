"""`cache.tune`: set a Redis' memory limit, its eviction policy and its eviction samples, with the old values as undo.

CONFIG SET alone, no CONFIG REWRITE: a restart takes it back. Lowering below what is used evicts at once, so it goes
in steps. The undo brings back the settings and no key. It may exceed the room that there is, as before, but like any
other change it evicts nothing where job queues live: where it would, the change is not called reversible.
Needs `+info +ping +config|get +config|set +scan +select`; managed services usually forbid CONFIG.
"""

import asyncio
import math
from collections.abc import Sequence

from perftui.actions.cache.memory_bound import Bound, bound_of
from perftui.actions.cache.tuning import MIB, NAMES, Change, Server, Setting, read_config
from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.redis.link import (
    PINGS,
    RedisLink,
    identity_of,
    keyspace,
    number,
    redis_cli,
    redis_link,
    refuse_changed,
    refuse_replica,
)
from perftui.actions.redis.queues import bullmq_names, look_for_queues
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Must, Offer, Param, ParamKind, Proof, Risk, Undo, Watch
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError
from perftui.core.units import count, seconds, size

PARAMS = {"maxmemory": "maxmemory", "maxmemory-policy": "policy", "maxmemory-samples": "samples"}
POLICIES = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)
RAISE = 1.25
EVICTED_PER_SECOND = 200_000.0
VERIFY_AFTER = 3.0
SLOW_PING = 0.010
_NOT_PERSISTED = "not persisted: CONFIG REWRITE is not done, and a restart takes it back"


class CacheTune(Action):
    """Changes up to three settings, and remembers what they were."""

    info = ActionInfo(
        id="cache.tune",
        title="Tune memory and eviction",
        key="o",
        risk=Risk.MEDIUM,
        reversible=True,
        kinds=("redis",),
        params=(
            Param(name="maxmemory", help="the memory limit, 0 for none", kind=ParamKind.SIZE),
            Param(
                name="share",
                help="or the limit as a share of the host's or cgroup's memory",
                kind=ParamKind.NUMBER,
                least=0.01,
                most=1.0,
            ),
            Param(name="policy", help="which keys go when it is full", choices=POLICIES),
            Param(name="samples", help="how many keys an eviction compares", kind=ParamKind.INTEGER, least=1, most=64),
            Param(
                name="restoring",
                help="sets back what was (an undo): the limit may be more than there is room for",
                kind=ParamKind.FLAG,
                default="no",
            ),
        ),
    )

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return one with what is known; where the latest reading has a limit, first a quarter more."""
        (asked,) = super().offers(target, ask)
        if asked.params:
            return (asked,)
        reading = self.ground.readings.get(target.name)
        samples = reading.samples if reading else ()
        limit = next((sample.value for sample in samples if sample.metric == "redis.memory.max"), 0.0)
        open_one = self.offer(target, note="maxmemory, share, policy or samples, as you say")
        if not limit:
            return (open_one,)
        more = math.ceil(limit * RAISE / MIB) * MIB
        note = f"from {size(limit)}, if the host has room"
        return self.offer(target, f"Raise maxmemory to {size(more)}", note, maxmemory=str(more)), open_one

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return run_id, role and address, and the three settings as they are."""
        async with redis_link(target, self.clock) as link:
            return _identity(await link.info(), await read_config(link), link)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read INFO and CONFIG, and refuse what would lose data or jobs."""
        if not any(params[name] for name in ("share", *PARAMS.values())):
            raise Refused("parameters", "nothing is said to change", "give maxmemory, share, policy or samples")
        if params["maxmemory"] and params["share"]:
            raise Refused("parameters", "maxmemory and share say the same thing", "give one of them")
        async with redis_link(target, self.clock) as link:
            info = await link.info()
            refuse_replica(target, info, "a replica leaves eviction to its primary")
            config = await read_config(link)
            bound = bound_of(self.ground, link, info, config)
            server = Server(target.name, info, config, _wanted(config, params, bound))
            changes = _changes(server)
            warnings = [_NOT_PERSISTED, *_judge(server, bound, restoring=params.flag("restoring"))]
            at_risk, whole = await self._queues_at_risk(link, target, server)
        if at_risk and server.evicts_more:
            raise Refused("target", at_risk, "keep noeviction there, or move the queue to a server of its own")
        if not whole:
            warnings.append("not all keys were looked at: a job queue among them would lose jobs")
        if at_risk:
            warnings.append(f"it cannot be taken back: {at_risk}")
        names = ", ".join(change.name for change in changes)
        return Findings(
            title=f"set {'back ' if params.flag('restoring') else ''}{names} of {target.name}",
            command="; ".join(f"{redis_cli(link, 0)} CONFIG SET {each.name} {each.after}" for each in changes),
            identity=_identity(info, config, link),
            targets=tuple(f"{change.name} {change.before} → {change.after}" for change in changes),
            work=changes,
            lines=_preview(server, changes, bound),
            share=server.evicted / server.keys if server.over and server.keys else None,
            reversible=False if at_risk else None,
            risk=Risk.HIGH if server.over or any(_unbounds(change) for change in changes) else None,
            rests_on=(f"INFO and CONFIG of {link.where}, just read", f"at most {size(bound.most)}: {bound.words}"),
            unknown=(*bound.unknown, *(("which keys go: the policy samples them",) if server.over else ())),
            warnings=tuple(warnings),
            estimate=server.evicted / EVICTED_PER_SECOND + 0.1,
            watches=_watches(target, server, self.ground),
        )

    async def _queues_at_risk(self, link: RedisLink, target: SourceSettings, server: Server) -> tuple[str, bool]:
        """Return why the change, or else its undo, would evict jobs, and whether all keys were looked at.

        An evicted job is lost, and nobody is told.
        """
        policy = next((each.policy for each in (server, server.undone) if each.evicts_more), "")
        if not policy:
            return "", True
        queues, whole = bullmq_names(self.ground, target), True
        if not queues:
            queues, whole = await look_for_queues(link, target, list(keyspace(server.info)))
        if not queues:
            return "", whole
        return f"the BullMQ queue {queues[0]} lives on {target.name}, and {policy} would evict its jobs", True

    async def apply(self, job: Job) -> Receipt:
        """Set what was planned, the limit in steps where that evicts."""
        changes: tuple[Change, ...] = job.work
        async with redis_link(job.target, self.clock) as link:
            info = await link.info()
            refuse_changed(job.plan.target, job.plan.identity, _identity(info, await read_config(link), link))
            setting = Setting(link, job, self.clock)
            facts = {"ping": (await link.pings())[0], "refused": _refused(info), "evicted": _evicted(info)}
            problem = ""
            try:
                await setting.run(changes)
                info = await link.info()
            except SourceError as error:
                if not setting.done:
                    raise
                problem = f"broke off: {error}"
            return _receipt(job, setting, (facts, info), problem or setting.trouble)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Read the settings again, and whether writes are refused now."""
        await asyncio.sleep(self._verify_after)
        async with redis_link(job.target, self.clock) as link:
            info = await link.info()
            planned = {name: job.plan.identity[name] for name in identity_of(info, link)}
            refuse_changed(job.plan.target, planned, identity_of(info, link))
            config = await read_config(link)
            ping = (await link.pings())[PINGS // 2]
        changes: tuple[Change, ...] = job.work
        lines = [Line(f"{each.name}, in force", each.before, config[each.name]) for each in changes]
        lines.append(Line("memory", after=str(size(number(info, "used_memory")))))
        lines.append(Line("PING", str(seconds(receipt.facts["ping"])), str(seconds(ping))))
        refused = _refused(info) - receipt.facts["refused"]
        if refused > 0:
            lines.append(Line("writes refused since", after=f"{refused:,.0f}"))
        holds = all(config[each.name] == each.after for each in changes)
        if refused > 0 or ping > receipt.facts["ping"] + SLOW_PING:
            return Verdict(proof=Proof.WORSE, lines=tuple(lines))
        return Verdict(proof=Proof.HELD if holds else Proof.UNCHANGED, lines=tuple(lines))


def _unbounds(change: Change) -> bool:
    """Return whether it takes the limit away."""
    return change.name == "maxmemory" and change.after == "0"


def _identity(info: dict[str, str], config: dict[str, str], link: RedisLink) -> dict[str, str]:
    return identity_of(info, link) | {name: config[name] for name in NAMES}


def _wanted(config: dict[str, str], params: Params, bound: Bound) -> dict[str, str]:
    wanted = {name: config[name] for name in NAMES}
    if params["maxmemory"]:
        wanted["maxmemory"] = str(params.size("maxmemory"))
    if params["share"]:
        wanted["maxmemory"] = str(int(params.number("share") * bound.whole))
    wanted["maxmemory-policy"] = params["policy"] or wanted["maxmemory-policy"]
    wanted["maxmemory-samples"] = params["samples"] or wanted["maxmemory-samples"]
    return wanted


def _changes(server: Server) -> tuple[Change, ...]:
    """Return what changes, in the order in which nothing is refused or lost in between. Raises Refused for nothing."""
    before, after = server.config, server.wanted
    changes = [Change(name, before[name], after[name]) for name in NAMES if before[name] != after[name]]
    if not changes:
        raise Refused(
            "parameters", f"{server.name} is set so already", "give another maxmemory, share, policy or samples"
        )
    return tuple(reversed(changes)) if server.over else tuple(changes)


def _judge(server: Server, bound: Bound, *, restoring: bool) -> list[str]:
    """Return warnings. Raises Refused where the change would let writes fail or the host run out of memory."""
    limit, warnings = int(server.wanted["maxmemory"]), []
    if limit > bound.most and server.config["maxmemory"] != str(limit):
        reason = f"{size(limit)} is more than the {size(bound.most)} that there is room for: {bound.words}"
        if not restoring:
            raise Refused("limits", reason, f"choose at most {size(bound.most)}")
        warnings.append(reason)
    if not limit and server.config["maxmemory"] != "0":
        warnings.append("without a limit it grows until the kernel kills something")
    evictable = sum(expires for _, expires in keyspace(server.info).values())
    needs_expiry = server.policy.startswith("volatile") and not evictable
    if server.over and (server.policy == "noeviction" or needs_expiry):
        why = "no key has an expiry" if needs_expiry else "noeviction keeps every key"
        reason = f"{size(server.used)} are in use, and {why}: below that all writes fail at once"
        raise Refused("target", reason, f"choose more than {size(server.used)}, or a policy that evicts")
    if server.over:
        evicted = f"about {count(server.evicted)} of {count(server.keys)} keys are evicted, for good"
        warnings.append(f"{evicted}: setting it back brings none of them back")
    elif server.evicts_more:
        warnings.append("what is evicted from now on is gone for good: setting it back brings no key back")
    if server.info.get("cluster_enabled") == "1":
        warnings.append("this is one node of a cluster: the others keep their settings")
    if number(server.info, "connected_slaves"):
        warnings.append("its replicas keep their own settings, which hold once one is promoted")
    return warnings


def _preview(server: Server, changes: tuple[Change, ...], bound: Bound) -> tuple[Line, ...]:
    lines = [Line(change.name, *change.words()) for change in changes]
    used = number(server.info, "used_memory")
    lines.append(
        Line("memory in use", str(size(used)), f"about {size(used - server.over)}" if server.over else "the same")
    )
    lines.append(Line("room for it", str(size(bound.most)), bound.words))
    return tuple(lines)


def _watches(target: SourceSettings, server: Server, ground: Ground) -> tuple[Watch, ...]:
    reading = ground.readings.get(target.name)
    evicts = any(each.metric == "redis.keys.evicted" and each.value for each in (reading.samples if reading else ()))
    watches = [
        Watch(label="writes refused", source=target.name, metric="redis.writes.refused"),
        Watch(label="latency p99", source=target.name, metric="redis.latency.p99", tolerance=1.0),
    ]
    if not server.over:
        must = Must.IMPROVE if evicts and not server.is_tighter else Must.KEEP
        watches.append(Watch(label="evictions", source=target.name, metric="redis.keys.evicted", must=must))
        watches.append(Watch(label="hit ratio", source=target.name, metric="redis.hit_ratio", bad="down"))
    return tuple(watches)


def _receipt(job: Job, setting: Setting, found: tuple[dict[str, float], dict[str, str]], problem: str) -> Receipt:
    facts, info = found
    done = tuple(setting.done.values())
    planned: tuple[Change, ...] = job.work
    complete = not problem and done == planned
    evicted = _evicted(info) - facts["evicted"]
    words = ", ".join(f"{change.name} {' → '.join(change.words())}" for change in done) or "nothing was changed"
    back = {PARAMS[change.name]: change.before for change in done}
    is_undoable = bool(back) and job.plan.reversible
    title = f"set back {', '.join(setting.done)}" + ("; evicted keys stay gone" if evicted > 0 else "")
    return Receipt(
        message=f"{words}; {_NOT_PERSISTED}" + ("" if complete or problem else "; cancelled before the end"),
        lines=(
            *(Line(change.name, *change.words()) for change in done),
            Line("keys evicted", after=f"{max(0.0, evicted):,.0f}"),
            Line("memory", after=str(size(number(info, "used_memory")))),
        ),
        facts=facts,
        complete=complete,
        applied=len(done),
        problem=problem,
        undo=Undo(action="cache.tune", params={**back, "restoring": "yes"}, title=title) if is_undoable else None,
    )


def _refused(info: dict[str, str]) -> float:
    """Return how many commands were refused for lack of memory (6.2 and later)."""
    return float(info.get("errorstat_OOM", "count=0").partition("=")[2] or 0)


def _evicted(info: dict[str, str]) -> float:
    return number(info, "evicted_keys")
