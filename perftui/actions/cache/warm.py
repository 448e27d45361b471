"""`cache.warm`: fill a cache from one of the user's recipes, before the traffic has to.

The items are read once, for the preview, and pinned as the commands that will write them: what was previewed is what is
written. Keys that are there stay as they are (`SET … NX`) unless the recipe says `overwrite`. While the target evicts,
warming makes it worse: it is refused then, and stops when evictions begin. Needs `+info +ping +set
+memory|usage +pttl`.
"""

import asyncio
import hashlib
import random
import shlex
from collections.abc import Sequence

import msgspec

from perftui.actions.cache.warming import room
from perftui.actions.cache.warming.look import count_there, expiries
from perftui.actions.cache.warming.origins import gather
from perftui.actions.cache.warming.packed import PackedItems
from perftui.actions.cache.warming.receipts import visited_receipt, written_receipt
from perftui.actions.cache.warming.visits import MOST_URLS, visit
from perftui.actions.cache.warming.words import command_for, free_words, lifetime, origin_of, warnings_of, watches_of
from perftui.actions.cache.warming.writer import Writer
from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.pace import Pacer
from perftui.actions.params import Params
from perftui.actions.proof.latest import latest
from perftui.actions.redis.link import RedisLink, identity_of, number, redis_link
from perftui.config.remedies import WarmRecipe
from perftui.config.settings import SourceSettings
from perftui.core.action import SHOWN_TARGETS, ActionInfo, Line, Offer, Param, Proof, Risk
from perftui.core.clock import Clock
from perftui.core.errors import Refused, TargetChanged
from perftui.core.text import clean, did_you_mean
from perftui.core.units import MISSING, count, percent, size

WINDOW = 60.0
KEYS_PER_SECOND = 25_000.0
"""Measured, batches of 50 on two slow cores; the target's latency may make it slower."""
URLS_PER_SECOND = 20.0
APART = 1.0
VERIFY_AFTER = 1.0
_LOOKED_AT = 100
_TTLS = 10


class CacheWarm(Action):
    """Writes the items of a recipe, or asks its URLs."""

    info = ActionInfo(
        id="cache.warm",
        title="Warm",
        key="w",
        risk=Risk.LOW,
        reversible=False,
        kinds=("redis",),
        params=(Param(name="recipe", help="a [warm.NAME] table whose target this is", required=True, is_subject=True),),
    )
    plan_deadline = 35.0

    def __init__(
        self,
        ground: Ground,
        clock: Clock,
        *,
        apart: float = APART,
        verify_after: float = VERIFY_AFTER,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(ground, clock)
        self._apart = apart
        self._verify_after = verify_after
        self._rng = rng or random.Random()

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return an offer for each recipe of this target; it remedies a low hit rate, and no other alert."""
        wanted = ask.params.get("recipe", "")
        serves = (target.name,) if ask.alert is not None and ask.alert.metric == room.HIT_RATIO else ()
        return [
            msgspec.structs.replace(self.offer(target, f"warm {name}", origin_of(recipe), recipe=name), serves=serves)
            for name, recipe in self.ground.settings.warm.items()
            if recipe.target == target.name and wanted in ("", name)
        ]

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the server's run_id, role and address, and a digest of the recipe as it is written now."""
        recipe = self._recipe(target, params["recipe"])
        async with redis_link(target, self.clock) as link:
            return _identity(await link.info(), link, recipe)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the recipe's items and pin them; of the target only INFO and the size of a sample of keys are read."""
        name = params["recipe"]
        recipe = self._recipe(target, name)
        async with redis_link(target, self.clock) as link:
            first, taken = await link.info(), self.clock.monotonic()
            room.refuse_role(target, first)
            if recipe.urls:
                info = await room.look_twice(link, self.clock, first, taken, self._apart)
                room.refuse_eviction(target, self.ground, first, info)
                return self._visit_findings(target, name, recipe, _identity(info, link, recipe))
            pinned = await self._pin(name, recipe)
            info = await room.look_twice(link, self.clock, first, taken, self._apart)
            room.refuse_eviction(target, self.ground, first, info)
            free = room.free_memory(target, self.ground, info)
            room.refuse_too_large(target, pinned.memory, free[0])
            pinned.evicted = number(info, "evicted_keys")
            there = await count_there(link, pinned.sample)
            return self._findings(target, name, recipe, pinned, link, info, free, there)

    async def apply(self, job: Job) -> Receipt:
        """Write what was pinned, or ask the URLs."""
        recipe = self._recipe(job.target, job.params["recipe"])
        async with redis_link(job.target, self.clock) as link:
            before = await link.info()
            if _identity(before, link, recipe) != job.plan.identity:
                raise TargetChanged(f"{job.target.name} or the recipe is not what was previewed; preview it again")
            if recipe.urls:
                visits = await visit(recipe, job.cancelled, job.report, lambda: _evicts(link, before))
                return visited_receipt(visits, len(recipe.urls), before)
            pinned: PackedItems = job.work
            room.refuse_eviction(job.target, self.ground, {"evicted_keys": str(pinned.evicted)}, before)
            free = room.free_memory(job.target, self.ground, before)[0]
            room.refuse_too_large(job.target, pinned.memory, free)
            pacer = Pacer((await link.pings())[0], recipe.batch * recipe.concurrency)
            writer = Writer(link, recipe, pacer, self.clock)
            await writer.run(pinned.batches, job.cancelled, job.report)
            pinned.let_go()
            return written_receipt(writer.tally, pinned, before, pacer)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look for a sample of the keys, and for evictions; the hit rate is watched by the runner."""
        await asyncio.sleep(self._verify_after)
        async with redis_link(job.target, self.clock) as link:
            now = await link.info()
            if now.get("run_id") != job.plan.identity["run_id"]:
                raise TargetChanged(f"{job.target.name} has restarted since")
            facts = receipt.facts
            evicted = number(now, "evicted_keys") - facts["evicted"]
            lines = [Line("evicted since", after=f"{evicted:,.0f} keys")]
            if job.work is None:
                proof = Proof.UNKNOWN if evicted <= 0 else Proof.WORSE
                return Verdict(proof=proof, lines=tuple(lines))
            sample = job.work.sample[:: max(1, len(job.work.sample) // _LOOKED_AT)]
            there = await count_there(link, sample)
            few = sample[:: max(1, len(sample) // _TTLS)][:_TTLS]
            living, expiry = await expiries(link, few)
            lines.insert(0, Line("of a sample of keys", f"{len(sample)} looked at", f"{there} are there"))
            lines.append(Line(f"expiry of {len(few)}", after=expiry))
            lines.append(Line("memory", str(size(facts["memory"])), str(size(number(now, "used_memory")))))
        if evicted > 0:
            return Verdict(proof=Proof.WORSE, lines=tuple(lines))
        share = 0.9 * facts["answered"] / max(1.0, facts["planned"])
        kept = facts["written"] > 0 and there >= share * len(sample) and living >= int(share * len(few))
        # That they are there does not show that anybody asks for them: the hit rate, which is watched, does.
        return Verdict(proof=Proof.UNKNOWN if kept else Proof.UNCHANGED, lines=tuple(lines))

    def _recipe(self, target: SourceSettings, name: str) -> WarmRecipe:
        known = {each: recipe for each, recipe in self.ground.settings.warm.items() if recipe.target == target.name}
        recipe = known.get(name)
        if recipe is None:
            hint = did_you_mean(name, known) or (f"there are: {', '.join(known)}" if known else "write a [warm.NAME]")
            raise Refused("recipe", f"there is no recipe {clean(name, 60)} for {target.name}", hint)
        origins = [each for each in (recipe.query, recipe.http, recipe.file, recipe.urls) if each]
        if len(origins) != 1:
            raise Refused("recipe", f"{name} has {len(origins)} origins", "give one of query, http, file and urls")
        if (recipe.query or recipe.http) and not recipe.key:
            raise Refused("recipe", f"{name} has no key", 'write one such as key = "user:{id}"')
        return recipe

    async def _pin(self, name: str, recipe: WarmRecipe) -> PackedItems:
        pinned = PackedItems(recipe, self._rng)
        await gather(recipe, self.ground, pinned)
        if not pinned.count:
            why = f"; the first of {pinned.bad:,}: {pinned.first_bad}" if pinned.bad else ""
            raise Refused("recipe", f"{name} yields nothing that could be written{why}", "mend the recipe")
        return pinned

    def _findings(
        self,
        target: SourceSettings,
        name: str,
        recipe: WarmRecipe,
        pinned: PackedItems,
        link: RedisLink,
        info: room.Info,
        free: tuple[float, str],
        there: int,
    ) -> Findings:
        sample = len(pinned.sample)
        # How many of all are there is only told exactly where all were looked at.
        exact, share = sample == pinned.count, there / sample
        existing = f"{there:,}" if exact else f"about {percent(share)} (of {sample:,} looked at)"
        fate = "are overwritten" if recipe.overwrite else "stay as they are"
        lines = [
            Line("keys", after=f"{pinned.count:,}, {size(pinned.payload)}"),
            Line("there already", existing, fate),
            Line(
                "memory",
                free_words(free),
                f"about {size(pinned.memory)} of it taken" if share < 1 else "about the same",
            ),
            Line("they live", after=lifetime(recipe)),
            Line("hit rate", self._hit_rate(target), "watched for 60 s"),
            Line("pace", after=f"about {count(KEYS_PER_SECOND)} keys/s, slower when {target.name} slows down"),
        ]
        return Findings(
            title=f"warm {target.name} with {name}",
            command=command_for(link, recipe),
            identity=_identity(info, link, recipe),
            targets=tuple(clean(key, 200) for key in pinned.keys),
            count=pinned.count,
            pin=pinned.digest,
            work=pinned,
            weight=pinned.held,
            lines=tuple(lines),
            risk=Risk.MEDIUM if recipe.overwrite or not recipe.ttl else Risk.LOW,
            rests_on=(f"{origin_of(recipe)}, read just now", f"INFO of {link.where}, read twice"),
            unknown=(
                "whether these are the keys that the traffic will ask for",
                *(["which of those that are there have expired and are not freed yet"] if there else []),
            ),
            warnings=tuple(warnings_of(recipe, pinned)),
            estimate=pinned.count / KEYS_PER_SECOND,
            watches=watches_of(target),
            window=WINDOW,
        )

    def _visit_findings(
        self, target: SourceSettings, name: str, recipe: WarmRecipe, identity: dict[str, str]
    ) -> Findings:
        from perftui.connect.http import place_of

        places = [place_of(url) for url in recipe.urls]
        if len(places) > MOST_URLS:
            raise Refused("recipe", f"{name} has more than {MOST_URLS:,} URLs", "split it")
        shown = [f"curl -s -o /dev/null {shlex.quote(place)}" for place in places[:3]]
        return Findings(
            title=f"warm {target.name} with {name}",
            command="; ".join(shown) + (f"  # and {len(places) - 3:,} more" if len(places) > 3 else ""),
            identity=identity,
            targets=tuple(places[:SHOWN_TARGETS]),
            count=len(places),
            pin=hashlib.sha256("\n".join(recipe.urls).encode()).hexdigest(),
            lines=(
                Line("URLs", after=f"{len(places):,}, {recipe.concurrency} at once"),
                Line("hit rate", self._hit_rate(target), "watched for 60 s"),
            ),
            rests_on=(f"[warm.{name}] as it is written now",),
            unknown=("what the application puts into its cache when it is asked",),
            warnings=("perftui writes nothing itself, so it can take nothing back",),
            estimate=len(places) / URLS_PER_SECOND,
            watches=watches_of(target),
            window=WINDOW,
        )

    def _hit_rate(self, target: SourceSettings) -> str:
        ratio = latest(self.ground, target.name, room.HIT_RATIO)
        return MISSING if ratio is None else str(percent(ratio))


def _identity(info: room.Info, link: RedisLink, recipe: WarmRecipe) -> dict[str, str]:
    # Its repr says everything about a recipe but its secrets.
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]
    return {**identity_of(info, link), "database": str(link.where.database), "recipe": digest}


async def _evicts(link: RedisLink, before: room.Info) -> str:
    evicted = number(await link.info(), "evicted_keys") - number(before, "evicted_keys")
    return f"the target began to evict ({evicted:,.0f} keys), so the rest was not asked" if evicted > 0 else ""
