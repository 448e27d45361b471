"""The private agent's life: who wins, who sees what, and when it ends."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.audit.log import RESERVE, AuditLog
from perftui.client import launch
from perftui.client.agent_client import AgentClient
from perftui.client.state import Link
from perftui.config.paths import private_socket, state_dir
from perftui.core.errors import RequestFailed
from perftui.core.status import SourceState
from tests.support.agents import agent_pids, attached, end_agents, start_and_wait, write_config
from tests.support.servers import eventually, wait_until

pytestmark = pytest.mark.integration
HELLO = b'{"id":4,"method":"hello","params":{}}'


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    yield write_config(tmp_path)
    end_agents()


def gone(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return not Path(f"/proc/{pid}").exists()


async def test_figures_of_this_host_arrive_and_keep_arriving(config: str) -> None:
    async with attached(config) as client:
        state = client.state

        async def has_rates() -> bool:
            return state.value("system", "system.cpu.utilization") is not None

        await eventually(has_rates)
        assert state.welcome is not None
        assert (state.welcome.private, state.welcome.role) == (True, "admin")
        memory = state.value("system", "system.memory.utilization")
        assert memory is not None
        assert 0 < memory < 1
        assert state.value("agent", "agent.memory.usage")


async def test_of_several_started_at_once_one_stays(config: str) -> None:
    started = [launch.start_agent(config) for _ in range(4)]
    wait_until(lambda: sum(gone(pid) for pid in started) == 3, deadline=20)
    assert len(agent_pids()) == 1


async def test_two_consoles_see_one_agent(config: str) -> None:
    async with attached(config) as first, attached(config) as second:
        assert first.state.welcome is not None
        assert second.state.welcome is not None
        assert first.state.welcome.pid == second.state.welcome.pid

        async def both_counted() -> bool:
            return first.state.agent is not None and first.state.agent.consoles == 2

        await eventually(both_counted)
        assert len(agent_pids()) == 1


async def test_a_quit_of_the_last_console_ends_it_and_leaves_no_socket(config: str) -> None:
    async with attached(config) as first, attached(config) as second:
        await first.bye()
        assert second.state.link is Link.LIVE
        await second.bye()
    wait_until(lambda: not agent_pids() or all(gone(pid) for pid in agent_pids()))
    assert not Path(private_socket()).exists()


async def test_a_hang_up_leaves_it_and_the_next_console_finds_the_same_past(config: str) -> None:
    watched = frozenset({"system.memory.utilization"})
    async with attached(config) as client:
        pid = client.state.welcome.pid if client.state.welcome else 0

        async def polled_twice() -> bool:
            return client.state.readings["system"].monotonic > first

        await eventually(lambda: _has_reading(client))
        first, wall = client.state.readings["system"].monotonic, client.state.readings["system"].wall
        await eventually(polled_twice)
    again = AgentClient(config=config)
    again.watch(watched)
    task = asyncio.create_task(again.run())

    async def past_is_there() -> bool:
        return any(wall in track.wall for track in again.state.tracks.values())

    await eventually(past_is_there)
    assert again.state.welcome is not None
    assert again.state.welcome.pid == pid
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _has_reading(client: AgentClient) -> bool:
    return "system" in client.state.readings


async def test_when_it_dies_the_console_says_so_and_starts_it_again(config: str) -> None:
    async with attached(config) as client:
        assert client.state.welcome is not None
        pid = client.state.welcome.pid
        links: list[Link] = []
        client.on_change = lambda: links.append(client.state.link)
        os.kill(pid, signal.SIGKILL)

        async def another_one() -> bool:
            welcome = client.state.welcome
            return welcome is not None and welcome.pid != pid and client.state.link is Link.LIVE

        await eventually(another_one)
        assert Link.LOST in links


async def test_an_agent_that_hangs_is_called_silent_and_live_again_when_it_goes_on(config: str) -> None:
    async with attached(config) as client:
        assert client.state.welcome is not None
        pid = client.state.welcome.pid

        async def stands(link: Link) -> bool:
            client.tick()
            return client.state.link is link

        os.kill(pid, signal.SIGSTOP)
        try:
            await eventually(lambda: stands(Link.SILENT))
            assert "has said nothing" in client.state.link_note
            assert not client.state.knows_what_fires
        finally:
            os.kill(pid, signal.SIGCONT)
        await eventually(lambda: stands(Link.LIVE))


async def test_it_is_started_again_three_times_a_minute_at_most(config: str) -> None:
    async with attached(config) as client:

        async def given_up() -> bool:
            for pid in agent_pids():
                os.kill(pid, signal.SIGKILL)
            return "next start in" in client.state.link_note

        await eventually(given_up, deadline=20)


async def test_a_broken_configuration_is_told_and_nothing_may_be_changed(tmp_path: Path) -> None:
    config = write_config(tmp_path, 'discover = false\n[sources.cache]\nkind = "reddis"\n')
    try:
        async with attached(config) as client:

            async def told() -> bool:
                return client.state.agent is not None and bool(client.state.agent.notes)

            await eventually(told)
            assert client.state.agent is not None
            assert 'did you mean "redis"?' in client.state.agent.notes[0]
            assert client.state.welcome is not None
            assert client.state.welcome.read_only
    finally:
        end_agents()


async def test_a_mistake_that_was_mended_is_not_told_any_more(tmp_path: Path) -> None:
    config = write_config(tmp_path, "discover = false\nintervall = '1s'\n")
    try:
        async with attached(config) as client:
            state = client.state

            async def read_only() -> bool:
                return state.agent is not None and state.agent.read_only and len(state.notes) == 2

            await eventually(read_only)
            write_config(tmp_path)
            await client.reload()

            async def believed() -> bool:
                return state.agent is not None and not state.agent.read_only and not state.notes

            await eventually(believed)
    finally:
        end_agents()


async def test_an_audit_log_whose_reserve_cannot_be_had_is_told_until_it_is_mended(config: str) -> None:
    log = AuditLog(state_dir())
    log.append({"event": "outcome"})
    reserve = state_dir() / "audit.reserve"
    reserve.unlink()
    reserve.mkdir()
    async with attached(config) as client:

        async def told() -> bool:
            notes = client.state.agent.notes if client.state.agent is not None else ()
            return any(note.startswith(f"audit log: {log.path} cannot be written") for note in notes)

        async def mended() -> bool:
            return not await told()

        await eventually(told)
        reserve.rmdir()
        await eventually(mended)
        assert reserve.stat().st_size == RESERVE


async def test_a_state_larger_than_a_line_arrives_in_parts(tmp_path: Path) -> None:
    sources = "".join(
        f'[sources.host-{number}]\nkind = "http"\nurl = "http://127.0.0.1:9/{"x" * 900}{number}"\n'
        for number in range(900)
    )
    config = write_config(tmp_path, "discover = false\n" + sources)
    try:
        async with attached(config) as client:

            async def all_there() -> bool:
                states = [status.state for status in client.state.sources.values()]
                return len(states) == 902 and states.count(SourceState.WAITING) == 0

            await eventually(all_there, deadline=30)
            assert client.state.link is Link.LIVE
    finally:
        end_agents()


async def test_a_reload_takes_the_new_sources_and_a_bad_one_leaves_the_old_running(config: str) -> None:
    async with attached(config) as client:
        Path(config).write_text('discover = false\n[sources.web]\nkind = "http"\nurl = "http://127.0.0.1:9/"\n')
        await client.reload()

        async def there() -> bool:
            return "web" in client.state.sources

        await eventually(there)
        Path(config).write_text("discover = maybe\n")
        with pytest.raises(RequestFailed, match=r"perftui\.toml"):
            await client.reload()
        assert "web" in client.state.sources
        Path(config).write_text("discover = false\n")
        os.kill(agent_pids()[0], signal.SIGHUP)

        async def gone_again() -> bool:
            return "web" not in client.state.sources

        await eventually(gone_again)


async def test_a_console_that_never_reads_costs_no_memory_and_stops_nobody(config: str) -> None:
    pid = start_and_wait(config)
    stalled = socket.socket(socket.AF_UNIX)
    stalled.connect(private_socket())
    stalled.sendall(HELLO + b'\n{"id":1,"method":"subscribe","params":{"topics":["*"]}}\n')
    for _ in range(20_000):
        try:
            stalled.send(b'{"id":2,"method":"actions"}\n' * 100, socket.MSG_DONTWAIT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            break
    with stalled:
        async with attached(config) as client:
            await eventually(lambda: _has_reading(client))
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            assert resident < 200 << 20


def talk(*lines: bytes) -> list[dict[str, object]]:
    """Send raw lines to the agent, one after the other, and return its answers."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect(private_socket())
        answers = link.makefile("rb")
        found = []
        for line in lines:
            link.sendall(line + b"\n")
            found.append(json.loads(answers.readline()))
        return found


def test_what_it_cannot_understand_is_answered_with_an_error(config: str) -> None:
    start_and_wait(config)
    broken, unknown, rude, old, _, wrong = talk(
        b"{not json",
        b'{"id":1,"method":"dance"}',
        b'{"id":2,"method":"reload"}',
        b'{"id":3,"method":"hello","params":{"protocol":[9,12],"version":"9.0"}}',
        HELLO,
        b'{"id":5,"method":"poll","params":{"source":7}}',
    )
    assert "say hello first" in rude["error"]["message"]  # type: ignore[index]
    assert broken["error"]["code"] == -32600  # type: ignore[index]
    assert unknown["error"] == {"code": -32601, "message": "there is no method dance", "data": None}
    assert wrong["error"]["code"] == -32602  # type: ignore[index]
    assert "speaks 9-12" in old["error"]["message"]  # type: ignore[index]


def test_a_goodbye_counts_even_when_the_console_is_gone_at_once(config: str) -> None:
    pid = start_and_wait(config)
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(private_socket())
        link.sendall(b'{"id":1,"method":"bye","params":{"end":true}}\n')
    wait_until(lambda: gone(pid))


async def test_a_goodbye_waits_for_an_agent_that_is_busy(config: str) -> None:
    async with attached(config) as client:
        assert client.state.welcome is not None
        pid = client.state.welcome.pid
        os.kill(pid, signal.SIGSTOP)
        goodbye = asyncio.create_task(client.bye())
        try:
            await asyncio.wait({goodbye}, timeout=0.4)
            assert not goodbye.done(), "who leaves unheard leaves an agent behind for half an hour"
        finally:
            os.kill(pid, signal.SIGCONT)
        await goodbye

    async def ended() -> bool:
        return gone(pid)

    await eventually(ended)


def test_a_line_above_the_limit_ends_that_connection_only(config: str) -> None:
    start_and_wait(config)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect(private_socket())
        try:
            link.sendall(b"x" * (3 << 20))
            assert link.recv(1) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert talk(b'{"id":1,"method":"dance"}')
