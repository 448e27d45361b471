"""Inhibition: what follows from a cause calls nobody, and whatever the rules say somebody is always called."""

from itertools import pairwise, permutations

from perftui.alerts.inhibition import find_causes, reason, roles_of
from perftui.alerts.rules.rule import Inhibition
from perftui.core.alert import Severity

Labels = dict[str, str]
DOWN = Inhibition(name="down", when={"rule": "source-failing"})


def followed(alerts: list[Labels], *inhibitions: Inhibition) -> dict[str, str]:
    """Return which rule follows from which; the alerts come with the worst first."""
    found = find_causes([roles_of(labels, inhibitions) for labels in alerts])
    return {alerts[place]["rule"]: alerts[follows.cause]["rule"] for place, follows in found.items()}


def on(source: str, *rules: str) -> list[Labels]:
    return [{"rule": rule, "source": source} for rule in rules]


def chain(*names: str) -> list[Inhibition]:
    """Return inhibitions by which each of the rules named mutes the next."""
    pairs = pairwise(names)
    return [Inhibition(name=f"{cause}-{rule}", when={"rule": cause}, mutes={"rule": rule}) for cause, rule in pairs]


def test_all_of_a_source_follows_from_its_failing() -> None:
    alerts = [*on("cache-1", "source-failing", "memory", "evictions"), *on("cache-2", "memory-2")]
    assert followed(alerts, DOWN) == {"memory": "source-failing", "evictions": "source-failing"}


def test_only_what_is_to_be_muted_is() -> None:
    only = Inhibition(name="lag", when={"rule": "down"}, mutes={"rule": "lag-*", "severity": "!critical"})
    alerts = [
        {"rule": "down", "source": "db"},
        {"rule": "lag-1", "source": "db", "severity": "critical"},
        {"rule": "lag-2", "source": "db", "severity": "warning"},
        {"rule": "disk", "source": "db", "severity": "warning"},
    ]
    assert followed(alerts, only) == {"lag-2": "down"}


def test_only_what_is_at_least_as_severe_is_a_cause() -> None:
    for cause in Severity:
        for severity in Severity:
            alerts = [
                {"rule": "source-failing", "source": "db", "severity": cause.value},
                {"rule": "lag", "source": "db", "severity": severity.value},
            ]
            expected = {"lag": "source-failing"} if cause.rank >= severity.rank else {}
            assert followed(alerts, DOWN) == expected


def test_an_inhibition_that_says_which_severities_it_mutes_means_it() -> None:
    explicit = Inhibition(name="design", when={"rule": "evicts"}, mutes={"rule": "full", "severity": "*"})
    alerts = [
        {"rule": "full", "source": "db", "severity": "critical"},
        {"rule": "evicts", "source": "db", "severity": "info"},
    ]
    assert followed(alerts, explicit) == {"full": "evicts"}


def test_labels_that_must_be_alike_must_be_there() -> None:
    by_queue = Inhibition(name="queue", when={"rule": "no-worker"}, mutes={"rule": "*grow*"}, equal=("source", "queue"))
    stopped = {"rule": "no-worker", "source": "q", "queue": "mail"}
    assert followed([stopped, {"rule": "grows", "source": "q", "queue": "mail"}], by_queue) == {"grows": "no-worker"}
    assert followed([stopped, {"rule": "grows", "source": "q", "queue": "video"}], by_queue) == {}
    bare: list[Labels] = [{"rule": "no-worker", "source": "q"}, {"rule": "grows", "source": "q"}]
    assert followed(bare, by_queue) == {}


def test_without_labels_to_compare_a_cause_mutes_everywhere() -> None:
    everywhere = Inhibition(name="all", when={"rule": "host-down"}, equal=())
    assert followed([*on("a", "host-down"), *on("b", "memory")], everywhere) == {"memory": "host-down"}


def test_peers_do_not_mute_each_other_nor_an_alert_itself() -> None:
    all_by_all = Inhibition(name="all", when={"rule": "*"})
    assert followed(on("a", "x", "y", "z"), all_by_all) == {}


def test_what_follows_from_another_is_no_cause() -> None:
    inhibitions = chain("host", "database", "queries")
    assert followed(on("a", "host", "database", "queries"), *inhibitions) == {"database": "host"}
    assert followed(on("a", "database", "queries"), *inhibitions) == {"queries": "database"}


def test_a_chain_does_not_depend_on_what_is_worst() -> None:
    inhibitions = chain("a", "b", "c", "d")
    for order in permutations("abcd"):
        assert followed(on("s", *order), *inhibitions) == {"b": "a", "d": "c"}


def test_two_alerts_never_silence_each_other() -> None:
    both = chain("a", "b", "a")
    assert followed(on("s", "a", "b"), *both) == {"b": "a"}
    assert followed(on("s", "b", "a"), *both) == {"a": "b"}


def test_in_every_circle_somebody_is_loud_and_every_cause_is() -> None:
    for names in ("aba", "abca", "abcda", "abcdea"):
        for order in permutations(set(names)):
            found = followed(on("s", *order), *chain(*names))
            assert len(found) < len(order)
            assert not set(found.values()) & set(found)
            assert order[0] not in found


def test_the_worst_cause_is_named() -> None:
    two = Inhibition(name="two", when={"rule": "down-*"}, mutes={"rule": "memory"})
    assert followed(on("s", "down-2", "down-1", "memory"), two) == {"memory": "down-2"}


def test_thousands_of_alerts_that_all_concern_each_other_are_no_matter() -> None:
    both = chain("a*", "b*", "a*")
    alerts = on("s", *(f"a{number}" for number in range(3000)), *(f"b{number}" for number in range(3000)))
    found = followed(alerts, *both)
    assert len(found) == 3000
    assert set(found.values()) == {"a0"}


def test_the_reason_names_the_cause() -> None:
    labels = {"rule": "source-failing", "source": "cache-1"}
    assert reason(DOWN, labels) == "follows from source-failing on cache-1"
    told = Inhibition(name="told", when={}, reason="{source} is down{queue}")
    assert reason(told, labels) == "cache-1 is down"
