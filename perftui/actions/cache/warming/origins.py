"""Where the items of a recipe come from: a SQL query, a JSON body or a file; read once, a part at a time."""

import asyncio
import contextlib
import os
import stat
from typing import IO, Any

from perftui.actions.cache.warming.items import MOST_ITEM, Made, line_to_item, object_to_item, rows_to_items
from perftui.actions.cache.warming.packed import PackedItems
from perftui.actions.cache.warming.sql import check_select
from perftui.actions.contract import Ground
from perftui.config.kinds import MySQLOptions
from perftui.config.paths import expanded
from perftui.config.remedies import WarmHttp, WarmQuery, WarmRecipe
from perftui.core.errors import BadAnswer, Refused, Unreachable
from perftui.core.text import clean, did_you_mean

QUERY_LIMIT = 25
"""Seconds after which the server stops the query."""
HTTP_LIMIT = 20.0
MOST_BODY = 32 << 20
_LINES = 500
_OBJECTS = 500


async def gather(recipe: WarmRecipe, ground: Ground, pinned: PackedItems) -> None:
    """Read a recipe's items into `pinned`. Raises Refused for what the recipe cannot mean, SourceError else."""
    if recipe.query is not None:
        await _rows(recipe, recipe.query, ground, pinned)
    elif recipe.http is not None:
        await _objects(recipe, recipe.http, pinned)
    else:
        await _lines(recipe.file, pinned)
    pinned.close()


async def _rows(recipe: WarmRecipe, query: WarmQuery, ground: Ground, pinned: PackedItems) -> None:
    from perftui.connect.mysql import MySQLConnection

    sql = check_select(query.sql)
    source = ground.sources.get(query.source)
    if source is None or not isinstance(source.options, MySQLOptions):
        known = [name for name, each in ground.sources.items() if each.kind == "mysql"]
        hint = did_you_mean(query.source, known) or f"there are: {', '.join(known) or 'none'}"
        raise Refused("recipe", f"{clean(query.source, 60)} is no mysql source", hint)
    connection = MySQLConnection(source.options)
    await connection.open()
    try:
        make = None
        async with contextlib.aclosing(connection.stream(sql, QUERY_LIMIT)) as chunks:
            async for chunk in chunks:
                make = make or rows_to_items(recipe, chunk.names, chunk.types)
                pinned.add(map(make, chunk.rows))
                if pinned.has_more:
                    break
                await asyncio.sleep(0)  # rows that are there already leave the loop no time
    finally:
        await connection.close()


async def _objects(recipe: WarmRecipe, http: WarmHttp, pinned: PackedItems) -> None:
    import jmespath
    from jmespath.exceptions import JMESPathError

    from perftui.connect.http_call import fetch_json

    body = await fetch_json(http.url, http.token, HTTP_LIMIT, MOST_BODY)
    try:
        found: Any = await asyncio.to_thread(jmespath.search, http.items, body)
    except (JMESPathError, RecursionError) as error:
        why = clean(str(error).partition("\n")[0], 120)
        raise Refused("recipe", f"items cannot be found in the body: {why}", "mend its JMESPath") from error
    if not isinstance(found, list):
        what = "nothing" if found is None else type(found).__name__
        raise Refused("recipe", f"items finds {what} in the body, not a list", "write a JMESPath that yields a list")
    for first in range(0, len(found), _OBJECTS):
        pinned.add(object_to_item(recipe, each) for each in found[first : first + _OBJECTS])
        if pinned.has_more:
            return
        await asyncio.sleep(0)


async def _lines(path: str, pinned: PackedItems) -> None:
    try:
        file = await asyncio.to_thread(_open, path)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise Unreachable(f"{clean(path, 200)}: {reason}") from error
    number = 0
    try:
        while not pinned.has_more:
            made = await asyncio.to_thread(_read, file, number)
            if not made:
                return
            number += len(made)
            pinned.add(each for each in made if each is not None)
    except OSError as error:
        raise BadAnswer(f"{clean(path, 200)}: it could not be read to its end") from error
    finally:
        file.close()


def _open(path: str) -> IO[bytes]:
    # Without O_NONBLOCK a pipe would hang.
    handle = os.open(expanded(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "is no regular file")
    return os.fdopen(handle, "rb", buffering=1 << 18)


def _read(file: IO[bytes], before: int) -> list[Made | None]:
    """Return the items of the next lines; None for an empty one. A line that is too long is none, and skipped."""
    made: list[Made | None] = []
    for number in range(before + 1, before + _LINES + 1):
        line = file.readline(MOST_ITEM + 1)
        if not line:
            break
        if len(line) > MOST_ITEM:
            while line and not line.endswith(b"\n"):
                line = file.readline(1 << 20)
            made.append(f"line {number}: it is larger than {MOST_ITEM >> 20} MiB")
            continue
        item = line_to_item(line) if line.strip() else None
        made.append(f"line {number}: {item}" if isinstance(item, str) else item)
    return made
