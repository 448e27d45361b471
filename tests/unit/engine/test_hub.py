import msgspec
import pytest

from perftui.engine.hub import Hub, matches


def taken(raws: dict[str, msgspec.Raw]) -> dict[str, object]:
    return {topic: msgspec.json.decode(raw) for topic, raw in raws.items()}


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("alerts", "alerts", True),
        ("alerts", "alerts2", False),
        ("reading/*", "reading/cache-1", True),
        ("*", "anything", True),
    ],
)
def test_patterns(pattern: str, topic: str, *, expected: bool) -> None:
    assert matches(pattern, topic) is expected


def test_a_slow_subscriber_gets_the_latest_state_once() -> None:
    hub = Hub()
    subscriber = hub.attach()
    subscriber.subscribe(["reading/*"])
    for value in range(1000):
        hub.publish("reading/a", value)
    hub.publish("alerts", "not asked for")
    assert taken(subscriber.take()) == {"reading/a": 999}
    assert subscriber.take() == {}
    assert not subscriber.ready.is_set()


def test_subscribing_brings_what_is_already_there() -> None:
    hub = Hub()
    hub.publish("reading/a", 1)
    subscriber = hub.attach()
    subscriber.subscribe(["reading/*"])
    assert subscriber.ready.is_set()
    assert taken(subscriber.take()) == {"reading/a": 1}


def test_more_topics_bring_only_what_is_new_and_a_resync_brings_all() -> None:
    hub = Hub()
    hub.publish("reading/a", 1)
    hub.publish("table/a/processes", 2)
    subscriber = hub.attach()
    subscriber.subscribe(["reading/*"])
    assert subscriber.is_full
    subscriber.take()
    subscriber.subscribe(["reading/*", "table/*"])
    assert not subscriber.is_full
    assert taken(subscriber.take()) == {"table/a/processes": 2}
    subscriber.subscribe(["reading/*", "table/*"], resync=True)
    assert subscriber.is_full
    assert taken(subscriber.take()) == {"reading/a": 1, "table/a/processes": 2}


def test_what_already_waits_goes_on_waiting_when_the_topics_change() -> None:
    hub = Hub()
    hub.publish("reading/a", 1)
    subscriber = hub.attach()
    subscriber.subscribe(["reading/*"])
    subscriber.subscribe(["reading/*", "alerts"])
    assert taken(subscriber.take()) == {"reading/a": 1}


def test_a_topic_that_is_gone_arrives_as_null() -> None:
    hub = Hub()
    hub.publish("status/a", 1)
    subscriber = hub.attach()
    subscriber.subscribe(["*"])
    subscriber.take()
    hub.retract("status/a")
    assert taken(subscriber.take()) == {"status/a": None}
    assert hub.topics == []


def test_only_urgent_changes_hurry() -> None:
    hub = Hub()
    subscriber = hub.attach()
    subscriber.subscribe(["*"])
    hub.publish("reading/a", 1)
    assert not subscriber.urgent.is_set()
    hub.publish("alerts", 1, urgent=True)
    assert subscriber.urgent.is_set()


def test_one_encoding_serves_every_subscriber() -> None:
    hub = Hub()
    first, second = hub.attach(), hub.attach()
    for subscriber in (first, second):
        subscriber.subscribe(["*"])
    hub.publish("a", {"x": 1})
    assert first.take()["a"] is second.take()["a"]


def test_a_detached_subscriber_is_not_noticed() -> None:
    hub = Hub()
    subscriber = hub.attach()
    subscriber.subscribe(["*"])
    hub.detach(subscriber)
    hub.publish("a", 1)
    assert subscriber.take() == {}
