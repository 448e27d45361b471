"""The health report: what stands in it, what would help, and what it does not claim."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from perftui.analysis.health import report
from perftui.analysis.levels import LEVELS
from perftui.config.kinds import KINDS, HttpOptions
from perftui.config.remedies import FileRule, WarmRecipe
from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Alert, Level, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.health import Health, HealthReport, Priority
from perftui.core.reading import Reading, Sample
from perftui.core.series import SeriesId, attributes

NOW = 1_700_000_000.0
SETTINGS = Settings(
    warm={"hot": WarmRecipe(target="cache-1", urls=("http://127.0.0.1:9/",))},
    files={"logs": FileRule(paths=("/var/log/app/*.gz",)), "home": FileRule(paths=("/home/app/*.tmp",))},
)
NAMES = {"system": "system", "cache-1": "redis", "orders-db": "mysql", "shop": "http", "agent": "agent"}


def source_of(name: str) -> SourceSettings:
    kind = NAMES[name]
    options = HttpOptions(url="http://127.0.0.1:9/") if kind == "http" else KINDS[kind]()
    return SourceSettings(name=name, kind=kind, options=options)


def samples(**values: float) -> tuple[Sample, ...]:
    return tuple(Sample(name.replace("__", "."), value) for name, value in values.items())


def health(
    stale: tuple[str, ...] = (),
    settings: Settings = SETTINGS,
    recent: Callable[[SeriesId], float | None] = lambda _: None,
    levels: Sequence[Level] = (),
    firing: Sequence[Alert] = (),
    **read: tuple[Sample, ...] | None,
) -> HealthReport:
    """Return the report on these sources (`_` for `-`); None stands for one that was never read."""
    found = {name.replace("_", "-"): each for name, each in read.items()}
    readings = {
        name: Reading(source=name, monotonic=0.0, wall=NOW - 40, duration=0.0, samples=each)
        for name, each in found.items()
        if each is not None
    }
    sources = {name: source_of(name) for name in found}
    return report(sources, readings, lambda name: name not in stale, settings, NOW, recent, levels, firing)


def busy_cache(ratio: float, evicted: float = 0.0, lookups: float = 900.0, queues: float = 0.0) -> tuple[Sample, ...]:
    return (
        Sample("redis.hit_ratio", ratio),
        Sample("redis.keys.evicted", evicted),
        Sample("redis.lookups", lookups),
        Sample("redis.queues", queues),
        Sample("redis.memory.max", float(1 << 30)),
    )


def test_all_is_well() -> None:
    told = health(system=samples(system__memory__utilization=0.5), cache_1=busy_cache(0.95))
    assert (told.status, told.issues, told.recommendations, told.blind) == (Health.HEALTHY, (), (), ())
    assert told.at == NOW


@pytest.mark.parametrize(
    ("used", "status", "severity", "level"),
    [
        (0.80, Health.HEALTHY, None, ""),
        (0.81, Health.WARNING, Severity.WARNING, "above 80 %"),
        (0.95, Health.CRITICAL, Severity.CRITICAL, "above 90 %"),
    ],
)
def test_memory_above_80_percent_calls_for_memory_cleanup(
    used: float, status: Health, severity: Severity | None, level: str
) -> None:
    told = health(system=samples(system__memory__utilization=used))
    assert told.status is status
    assert [issue.severity for issue in told.issues] == ([severity] if severity else [])
    if severity:
        (issue,), (help_,) = told.issues, told.recommendations
        assert (issue.source, issue.metric, issue.value, issue.level) == (
            "system", "system.memory.utilization", f"{used * 100:.0f} %", level,
        )  # fmt: skip
        assert (help_.action, help_.target, help_.priority) == ("cleanup.memory", "system", Priority.HIGH)
        assert help_.impact
        assert help_.effort
        assert "memory in use" in help_.why


def test_a_low_hit_rate_calls_for_warming_by_each_recipe_of_that_cache() -> None:
    told = health(cache_1=busy_cache(0.65))
    assert told.status is Health.WARNING
    (help_,) = told.recommendations
    assert (help_.id, help_.action, help_.target, help_.params, help_.priority) == (
        "cache.warm:hot", "cache.warm", "cache-1", {"recipe": "hot"}, Priority.MEDIUM,
    )  # fmt: skip


def test_without_a_recipe_it_is_advice() -> None:
    (help_,) = health(settings=Settings(), cache_1=busy_cache(0.65)).recommendations
    assert help_.action == ""
    assert "[warm.NAME]" in help_.effort


def test_where_it_evicts_it_calls_for_memory_and_never_for_warming() -> None:
    (help_,) = health(cache_1=busy_cache(0.4, evicted=30.0)).recommendations
    assert (help_.action, help_.target, help_.params) == ("cache.tune", "cache-1", {"maxmemory": "1280MiB"})
    assert help_.title == "Raise maxmemory of cache-1 to 1.25 GiB"


@pytest.mark.parametrize(
    "read",
    [
        samples(redis__lookups=0.0),  # no traffic: no hit rate at all, which is not 0 %
        busy_cache(0.2, lookups=2.0),  # of two look-ups nothing can be said
        busy_cache(0.2, queues=3.0),  # workers look for keys that are not there all day
    ],
)
def test_a_hit_rate_that_says_nothing_is_no_issue(read: tuple[Sample, ...]) -> None:
    assert health(cache_1=read).status is Health.HEALTHY


def test_one_bad_second_in_a_good_minute_is_none_either() -> None:
    def recent(series: SeriesId) -> float | None:
        return {"redis.hit_ratio": 0.93, "redis.lookups": 900.0}.get(series.metric)

    assert health(recent=recent, cache_1=busy_cache(0.3)).status is Health.HEALTHY


@pytest.mark.parametrize(("slow", "told"), [(10.0, False), (11.0, True)])
def test_more_than_ten_slow_queries_call_for_query_optimisation(slow: float, told: bool) -> None:
    found = health(orders_db=samples(mysql__query__slow__recent=slow)).recommendations
    assert [(help_.title, help_.priority, help_.action) for help_ in found] == (
        [("Query optimisation on orders-db", Priority.MEDIUM, "")] if told else []
    )
    assert all("databases screen" in help_.effort for help_ in found)


def test_a_full_disk_calls_for_what_deletes_files_there() -> None:
    full = (Sample("system.filesystem.utilization", 0.97, attributes({"mountpoint": "/var"})),)
    told = health(system=full)
    assert told.issues[0].title == "disk full: /var"
    assert [(help_.action, help_.params) for help_ in told.recommendations] == [
        ("cleanup.files", {"rule": "logs"}), ("cleanup.temp", {}),
    ]  # fmt: skip
    home = (Sample("system.filesystem.utilization", 0.9, attributes({"mountpoint": "/home"})),)
    assert [help_.id for help_ in health(system=home).recommendations] == ["cleanup.files:home"]


def test_connections_queues_and_replication() -> None:
    mail = attributes({"queue": "mail", "kind": "bullmq"})
    told = health(
        orders_db=samples(mysql__connections__utilization=0.97, mysql__replica__running=0.0),
        cache_1=(
            Sample("queue.depth", 12.0, mail),
            Sample("queue.workers", 0.0, mail),
            Sample("queue.failed", 0.5, mail),
        ),
    )
    assert told.status is Health.CRITICAL
    assert {issue.title for issue in told.issues} == {
        "connections taken", "replication has stopped", "jobs wait and no worker takes them: mail", "jobs fail: mail",
    }  # fmt: skip
    assert {help_.id for help_ in told.recommendations} == {
        "cleanup.connections:orders-db", "replication:orders-db", "workers:cache-1/mail", "failing:cache-1/mail",
    }  # fmt: skip


def test_a_queue_whose_workers_nobody_knows_is_not_said_to_have_none() -> None:
    low = attributes({"queue": "low", "kind": "list"})
    assert health(cache_1=(Sample("queue.depth", 12.0, low),)).status is Health.HEALTHY


def test_what_gives_no_figures_is_neither_well_nor_judged_by_old_ones() -> None:
    told = health(
        stale=("cache-1",),
        system=samples(system__memory__utilization=0.5),
        cache_1=busy_cache(0.1),
        orders_db=None,
    )
    assert told.status is Health.WARNING
    assert told.blind == ("cache-1: last read 40 s ago", "orders-db: not read yet")
    assert {issue.title for issue in told.issues} == {"no fresh figures"}
    assert told.recommendations == ()


def test_when_nothing_could_be_judged_it_is_unknown() -> None:
    assert health(stale=("system",), system=samples(system__memory__utilization=0.99)).status is Health.UNKNOWN
    assert health().status is Health.UNKNOWN


def test_the_worst_stands_first_and_each_remedy_once() -> None:
    told = health(
        system=samples(system__memory__utilization=0.95, system__paging__utilization=0.6),
        cache_1=(*busy_cache(0.6), Sample("redis.memory.utilization", 0.85)),
    )
    assert [issue.severity for issue in told.issues] == [Severity.CRITICAL, *[Severity.WARNING] * 3]
    assert [help_.id for help_ in told.recommendations] == ["cleanup.memory", "cache.warm:hot"]
    assert all("," not in help_.id for help_ in told.recommendations), "they are chosen by a list with commas"


def test_a_cache_that_makes_room_by_itself_may_be_full() -> None:
    full = (*busy_cache(0.95, evicted=5.0), Sample("redis.memory.utilization", 0.999))
    assert health(cache_1=full).status is Health.HEALTHY


def test_the_agent_itself_is_no_patient() -> None:
    assert health(agent=samples(agent__cpu__utilization=5.0)).status is Health.UNKNOWN


def test_every_level_is_of_a_metric_that_exists_and_in_order() -> None:
    for level in LEVELS:
        assert level.metric in CATALOGUE, level
        assert all(only.metric in CATALOGUE for only in level.only), level
        assert level.warning is not None or level.critical is not None
        if level.warning is not None and level.critical is not None:
            assert (level.warning < level.critical) == (level.bad == "up"), level


MAIL = attributes({"queue": "mail", "kind": "bullmq"})
FAILING = Alert(
    rule="queue-failed-jobs", source="cache-1", metric="queue.failed", attributes=MAIL, severity=Severity.CRITICAL,
    summary="mail: 16 jobs failed in 5 minutes", value_text="16", level_text="10",
)  # fmt: skip


def test_it_is_never_better_than_the_worst_alert_that_fires() -> None:
    told = health(system=samples(system__memory__utilization=0.5), firing=(FAILING,))
    (issue,) = told.issues
    assert (told.status, issue.title, issue.value, issue.level) == (
        Health.CRITICAL, "mail: 16 jobs failed in 5 minutes", "16", "above 10",
    )  # fmt: skip
    assert health(firing=(FAILING,)).status is Health.CRITICAL, "though no source could be judged"


def test_what_an_alert_says_stands_once_and_keeps_its_remedy() -> None:
    told = health(cache_1=(Sample("queue.failed", 0.13, MAIL),), firing=(FAILING,))
    assert [issue.title for issue in told.issues] == ["mail: 16 jobs failed in 5 minutes"]
    assert [help_.id for help_ in told.recommendations] == ["failing:cache-1/mail"]
    mild = msgspec.structs.replace(FAILING, severity=Severity.WARNING)
    worse = health(cache_1=(Sample("queue.failed", 2.0, MAIL),), firing=(mild,))
    assert [issue.severity for issue in worse.issues] == [Severity.CRITICAL, Severity.WARNING]


def test_an_alert_that_the_table_says_nothing_of_yet_calls_for_what_helps() -> None:
    low = Alert(rule="redis-hit-ratio", source="cache-1", metric="redis.hit_ratio", direction="below", summary="low")
    told = health(cache_1=busy_cache(0.75), firing=(low,))
    assert [help_.id for help_ in told.recommendations] == ["cache.warm:hot"]


def test_the_levels_of_the_rules_are_those_of_the_report() -> None:
    levels = (Level(metric="system.memory.utilization", direction="above", warning=0.6, critical=0.7),)
    told = health(system=samples(system__memory__utilization=0.65), levels=levels)
    assert [(issue.severity, issue.level) for issue in told.issues] == [(Severity.WARNING, "above 60 %")]
    other = (Level(metric="system.memory.utilization", direction="below", warning=0.6),)
    assert health(system=samples(system__memory__utilization=0.65), levels=other).status is Health.HEALTHY


def test_figures_stand_in_the_words_of_what_they_count() -> None:
    (issue,) = health(cache_1=(Sample("queue.failed", 0.13, MAIL),)).issues
    assert (issue.value, issue.level) == ("7.8 jobs/min", "above 3 jobs/min")
