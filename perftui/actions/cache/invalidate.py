"""`cache.invalidate`: remove keys from a cache, by name, by pattern or by tag, on every primary of a cluster.

Preview and apply are apart: the keys are pinned, and of what was written since then only those names are removed.
A tag is a set whose members are keys; the members that were planned leave it too, so that it vanishes unless the
application tagged more meanwhile. UNLINK takes a key away at once and frees its memory in the background.
Needs `+info +ping +dbsize +memory|usage +type +unlink`, for a pattern `+scan`, for a tag `+sscan +srem +multi +exec`,
in a cluster `+cluster|slots`, for another database than the url's `+select`, on the keys concerned.
"""

import asyncio
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence

from perftui.actions.cache.finding import Keys, by_prefix, memory_of, sample
from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.pace import Pacer, rest
from perftui.actions.params import Params
from perftui.actions.redis.cluster import Servers, servers
from perftui.actions.redis.link import PINGS, RedisLink, number, redis_cli, refuse_changed
from perftui.actions.redis.pinned import BLOCK, Pinned
from perftui.config.settings import SourceSettings
from perftui.connect.redis import Command, source_error
from perftui.core.action import SHOWN_TARGETS, ActionInfo, Line, Offer, Param, ParamKind, Proof, Risk, Watch
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError
from perftui.core.text import clean
from perftui.core.units import percent, seconds, size

KEYS_PER_SECOND = 100_000.0
FIRST_BATCH = 200
HIGH_SHARE = 0.2
SHOWN_PREFIXES = 10
VERIFY_AFTER = 2.0
SLOW_PING = 0.010
BESIDE_SCAN = 15.0
_WHY = "a replica takes no writes"


class CacheInvalidate(Action):
    """Removes the keys that were planned, and no others."""

    info = ActionInfo(
        id="cache.invalidate",
        title="Invalidate keys",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("redis",),
        params=(
            Param(name="key", help="one key", is_subject=True),
            Param(name="pattern", help="or a glob pattern, such as user:*:profile"),
            Param(name="tag", help="or the set whose members are the keys, such as tag:news"),
            Param(
                name="database", help="its number; the url's when empty", kind=ParamKind.INTEGER, least=0, most=10_000
            ),
        ),
    )

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    @property
    def plan_deadline(self) -> float:
        """Seconds that the preview may take: the scan, and what is asked before and after it."""
        return self.ground.settings.actions.scan_seconds + BESIDE_SCAN

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return one; which keys, only whoever asks knows."""
        known = {name: text for name, text in ask.params.items() if name in ("key", "pattern", "tag", "database")}
        return (self.offer(target, note="" if known else "a key, a pattern or a tag, as you say", **known),)

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return run_id, role and address of the server, or of every primary of its cluster."""
        async with servers(target, self.clock, _WHY, _database(params)) as found:
            return found.identity

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Look for the keys, pin them and count them by prefix."""
        if sum(bool(params[name]) for name in ("key", "pattern", "tag")) != 1:
            raise Refused("parameters", "exactly one of key, pattern and tag says what goes", "give one of them")
        async with servers(target, self.clock, _WHY, _database(params)) as found:
            looked = Keys(found, target, self.clock, self.ground.settings.actions)
            keys = await looked.pinned(params)
            total = await found.size()
            memory = await memory_of(found, keys)
            # Of one key that was named it says nothing that it may be the only one.
            share = 0.0 if params["key"] else min(1.0, keys.count / max(total, 1))
            return Findings(
                title=f"invalidate {_what(params, keys)} on {target.name}",
                command=_command(found, params),
                identity=found.identity,
                targets=tuple(clean(key, 200) for key in sample(keys, SHOWN_TARGETS)),
                count=keys.count,
                pin=keys.digest,
                work=keys,
                weight=keys.held,
                share=share or None,
                risk=Risk.HIGH if share > HIGH_SHARE else None,
                lines=(*await _preview(keys, total, memory), *_nodes(found)),
                rests_on=(f"{'a scan' if params['pattern'] else 'a look'} at {_where(found)}, just now",),
                unknown=(
                    "which of them have expired: a look frees an expired key that it meets",
                    "how much the origin is asked for until they are written again",
                ),
                warnings=_warnings(found, params, share),
                estimate=keys.count / KEYS_PER_SECOND,
                watches=(
                    Watch(label="evictions", source=target.name, metric="redis.keys.evicted"),
                    Watch(label="latency p99", source=target.name, metric="redis.latency.p99", tolerance=1.0),
                ),
            )

    async def apply(self, job: Job) -> Receipt:
        """Unlink the pinned keys in batches; what is gone already is left."""
        keys: Pinned = job.work
        async with servers(job.target, self.clock, _WHY, _database(job.params)) as found:
            refuse_changed(job.plan.target, job.plan.identity, found.identity)
            before, held = found.infos, await found.size()
            removal = _KeyRemoval(found, job, self.clock, min([(await link.pings())[0] for link in found.links]))
            problem = ""
            try:
                await removal.run(keys)
                lines = await _measured(found, before, held)
            except SourceError as error:
                unsure = f" ({removal.under_way:,} more may be gone)" if removal.under_way else ""
                problem, lines = f"broke off: {error}{unsure}", ()
            return _receipt(removal, before, lines, problem or removal.trouble)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look at a sample of the keys, without counting as a look-up, and at the server's latency and evictions."""
        await asyncio.sleep(self._verify_after)
        looked = sample(job.work, SHOWN_TARGETS)
        async with servers(job.target, self.clock, _WHY, _database(job.params)) as found:
            refuse_changed(job.plan.target, job.plan.identity, found.identity)
            there = [await found.link(key).command("MEMORY", "USAGE", key) is not None for key in looked]
            ping = max([(await link.pings())[PINGS // 2] for link in found.links])
            evicted = sum(number(info, "evicted_keys") for info in found.infos)
        lines = (
            Line(
                f"of {len(looked):,} keys looked at", after=f"{there.count(False):,} gone, {sum(there):,} written again"
            ),
            Line("PING", str(seconds(receipt.facts["ping"])), str(seconds(ping))),
        )
        if evicted > receipt.facts["evicted"] or ping > receipt.facts["ping"] + SLOW_PING:
            return Verdict(proof=Proof.WORSE, lines=lines)
        return Verdict(proof=Proof.HELD if receipt.applied else Proof.UNCHANGED, lines=lines)


class _KeyRemoval:
    """One pass over the pinned keys."""

    def __init__(self, found: Servers, job: Job, clock: Clock, baseline: float) -> None:
        self.applied = self.left = self.failed = self.under_way = 0
        self.trouble = ""
        self.complete = True
        self.pacer = Pacer(baseline, BLOCK, first=FIRST_BATCH)
        self._servers = found
        self._job = job
        self._clock = clock
        self._tag = job.params["tag"].encode()

    async def run(self, keys: Pinned) -> None:
        """Remove them; stops between two batches once cancelled. Raises SourceError."""
        for batch in self._batches(keys):
            if self._job.cancelled.is_set():
                self.complete = False
                return
            self.under_way = len(batch)
            began = self._clock.monotonic()
            gone = await (self._unlink_by_slot(batch) if self._servers.is_cluster else self._unlink(batch))
            work = self._clock.monotonic() - began
            self.under_way = 0
            self.applied += gone
            done, total = self.applied + self.left + self.failed, keys.count
            self._job.report(min(0.99, done / total), f"{done:,} of {total:,} keys")
            ping = max([(await link.timed("PING"))[0] for link in self._servers.links])
            await rest(self._job.cancelled, self.pacer.pause(work, ping))

    def _batches(self, keys: Pinned) -> Iterator[list[bytes]]:
        for block in keys:
            while block:
                most = self.pacer.batch
                yield block[:most]
                block = block[most:]

    async def _unlink(self, batch: list[bytes]) -> int:
        """Remove keys of one server; return how many were there."""
        (link,) = self._servers.links
        if not self._tag:
            gone = int(await link.command("UNLINK", *batch))
        else:
            # In one step: a key that is written and tagged between the two would be in the cache without its tag.
            commands: list[Command] = [("MULTI",), ("UNLINK", *batch), ("SREM", self._tag, *batch), ("EXEC",)]
            *_, done = await link.pipeline(commands)
            if isinstance(done, Exception):
                raise source_error(done, link.where)
            gone = int(done[0])
        self.left += len(batch) - gone
        return gone

    async def _unlink_by_slot(self, batch: list[bytes]) -> int:
        """Remove keys one by one, since a command may touch one slot alone, but sent together to each server."""
        places: dict[int, list[bytes]] = defaultdict(list)
        for key in batch:
            places[self._servers.place(key)].append(key)
        gone, untagged = 0, []
        for place, keys in places.items():
            link = self._servers.links[place]
            for key, reply in zip(keys, await link.pipeline([("UNLINK", key) for key in keys]), strict=True):
                if isinstance(reply, Exception):
                    self.failed += 1
                    self.trouble = self.trouble or _trouble(reply, link)
                else:
                    gone += reply
                    self.left += 1 - reply
                    untagged.append(key)
        if self._tag and untagged:
            await self._servers.link(self._tag).command("SREM", self._tag, *untagged)
        return gone


def _trouble(error: Exception, link: RedisLink) -> str:
    from redis.exceptions import AskError

    if isinstance(error, AskError):  # or MovedError, which is one
        return f"slots have moved away from {link.where}: preview it again for what stayed"
    return str(source_error(error, link.where))


def _database(params: Params) -> int | None:
    return params.integer("database") if params["database"] else None


def _what(params: Params, keys: Pinned) -> str:
    if params["key"]:
        return params["key"]
    counted = f"{keys.count:,} {'key' if keys.count == 1 else 'keys'}"
    return f"{counted} tagged {params['tag']}" if params["tag"] else f"{counted} like {params['pattern']}"


def _where(found: Servers) -> str:
    return f"{len(found.links)} primaries" if found.is_cluster else str(found.links[0].where)


async def _preview(keys: Pinned, total: int, memory: float | None) -> tuple[Line, ...]:
    prefixes = await by_prefix(keys)
    lines = [Line("keys", f"{total:,}", f"{max(0, total - keys.count):,}")]
    lines += [Line(name, f"{number:,}", "0 of these") for name, number in prefixes[:SHOWN_PREFIXES]]
    rest_of = prefixes[SHOWN_PREFIXES:]
    if rest_of:
        lines.append(Line(f"{len(rest_of)} other prefixes", f"{sum(each for _, each in rest_of):,}", "0 of these"))
    if memory is not None:
        lines.append(Line("memory that they take", f"about {size(memory)}", "freed in the background"))
    return tuple(lines)


def _nodes(found: Servers) -> tuple[Line, ...]:
    if not found.is_cluster:
        return ()
    return (Line("primaries", ", ".join(str(link.where) for link in found.links)),)


def _warnings(found: Servers, params: Params, share: float) -> tuple[str, ...]:
    warnings = ["the hit ratio falls until the keys are written again: that is expected"]
    if share > HIGH_SHARE:
        warnings.append(f"{percent(share)} of all keys: what stands behind the cache takes their load at once")
    if params["pattern"]:
        warnings.append("this preview looked at every key, and so freed those it met that had expired")
    if found.is_cluster and params["tag"]:
        warnings.append("a key that is written and tagged while this runs may lose its tag")
    return tuple(warnings)


def _command(found: Servers, params: Params) -> str:
    """Return what does the same by hand, on each server."""
    commands = []
    for link in found.links:
        database = _database(params)
        cli = redis_cli(link, link.where.database if database is None else database)
        each = (
            f"xargs -r -d '\\n' -n {1 if found.is_cluster else BLOCK} {cli}{' -c' if found.is_cluster else ''} UNLINK"
        )
        if params["pattern"]:
            commands.append(f"{cli} --scan --pattern {shlex.quote(params['pattern'])} | {each}")
        elif found.place((params["key"] or params["tag"]).encode()) == found.links.index(link):
            name = shlex.quote(params["key"] or params["tag"])
            members = f"{cli} --raw SMEMBERS {name} | {each}; " if params["tag"] else ""
            commands.append(f"{members}{cli} UNLINK {name}")
    return "; ".join(commands)


async def _measured(found: Servers, before: list[dict[str, str]], held: int) -> tuple[Line, ...]:
    after = await found.read_infos()
    memory = [sum(number(info, "used_memory") for info in infos) for infos in (before, after)]
    return (
        Line("keys", f"{held:,}", f"{await found.size():,}"),
        Line("memory", str(size(memory[0])), str(size(memory[1]))),
    )


def _receipt(removal: _KeyRemoval, before: list[dict[str, str]], lines: tuple[Line, ...], problem: str) -> Receipt:
    gone = f", {removal.left:,} were gone already" if removal.left else ""
    return Receipt(
        message=f"{removal.applied:,} keys removed{gone}" + ("" if removal.complete else "; cancelled before the end"),
        lines=(
            Line("removed", after=f"{removal.applied:,}"),
            *lines,
            Line("server held up, p99", after=str(seconds(removal.pacer.p99))),
        ),
        facts={
            "ping": removal.pacer.baseline,
            "evicted": sum(number(info, "evicted_keys") for info in before),
        },
        complete=removal.complete and not problem,
        applied=removal.applied,
        left=removal.left,
        failed=removal.failed,
        problem=problem,
    )
