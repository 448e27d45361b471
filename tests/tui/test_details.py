"""What `d` tells of each kind of row, and which tables are asked for meanwhile."""

from perftui.core.reading import Table
from tests.support import states
from tests.tui.console import console
from tests.tui.tables import with_tables


async def test_a_database_tells_its_locks_root_first_and_its_statements() -> None:
    async with console(with_tables(states.incident())) as screen:
        await screen.press("tab", "tab", "tab", "tab", "j", "d")
        assert screen.client.tables == {"table/orders-db/locks", "table/orders-db/statements"}
        assert "7  app  sleeps in an open transaction for 2m10s  holds up 2  likely" in screen.text
        assert "8  batch  Updating for 4 s  holds up 1" in screen.text
        assert "who holds it is not known  holds up 1" in screen.text
        assert "Running statements  1" in screen.text and "Waiting for tabl" in screen.text
        root = next(index for index, line in enumerate(screen.lines) if "7  app" in line)
        assert "└ 9" in screen.lines[root + 1] and "1m02s" in screen.lines[root + 1]
        assert "└ 11" in screen.lines[root + 2] and "–" in screen.lines[root + 2]
        await screen.press("escape")
        assert screen.client.tables == frozenset()


async def test_a_cache_tells_its_slow_log() -> None:
    async with console(with_tables(states.healthy())) as screen:
        await screen.press("4", "j", "d")
        assert screen.client.tables == {"table/cache-1/slowlog"}
        line = next(line for line in screen.lines if "HGETALL" in line)
        assert "11-21 02:13:52" in line and "12.3 ms" in line and "user:*" in line and "10.0.0.9:4711" in line


async def test_a_queue_tells_its_version_and_kind_and_what_is_missing_is_a_dash() -> None:
    async with console(with_tables(states.incident())) as screen:
        await screen.press("3", "j", "d")
        assert screen.client.tables == {"table/cache-1/queues"}
        assert "kind bullmq   version unknown   workers –   paused" in screen.text


async def test_the_system_tells_its_cores() -> None:
    async with console(with_tables(states.healthy())) as screen:
        await screen.press("j", "d")
        assert "table/web-3/cores" in screen.client.tables
        head = next(index for index, line in enumerate(screen.lines) if "iowait" in line)
        assert screen.lines[head + 1].split()[3:7] == ["0", "97", "%", "68"]
        assert "–" in screen.lines[head + 2]


async def test_tables_that_are_empty_or_not_here_yet_say_so() -> None:
    state = states.healthy()
    state.tables["orders-db", "locks"] = Table(columns=("blocker",), rows=())
    async with console(state) as screen:
        await screen.press("5", "j", "d")
        assert "Lock waits  nobody waits for a lock" in screen.text
        assert "Running statements  waiting for it" in screen.text


async def test_long_details_scroll_to_their_end() -> None:
    async with console(with_tables(states.incident()), (80, 24)) as screen:
        await screen.press("5", "j", "d")
        assert "mysql.threads.running" not in screen.text and "↓" in screen.text
        await screen.press("pagedown", "pagedown", "pagedown")
        assert "mysql.threads.running" in screen.text


async def test_the_screen_of_databases_shows_the_sessions_of_the_selected_one() -> None:
    async with console(with_tables(states.incident()), (120, 40)) as screen:
        await screen.press("5")
        assert "─ orders-db ─┐" in screen.text and "holds up 2" in screen.text
        assert screen.client.tables == {"table/orders-db/locks", "table/orders-db/statements"}
        await screen.press("j", "j")
        assert screen.client.tables == {"table/users-db/locks", "table/users-db/statements"}
        assert "holds up 2" not in screen.text


async def test_an_alert_tells_everything_about_itself() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "d")
        for words in (
            "metric      queue.depth",
            "value       12.4k",
            "level       above 0",
            "since       02:12:42 UTC, for 2m10s",
            "rule        queue-no-workers, critical, firing",
            "source      cache-1",
            "attributes  kind=bullmq  queue=webhook",
        ):
            assert words in screen.text, words


async def test_deleted_files_name_what_makes_their_holder_let_go() -> None:
    state = states.healthy()
    columns = ("size", "path", "pid", "process", "unit", "holders")
    rows = ((2.0**30, "/var/log/app.log", 811, "app", "app.service", 1), (5e6, "/tmp/x", 4711, "loose", None, 1))
    state.tables["web-3", "deleted_files"] = Table(columns=columns, rows=rows)
    async with console(state) as screen:
        await screen.press("j", "d")
        assert "s on its unit restarts the holder" in screen.text
        assert "F9 on the process signals it: loose 4711" in screen.text and "app 811," not in screen.text
        state.tables["web-3", "deleted_files"] = Table(columns=columns, rows=rows[:1])
        screen.app.refresh_state()
        assert "s on its unit" in screen.text and "F9" not in screen.text
