"""Asks URLs, so that the application fills its own cache; each for itself, a bounded number at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perftui.config.remedies import WarmRecipe
from perftui.core.errors import SourceError
from perftui.core.text import clean

if TYPE_CHECKING:
    import httpx

URL_LIMIT = 10.0
MOST_URLS = 10_000
_MOST_READ = 1 << 20
_LOOK_EVERY = 1.0


@dataclass
class Visits:
    """What became of the URLs; `statuses` counts the answers by their status."""

    done: int = 0
    failed: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    first_failure: str = ""
    problem: str = ""
    complete: bool = True


async def visit(
    recipe: WarmRecipe,
    cancelled: asyncio.Event,
    report: Any,
    trouble: Callable[[], Awaitable[str]],
) -> Visits:
    """GET every URL. `trouble` says now and then why the rest had better be left alone; empty while nothing does."""
    from perftui.connect.http_call import Question, transport_for

    visits, waiting = Visits(), iter(recipe.urls)
    tls = next((url for url in recipe.urls if url.startswith("https:")), "")

    async def work() -> None:
        for url in waiting:
            if cancelled.is_set() or visits.problem:
                visits.complete = False
                return
            await _one(url, transport, visits)
            answered = visits.done + visits.failed
            report(min(0.99, answered / len(recipe.urls)), f"{answered:,} of {len(recipe.urls):,} URLs")

    async def watch() -> None:
        while not visits.problem:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                visits.problem = await trouble()
            except SourceError as error:
                visits.problem = f"broke off: {error}"

    async with transport_for(Question(tls), recipe.concurrency) as transport:
        watching = asyncio.create_task(watch())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(recipe.concurrency):
                    group.create_task(work())
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    return visits


async def _one(url: str, transport: "httpx.AsyncHTTPTransport", visits: Visits) -> None:
    from perftui.connect.http import place_of
    from perftui.connect.http_call import Question, ask

    try:
        sent = await ask(Question(url), URL_LIMIT, limit=_MOST_READ, transport=transport)
    except SourceError as error:
        visits.failed += 1
        visits.first_failure = visits.first_failure or str(error)
        return
    visits.statuses[sent.status] += 1
    if 200 <= sent.status <= 399:
        visits.done += 1
    else:
        visits.failed += 1
        visits.first_failure = visits.first_failure or clean(f"{place_of(url)} answered {sent.status}", 300)
