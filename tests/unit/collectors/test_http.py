"""The http collector: what becomes of an answer."""

import json

import pytest

from perftui.collectors.http import HttpCollector
from perftui.config.kinds import HttpMetric, HttpOptions
from perftui.connect.http import Answer, HttpTarget
from perftui.core.clock import ManualClock
from perftui.core.errors import BadAnswer
from perftui.core.metric import Kind
from perftui.core.reading import Reading

URL = "http://app.internal/stats"


class FakeTarget(HttpTarget):
    """Answers what it is told to."""

    def __init__(self, body: object = None, status: int = 200) -> None:
        super().__init__(HttpOptions(url=URL))
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status

    async def open(self) -> None:
        pass

    async def fetch(self) -> Answer:
        return Answer(self.status, self.body, 0.02)


async def collect(
    target: FakeTarget, metrics: dict[str, HttpMetric] | None = None, expect: tuple[int, int] = (200, 399)
) -> Reading:
    options = HttpOptions(url=URL, metrics=metrics or {}, expect=expect)
    collector = HttpCollector("app", options, ManualClock(), target)
    await collector.open()
    return await collector.poll()


def values(reading: Reading) -> dict[str, float]:
    return {
        sample.metric + "".join(f" {name}={value}" for name, value in sample.attributes): sample.value
        for sample in reading.samples
    }


@pytest.mark.parametrize(("status", "up"), [(200, 1), (204, 1), (302, 1), (404, 0), (500, 0), (503, 0)])
async def test_a_status_outside_expect_is_down_and_yet_a_reading(status: int, up: float) -> None:
    found = values(await collect(FakeTarget(b"<html>", status), {"queue": HttpMetric(path="n")} if not up else None))
    assert found["http.up"] == up
    assert found["http.response.status_code"] == status
    assert found["http.client.request.duration"] == 0.02


async def test_expect_is_the_users() -> None:
    assert values(await collect(FakeTarget({}, 404), expect=(404, 404)))["http.up"] == 1


async def test_paths_become_metrics() -> None:
    body = {"pool": {"used": 7, "limit": 10}, "lag_ms": 250, "healthy": True, "text": "12"}
    reading = await collect(
        FakeTarget(body),
        {
            "pool.used": HttpMetric(path="pool.used"),
            "loop.lag": HttpMetric(path="lag_ms", scale=0.001),
            "healthy": HttpMetric(path="healthy"),
            "converted": HttpMetric(path="to_number(text)"),
        },
    )
    found = values(reading)
    assert found["pool.used"] == 7
    assert found["loop.lag"] == pytest.approx(0.25)
    assert (found["healthy"], found["converted"]) == (1, 12)


async def test_a_list_of_objects_becomes_one_series_each() -> None:
    body = {"pools": [{"name": "a\x1b[31m", "size": 3}, {"name": "b", "size": 4}, {"name": "c", "size": None}]}
    path = "pools[].{pool: name, metric: 'odd', self: 'odd', value: size}"
    found = values(await collect(FakeTarget(body), {"pool.size": HttpMetric(path=path)}))
    series = {name: value for name, value in found.items() if name.startswith("pool.size")}
    assert series == {"pool.size metric=odd pool=a␛[31m self=odd": 3, "pool.size metric=odd pool=b self=odd": 4}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"n": "12"}', "path n finds text; write to_number(…) if it is a number"),
        (b"{}", "path n finds nothing in the body"),
        (b'{"n": null}', "path n finds nothing in the body"),
        (b'{"n": NaN}', "path n finds nothing in the body"),
        (b'{"n": {}}', "path n finds an object, not a number"),
        (b'{"n": [1, 2]}', "path n finds a list of other things than objects with a value"),
        (b'{"n": [{"value": "x"}]}', "path n finds text; write to_number(…) if it is a number"),
        (b'{"n": 1e999}', "path n finds a number that is too large"),
        (b'{"n": 1' + b"0" * 400 + b"}", "path n finds a number that is too large"),
    ],
)
async def test_what_is_no_number_is_named_and_the_rest_goes_on(body: bytes, why: str) -> None:
    reading = await collect(FakeTarget(body), {"n": HttpMetric(path="n"), "one": HttpMetric(path="`1`")})
    assert reading.denied == {"n": why}
    assert values(reading)["one"] == 1


async def test_a_path_that_fails_on_this_body_is_named() -> None:
    reading = await collect(FakeTarget({"n": "text"}), {"n": HttpMetric(path="sum(n)")})
    assert reading.denied["n"].startswith("path sum(n): ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>\x1b]0;x\x07 maintenance", 'it starts with "<html>␛]0;x␇ maintenance"'),
        (b"", "it is empty"),
        (b'{"n": 1', "it starts with"),
        (b"\xff\xfe\xfd", "it starts with"),
        (b"[" * 200_000, "it starts with"),
    ],
)
async def test_a_body_that_is_not_json_says_what_and_where(body: bytes, words: str) -> None:
    with pytest.raises(BadAnswer) as raised:
        await collect(FakeTarget(body), {"n": HttpMetric(path="n")})
    assert str(raised.value).startswith(f"{URL}: the body is not JSON: ")
    assert words in str(raised.value)


async def test_a_probe_without_metrics_does_not_care_what_the_body_is() -> None:
    assert values(await collect(FakeTarget(b"OK\n")))["http.up"] == 1


async def test_counters_become_rates_and_a_gap_or_reset_none() -> None:
    clock, target = ManualClock(), FakeTarget({"hits": 100})
    options = HttpOptions(url=URL, metrics={"hits": HttpMetric(path="hits", counter=True, unit="{hit}")})
    collector = HttpCollector("app", options, clock, target)
    await collector.open()
    seen = []
    for body in ({"hits": 100}, {"hits": 150}, {"hits": 20}, {"hits": 30}, {}, {"hits": 90}):
        target.body = json.dumps(body).encode()
        seen.append(values(await collector.poll()).get("hits"))
        clock.advance(5)
    assert seen == [None, 10, None, 2, None, None]
    (metric,) = collector.metrics
    assert (metric.unit, metric.kind) == ("{hit}/s", Kind.RATE)


async def test_a_path_that_is_no_jmespath_is_named() -> None:
    with pytest.raises(BadAnswer, match=r"metric n: pool\. is not a JMESPath"):
        await collect(FakeTarget({}), {"n": HttpMetric(path="pool.")})


@pytest.mark.parametrize("counter", [True, False])
async def test_of_equal_attributes_the_first_counts_and_it_is_said(counter: bool) -> None:
    clock = ManualClock()
    declared = {"pool.size": HttpMetric(path="pools", counter=counter)}
    target = FakeTarget({"pools": [{"name": "a", "value": 1}, {"value": 3, "name": "a"}, {"name": "b", "value": 5}]})
    collector = HttpCollector("app", HttpOptions(url=URL, metrics=declared), clock, target)
    await collector.open()
    await collector.poll()
    clock.advance(1)
    reading = await collector.poll()
    found = {name: value for name, value in values(reading).items() if name.startswith("pool")}
    assert found == {"pool.size name=a": 0 if counter else 1, "pool.size name=b": 0 if counter else 5}
    assert reading.denied == {"pool.size": "path pools finds the same attributes twice"}
