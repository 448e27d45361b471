"""`cleanup.expired`: let a Redis reclaim the expired keys that it still holds.

A SCAN with neither MATCH nor TYPE reclaims expired keys as it passes; nothing else is touched. Looking is touching
here: whatever looks at an expired key deletes it, so the plan reads only INFO and cannot know how many there are.
Only a primary reclaims. Needs `+info +ping +scan +select`.
"""

import asyncio

from perftui.actions.contract import Action, Findings, Ground, Job, Receipt, Report, Verdict
from perftui.actions.pace import Pacer, rest
from perftui.actions.params import Params
from perftui.actions.redis.link import (
    PINGS,
    Keyspace,
    RedisLink,
    identity_of,
    keyspace,
    number,
    redis_cli,
    redis_link,
    refuse_changed,
    refuse_replica,
)
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Proof, Risk
from perftui.core.clock import Clock
from perftui.core.errors import SourceError
from perftui.core.units import MISSING, count, seconds, size

BATCH = 1000
KEYS_PER_SECOND = 100_000.0
VERIFY_AFTER = 3.0
SLOW_PING = 0.010
_NOTE = "the server's own expiry and other clients' look-ups count too"


class CleanupExpired(Action):
    """Sweeps every database that has keys with an expiry."""

    info = ActionInfo(
        id="cleanup.expired",
        title="Free expired keys",
        key="c",
        risk=Risk.LOW,
        reversible=False,
        kinds=("redis",),
    )
    cooldown = 10.0

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the server's run_id (new at each start), its role and its address."""
        async with redis_link(target, self.clock) as link:
            return identity_of(await link.info(), link)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read INFO and nothing else."""
        async with redis_link(target, self.clock) as link:
            info = await link.info()
        refuse_replica(target, info, "only a primary frees expired keys")
        databases = Keyspace({db: keys for db, keys in keyspace(info).items() if keys[1]})
        total = sum(keys for keys, _ in databases.values())
        return Findings(
            title=f"free expired keys on {target.name}",
            command="; ".join(f"{redis_cli(link, db)} --scan > /dev/null" for db in databases),
            identity=identity_of(info, link),
            targets=tuple(f"db{db}" for db in databases),
            lines=_preview(info, databases),
            rests_on=(f"INFO of {link.where}, just read",),
            unknown=(
                "how many keys have expired and wait: looking at them would free them",
                "how large they are: a very large one holds the server up while it is freed",
            ),
            warnings=_warnings(info, databases),
            estimate=total / KEYS_PER_SECOND,
        )

    async def apply(self, job: Job) -> Receipt:
        """Scan each planned database to its end, a batch at a time."""
        plan = job.plan
        async with redis_link(job.target, self.clock) as link:
            before = await link.info()
            refuse_changed(plan.target, plan.identity, identity_of(before, link))
            baseline = (await link.pings())[0]
            databases = [int(name.removeprefix("db")) for name in plan.targets]
            sweep = _Sweep(link, Pacer(baseline, BATCH), keyspace(before), job.report, job.cancelled)
            try:
                complete = await sweep.run(databases)
                return _receipt(before, await link.info(), sweep, complete=complete)
            except SourceError as error:
                return _broken_off(before, sweep, error)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Read INFO again a little later: is less held than before, and is nothing worse?"""
        await asyncio.sleep(self._verify_after)
        async with redis_link(job.target, self.clock) as link:
            now = await link.info()
            refuse_changed(job.plan.target, job.plan.identity, identity_of(now, link))
            pings = await link.pings()
        facts, ping = receipt.facts, pings[PINGS // 2]
        evicting = number(now, "evicted_keys") > facts["evicted_after"] == facts["evicted_before"]
        slower = ping > facts["ping"] + SLOW_PING
        expires = sum(each for _, each in keyspace(now).values())
        smaller = expires < facts["expires_before"] or number(now, "used_memory") < facts["memory_before"]
        lines = (
            Line("keys with an expiry, later", f"{facts['expires_before']:,.0f}", f"{expires:,}"),
            Line("memory, later", str(size(facts["memory_before"])), str(size(number(now, "used_memory")))),
            Line("expired, as the server estimates", _percent(facts["stale"]), _percent(_stale(now))),
            Line("PING", str(seconds(facts["ping"])), str(seconds(ping))),
        )
        if evicting or slower:
            return Verdict(proof=Proof.WORSE, lines=lines)
        return Verdict(proof=Proof.RECOVERED if facts["freed"] > 0 and smaller else Proof.UNCHANGED, lines=lines)


class _Sweep:
    """One pass over the databases; `visited`: about how many keys it looked at."""

    def __init__(self, link: RedisLink, pacer: Pacer, keys: Keyspace, report: Report, cancelled: asyncio.Event) -> None:
        self.visited = 0
        self.pacer = pacer
        self._link = link
        self._keys = keys
        self._report = report
        self._cancelled = cancelled

    async def run(self, databases: list[int]) -> bool:
        """Scan each database; return False when it was cancelled."""
        total = sum(self._keys.get(database, (0, 0))[0] for database in databases)
        for database in databases:
            await self._link.command("SELECT", database)
            if not await self._scan(total):
                return False
        return True

    async def _scan(self, total: int) -> bool:
        cursor = b"0"
        while not self._cancelled.is_set():
            batch = self.pacer.batch
            work, (cursor, found) = await self._link.timed("SCAN", cursor.decode(), "COUNT", batch)
            self.visited += max(batch, len(found))
            shown = min(self.visited, total)
            self._report(min(0.99, shown / total) if total else None, f"{shown:,} of about {total:,} keys looked at")
            if cursor == b"0":
                return True
            ping, _ = await self._link.timed("PING")
            await rest(self._cancelled, self.pacer.pause(work, ping))
        return False


def _preview(info: dict[str, str], databases: Keyspace) -> tuple[Line, ...]:
    lines = [
        Line(f"db{db}", f"{keys:,} keys", f"at most {expires:,} of them freed: those with an expiry")
        for db, (keys, expires) in databases.items()
    ]
    lines.append(Line("memory", str(size(number(info, "used_memory"))), "the same or less"))
    lines.append(Line("expired, as the server estimates", _percent(_stale(info))))
    return tuple(lines)


def _warnings(info: dict[str, str], databases: Keyspace) -> tuple[str, ...]:
    found = []
    if not databases:
        found.append("no key has an expiry: there is nothing to free")
    if info.get("cluster_enabled") == "1":
        found.append("this is one node of a cluster: only its own keys are swept")
    return tuple(found)


def _receipt(before: dict[str, str], after: dict[str, str], sweep: _Sweep, *, complete: bool) -> Receipt:
    freed = number(after, "expired_keys") - number(before, "expired_keys")
    memory = number(before, "used_memory"), number(after, "used_memory")
    keys = [sum(each for each, _ in keyspace(info).values()) for info in (before, after)]
    gained = f", {size(memory[0] - memory[1])}" if memory[1] < memory[0] else ""
    return Receipt(
        message=f"{freed:,.0f} expired keys freed{gained}" + ("" if complete else "; cancelled before the end"),
        complete=complete,
        applied=round(max(0.0, freed)),
        lines=(
            Line("expired keys freed", after=f"{freed:,.0f} ({_NOTE})"),
            Line("keys", f"{keys[0]:,}", f"{keys[1]:,}"),
            Line("memory", str(size(memory[0])), str(size(memory[1]))),
            Line("server held up, p99", after=str(seconds(sweep.pacer.p99))),
        ),
        facts=_facts(before, after, sweep),
    )


def _broken_off(before: dict[str, str], sweep: _Sweep, error: SourceError) -> Receipt:
    return Receipt(
        message=f"about {count(sweep.visited)} keys looked at",
        problem=f"broke off: {error}",
        complete=False,
        facts=_facts(before, before, sweep),  # what it freed, nobody counted
    )


def _facts(before: dict[str, str], after: dict[str, str], sweep: _Sweep) -> dict[str, float]:
    """Return what the second reading is compared with."""
    return {
        "freed": number(after, "expired_keys") - number(before, "expired_keys"),
        "memory_before": number(before, "used_memory"),
        "expires_before": float(sum(each for _, each in keyspace(before).values())),
        "evicted_before": number(before, "evicted_keys"),
        "evicted_after": number(after, "evicted_keys"),
        "stale": _stale(before),
        "ping": sweep.pacer.baseline,
    }


def _stale(info: dict[str, str]) -> float:
    """Return the server's estimate of expired keys among those with an expiry, in per cent; negative: not given."""
    return number(info, "expired_stale_perc") if "expired_stale_perc" in info else -1.0


def _percent(value: float) -> str:
    """Return per cent as they are read, or `–`."""
    return MISSING if value < 0 else f"{value:.1f} %"
