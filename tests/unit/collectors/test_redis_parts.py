"""The parts of the redis collector on replies written by hand."""

import pytest

from perftui.collectors.every import Every
from perftui.collectors.histogram import quantile
from perftui.collectors.redis_info import Info, InfoMetrics
from perftui.collectors.redis_latency import growth, histogram, in_bounds
from perftui.collectors.redis_session import Probes, found
from perftui.collectors.redis_slowlog import redacted, row, shape
from perftui.core.clock import ManualClock
from perftui.core.reading import ReadingBuilder

FULL = (
    b"# Server\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nredis_version:7.2.4\r\n# Clients\r\nmaxclients:10\r\n"
)


def samples(metrics: InfoMetrics, info: bytes, clock: ManualClock, ours: Probes | None = None) -> dict[str, float]:
    builder = ReadingBuilder("cache", clock)
    metrics.notice_restart(Info(info))
    metrics.report(builder, Info(info), ours or Probes())
    return {sample.metric: sample.value for sample in builder.build().samples}


def traffic(hits: int, misses: int, commands: int = 0, run: str = "a") -> bytes:
    lines = (
        f"run_id:{run}\r\nkeyspace_hits:{hits}\r\nkeyspace_misses:{misses}\r\ntotal_commands_processed:{commands}\r\n"
    )
    return lines.encode()


def test_own_lookups_and_commands_are_taken_out() -> None:
    clock, metrics = ManualClock(), InfoMetrics()
    samples(metrics, traffic(1000, 1000, 5000), clock)
    clock.advance(2)
    now = samples(metrics, traffic(1073 + 4, 1027 + 90, 5300), clock, Probes(commands=100, hits=4, misses=90))
    assert now["redis.hit_ratio"] == pytest.approx(0.73)
    assert now["redis.lookups"] == 50
    assert now["redis.commands"] == 100


def test_another_run_of_the_server_gives_no_rates() -> None:
    clock, metrics = ManualClock(), InfoMetrics()
    samples(metrics, traffic(10, 10, 100), clock)
    clock.advance(1)
    now = samples(metrics, traffic(500, 500, 1000, run="b"), clock)
    assert "redis.hit_ratio" not in now and "redis.commands" not in now


def test_unlimited_memory_has_no_share_and_valkey_says_its_name() -> None:
    clock = ManualClock()
    builder = ReadingBuilder("cache", clock)
    InfoMetrics().report(builder, Info(FULL + b"used_memory:5\r\nmaxmemory:0\r\n"), Probes())
    reading = builder.build()
    assert reading.facts["version"] == "Valkey 8.1.0"
    assert {sample.metric for sample in reading.samples} == {"redis.memory.used"}


def test_a_primary_shows_each_replica() -> None:
    info = b"master_repl_offset:1000\r\nslave0:ip=10.0.0.9,port=6379,state=online,offset=400,lag=1\r\n"
    now = samples(InfoMetrics(), info, ManualClock())
    assert now["redis.replication.lag_bytes"] == 600
    assert now["redis.replication.lag"] == 1


def test_garbage_in_info_is_absent() -> None:
    info = Info(b"used_memory:many\r\nno colon\r\n\xff:\xfe\r\ndb0:keys=x,\r\n")
    assert info.number("used_memory") is None
    assert info.numbered("db") == ["db0"]


def test_quantiles_of_the_window_only() -> None:
    before = histogram([b"get", [b"calls", 1000, b"histogram_usec", [1, 1000]]])
    now = histogram([b"get", [b"calls", 1100, b"histogram_usec", [1, 1000, 8, 1090, 1024, 1100]]])
    window = growth(before, now)
    assert window == {1: 0, 8: 90, 1024: 10}
    assert quantile(0.5, in_bounds(window)) == pytest.approx(4 + 4 * 50 / 90)
    assert quantile(0.95, in_bounds(window)) == pytest.approx(512 + 512 * 5 / 10)
    assert quantile(0.95, in_bounds(growth(now, now))) is None
    assert growth(now, before) == {}


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("GET", [b"user:1234:alice"], ("GET", "user:*:*")),
        ("GET", [b"alice@example.org"], ("GET", "*")),
        ("GET", [b"4111111111111111:x"], ("GET", "*")),
        ("EVALSHA", [b"abc", b"1", b"bull:mail:wait", b"secret"], ("EVALSHA", "bull:*:*")),
        ("EVAL", [b"return 1", b"0", b"secret"], ("EVAL", "")),
        ("AUTH", [b"secret"], ("AUTH", "")),
        ("CONFIG", [b"set", b"requirepass", b"secret"], ("CONFIG SET", "")),
        ("FLUSHALL", [], ("FLUSHALL", "")),
    ],
)
def test_arguments_are_redacted(command: str, arguments: list[bytes], expected: tuple[str, str]) -> None:
    assert redacted(command, arguments) == expected


def test_a_slow_command_of_an_old_server_has_no_client() -> None:
    assert row([7, 1700000000, 2500, [b"get", b"a:b"]]) == (7, 1700000000, 0.0025, "GET", "a:*", 1, "")
    assert shape(b"\xff\x1b[2J:x") == "*"


def test_which_replies_are_misses() -> None:
    assert [found(answer) for answer in (0, None, [None, None])] == [False] * 3
    assert [found(answer) for answer in (3, b"", b"x", [None, b"1"])] == [True] * 4


def test_every_is_due_at_once_then_by_its_period() -> None:
    every = Every(5)
    assert [every.due(at) for at in (0, 1, 4.9, 5, 6)] == [True, False, False, True, False]
    every.hasten()
    assert every.due(6)
