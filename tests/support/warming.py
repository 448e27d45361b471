"""A stage around `cache.warm` with one recipe, `users`, and what the tests of both of its halves ask."""

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from perftui.actions.cache.warm import CacheWarm
from perftui.config.remedies import WarmRecipe
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Plan
from perftui.core.clock import SystemClock
from tests.support.mariadb_server import MariaDBServer
from tests.support.redis_server import RedisServer, Wire
from tests.unit.actions.stage import Stage


class WarmStage(Stage):
    """A stage whose cache has one recipe, `users`, and a database beside it."""

    def __init__(self, folder: Path, server: RedisServer, recipe: WarmRecipe, password: str = "") -> None:
        def made(ground: Stage, _: object) -> CacheWarm:
            return CacheWarm(ground, SystemClock(), apart=0.05, verify_after=0.0, rng=random.Random(7))

        super().__init__(folder, made, options=server.options(password=password))  # type: ignore[arg-type]
        self.settings = msgspec.structs.replace(Settings(), warm={"users": recipe})
        self.more: dict[str, SourceSettings] = {}

    @property
    def sources(self) -> Mapping[str, SourceSettings]:
        return {**super().sources, **self.more}

    async def plan(self, **params: str) -> Plan:
        return await super().plan(recipe="users", **params)


def stage_for(server: RedisServer, folder: Path, database: MariaDBServer | None = None, **recipe: object) -> WarmStage:
    stage = WarmStage(folder, server, WarmRecipe(target="cache-1", **recipe))  # type: ignore[arg-type]
    if database is not None:
        stage.more["orders-db"] = SourceSettings(name="orders-db", kind="mysql", options=database.options())
    return stage


def key_file(folder: Path, keys: int, **more: object) -> str:
    path = folder / "keys.jsonl"
    lines = (json.dumps({"key": f"k:{each}", "value": f"v{each}", **more}) for each in range(keys))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def stat(wire: Wire, name: str) -> int:
    found = re.search(rf"{name}:(\d+)", bytes(wire("INFO", "stats")).decode())  # type: ignore[arg-type]
    assert found is not None
    return int(found[1])
