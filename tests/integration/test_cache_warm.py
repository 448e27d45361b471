"""`cache.warm` on real servers: what was previewed is written, nothing else is touched, nothing is made worse."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from perftui.actions.frame import plans
from perftui.config.duration import Duration
from perftui.config.remedies import WarmHttp, WarmQuery, WarmRecipe
from perftui.config.secret import Secret
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Must, Outcome, Proof, Risk
from perftui.core.alert import Alert
from perftui.core.errors import Denied, Refused, TargetChanged
from tests.support.http_app import Asked, http_app, reply
from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.redis_server import RedisServer, Value, redis_server
from tests.support.warming import key_file, stage_for, stat
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration

USERS = 300
QUERY = WarmQuery(source="orders-db", sql="SELECT id, name, score FROM shop.users ORDER BY id")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDBServer]:
    with mariadb_server() as running:
        running.run(
            "CREATE DATABASE shop",
            "CREATE TABLE shop.users (id INT PRIMARY KEY, name VARCHAR(50) CHARACTER SET utf8mb4, score DECIMAL(6,2))",
            *(f"INSERT INTO shop.users VALUES ({each}, 'näme {each}', {each}.5)" for each in range(1, USERS)),
            f"INSERT INTO shop.users VALUES ({USERS}, NULL, NULL)",
            "CREATE USER nobody IDENTIFIED BY 'n0body-secret'",
        )
        yield running


def text(value: Value) -> str:
    assert isinstance(value, bytes)
    return value.decode()


async def test_rows_of_a_query_become_keys(server: RedisServer, database: MariaDBServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path, database, query=QUERY, key="user:{id}", ttl=Duration(1000), jitter=0.2)
    run = await stage.run()
    assert (run.outcome, run.proof, run.applied, run.left) == (Outcome.SUCCEEDED, Proof.UNKNOWN, USERS, 0), run
    with server.wire() as wire:
        assert wire("DBSIZE") == USERS
        assert json.loads(text(wire("GET", "user:7"))) == {"id": 7, "name": "näme 7", "score": 7.5}
        assert json.loads(text(wire("GET", f"user:{USERS}"))) == {"id": USERS, "name": None, "score": None}
        ttls = [wire("PTTL", f"user:{each}") for each in range(1, USERS + 1)]
    assert all(isinstance(ttl, int) and 790_000 < ttl <= 1_200_000 for ttl in ttls)
    assert max(ttls) - min(ttls) > 300_000, "not all at once"  # type: ignore[operator,type-var]
    assert stage.events() == ["intent", "outcome", "proof"]


async def test_an_item_that_cannot_be_written_fails_alone(
    server: RedisServer, database: MariaDBServer, tmp_path: Path
) -> None:
    stage = stage_for(server, tmp_path, database, query=QUERY, key="user:{id}", value="name")
    run = await stage.run()
    assert (run.outcome, run.applied, run.failed) == (Outcome.PARTIAL, USERS - 1, 1)
    assert any("the first: name is NULL" in line.after for line in run.lines)
    with server.wire() as wire:
        assert text(wire("GET", "user:7")) == "näme 7"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "user:{idd}"}, 'column idd.*did you mean "id"'),
        ({"value": "body"}, "column body, which is not there; the query gives id, name, score"),
        ({"query": WarmQuery(source="orders", sql=QUERY.sql)}, 'orders is no mysql source; did you mean "orders-db"'),
        ({"query": WarmQuery(source="orders-db", sql="DELETE FROM shop.users")}, "not a SELECT"),
        ({"query": WarmQuery(source="orders-db", sql="SELECT 1 AS id FROM shop.users WHERE id < 0")}, "yields nothing"),
        ({"query": None}, "has 0 origins"),
        ({"target": "cache-2"}, "no recipe users for cache-1"),
    ],
)
async def test_a_recipe_that_cannot_work_is_refused_by_name(
    server: RedisServer, database: MariaDBServer, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    recipe: dict[str, object] = {"query": QUERY, "key": "user:{id}", "target": "cache-1"}
    stage = stage_for(server, tmp_path, database)
    made = WarmRecipe(**(recipe | change))  # type: ignore[arg-type]
    stage.settings = msgspec.structs.replace(Settings(), warm={"users": made})
    with pytest.raises(Refused, match=message):
        await stage.plan()
    with server.wire() as wire:
        assert wire("DBSIZE") == 0


async def test_missing_rights_on_the_database_are_told_without_the_password(
    server: RedisServer, database: MariaDBServer, tmp_path: Path
) -> None:
    stage = stage_for(server, tmp_path, database, query=QUERY, key="user:{id}")
    options = database.options("nobody", "n0body-secret", tcp=True)
    stage.more["orders-db"] = SourceSettings(name="orders-db", kind="mysql", options=options)
    with pytest.raises(Denied, match="SELECT") as raised:
        await stage.plan()
    assert "n0body-secret" not in str(raised.value)


async def test_objects_of_a_json_list_become_keys_and_no_secret_is_left_behind(
    server: RedisServer, tmp_path: Path
) -> None:
    body = json.dumps(
        {"data": {"items": [{"id": 1, "body": {"a": 1}}, {"id": "two", "body": "txt"}, {"body": "x"}, 7]}}
    )
    async with http_app(reply(200, body.encode())) as app:
        http = WarmHttp(url=f"{app.url}/i?key=s3cret", items="data.items", token=Secret.literal("t0ken-secret"))
        stage = stage_for(server, tmp_path, http=http, key="i:{id}", value="body", ttl=Duration(0))
        plan = await stage.plan()
        await stage.runner.apply(plan.id, "y", ADMIN)
        run = await stage.ended(plan)
    assert app.asked[0].headers["authorization"] == "Bearer t0ken-secret"
    assert plan.targets == ("i:1", "i:two")
    assert plan.risk is Risk.MEDIUM, "for ever"
    assert (run.applied, run.failed) == (2, 2)
    with server.wire() as wire:
        assert (wire("GET", "i:1"), wire("GET", "i:two"), wire("TTL", "i:1")) == (b'{"a":1}', b"txt", -1)
    told = msgspec.json.encode(run) + stage.log.path.read_bytes()
    assert b"s3cret" not in told
    assert b"t0ken" not in told


async def test_keys_that_are_gone_again_have_changed_nothing(server: RedisServer, tmp_path: Path) -> None:
    run = await stage_for(server, tmp_path, file=key_file(tmp_path, 300, ttl=0.001)).run()
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.UNCHANGED)
    assert [line.after for line in run.proof_lines if line.label == "expiry of 10"] == ["–"]


async def test_lines_of_a_file_become_keys_and_bad_ones_are_named(server: RedisServer, tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    lines = ['{"key": "a", "value": "1", "ttl": "10m"}', "nonsense", "", '{"key": "b", "value": [1]}', '{"key": "a"}']
    path.write_text("\n".join(lines))
    stage = stage_for(server, tmp_path, file=str(path), jitter=0.0)
    plan = await stage.plan()
    assert any("2 items cannot be written; the first: line 2: it is not JSON" in each for each in plan.warnings)
    await stage.runner.apply(plan.id, "y", ADMIN)
    run = await stage.ended(plan)
    assert (run.applied, run.failed) == (2, 2)
    with server.wire() as wire:
        assert (wire("GET", "a"), wire("GET", "b")) == (b"1", b"[1]")
        ttl, usual = wire("TTL", "a"), wire("TTL", "b")
    assert isinstance(ttl, int) and 590 <= ttl <= 600
    assert isinstance(usual, int) and 3590 <= usual <= 3600


async def test_a_preview_changes_nothing_and_adds_neither_hit_nor_miss(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        for each in range(0, 200, 2):
            wire("SET", f"k:{each}", "old")
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 200))
        plan = await stage.plan()
        assert wire("DBSIZE") == 100
        assert stat(wire, "keyspace_misses") == stat(wire, "keyspace_hits") == 0
    shown = {line.label: line for line in plan.lines}
    assert (shown["there already"].before, shown["there already"].after) == ("100", "stay as they are")
    assert plan.count == 200
    assert plan.command.endswith(
        "SET KEY VALUE PX 3600000 NX  # for each item of the file " + str(tmp_path / "keys.jsonl")
    )


@pytest.mark.parametrize("overwrite", [False, True])
async def test_what_is_there_stays_unless_the_recipe_says_otherwise(
    server: RedisServer, tmp_path: Path, overwrite: bool
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 120), overwrite=overwrite)
    plan = await stage.plan()
    with server.wire() as wire:
        wire("SET", "k:5", "by another, after the preview")
        await stage.runner.apply(plan.id, "y", ADMIN)
        run = await stage.ended(plan)
        assert wire("GET", "k:5") == (b"v5" if overwrite else b"by another, after the preview")
    assert (run.applied, run.left) == ((120, 0) if overwrite else (119, 1))
    assert plan.risk is (Risk.MEDIUM if overwrite else Risk.LOW)


async def test_what_was_previewed_is_written_whatever_became_of_the_file(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 120))
    plan = await stage.plan()
    key_file(tmp_path, 500)
    await stage.runner.apply(plan.id, "y", ADMIN)
    await stage.ended(plan)
    with server.wire() as wire:
        assert wire("DBSIZE") == plan.count == 120


async def test_a_recipe_that_was_rewritten_since_is_not_applied(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 10))
    plan = await stage.plan()
    changed = WarmRecipe(target="cache-1", file=key_file(tmp_path, 10), overwrite=True)
    stage.settings = msgspec.structs.replace(Settings(), warm={"users": changed})
    with pytest.raises(TargetChanged, match="recipe was"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    with server.wire() as wire:
        assert wire("DBSIZE") == 0


async def test_newer_previews_take_the_memory_of_older_ones(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 100))
    older = await stage.plan()
    kept = stage.runner._plans.get(older.id)
    assert kept is not None and kept.weight > 500
    monkeypatch.setattr(plans, "MOST_WEIGHT", kept.weight * 3 // 2)
    newer = await stage.plan()
    with pytest.raises(Refused, match="there is no such preview; preview it again"):
        await stage.runner.apply(older.id, "y", ADMIN)
    assert (await stage.applied(newer)).applied == 100


async def test_urls_are_asked_a_few_at_once_and_failures_stay_alone(server: RedisServer, tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        return b"" if asked.path == "/2" else reply(500 if asked.path == "/4" else 200)

    async with http_app(answer) as app:
        urls = tuple(f"{app.url}/{each}?key=s3cret" if each > 5 else f"{app.url}/{each}" for each in range(12))
        stage = stage_for(server, tmp_path, urls=urls, concurrency=3)
        plan = await stage.plan()
        assert app.asked == []
        await stage.runner.apply(plan.id, "y", ADMIN)
        run = await stage.ended(plan)
    assert (run.outcome, run.applied, run.failed) == (Outcome.PARTIAL, 10, 2)
    assert 1 < app.most <= 3
    assert {asked.method for asked in app.asked} == {"GET"}
    assert plan.count == 12
    assert run.proof is Proof.UNKNOWN
    assert b"s3cret" not in msgspec.json.encode(run)


async def test_each_recipe_is_offered_on_its_own_target(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path, file="/x")
    (offer,) = stage.runner.offers("w", "cache-1")
    assert (offer.title, offer.params, offer.note) == ("warm users", {"recipe": "users"}, "the file /x")
    elsewhere = WarmRecipe(target="cache-2", file="/x")
    stage.settings = msgspec.structs.replace(Settings(), warm={"users": elsewhere})
    assert stage.runner.offers("w", "cache-1") == ()


@pytest.mark.parametrize(("metric", "offered"), [("redis.hit_ratio", ["warm users"]), ("redis.memory.used", [])])
async def test_it_remedies_a_low_hit_rate(server: RedisServer, tmp_path: Path, metric: str, offered: list[str]) -> None:
    stage = stage_for(server, tmp_path, file="/x")
    alert = Alert(rule="r", source="cache-1", metric=metric)
    stage.firing = [alert]
    assert [offer.title for offer in stage.runner.offers(alert=alert.key)] == offered


async def test_a_hit_rate_must_rise_and_nothing_else_get_worse(server: RedisServer, tmp_path: Path) -> None:
    plan = await stage_for(server, tmp_path, file=key_file(tmp_path, 10)).plan()
    assert [(watch.metric, watch.must) for watch in plan.watches] == [
        ("redis.hit_ratio", Must.IMPROVE),
        ("redis.keys.evicted", Must.KEEP),
        ("redis.writes.refused", Must.KEEP),
        ("redis.latency.p95", Must.KEEP),
    ]
    assert plan.window == 60.0
