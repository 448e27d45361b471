"""The pacer: half the server's time at most, and less when it gets slow."""

import asyncio

from perftui.actions.pace import LONGEST_PAUSE, Pacer, rest


def test_it_waits_as_long_as_it_worked() -> None:
    pacer = Pacer(0.0001, 1000)
    assert pacer.pause(0.002, 0.0001) == 0.002
    assert pacer.batch == 1000


def test_a_slow_server_gets_smaller_batches_and_longer_pauses_until_it_is_quick_again() -> None:
    pacer = Pacer(0.0001, 1000)
    pauses = [pacer.pause(0.001, 0.050) for _ in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert pacer.batch == 50
    for _ in range(40):
        last = pacer.pause(0.001, 0.0001)
    assert (pacer.batch, last) == (1000, 0.001)


def test_a_far_server_is_no_slow_one() -> None:
    pacer = Pacer(0.040, 1000)
    assert pacer.pause(0.042, 0.040) == 0.042
    assert pacer.batch == 1000
    assert 0.001 < pacer.p99 < 0.003


def test_it_may_begin_smaller_than_it_grows() -> None:
    pacer = Pacer(baseline=0.001, most=1000, first=200)
    assert pacer.batch == 200
    for _ in range(30):
        pacer.pause(work=0.002, ping=0.001)
    assert pacer.batch == 1000


async def test_a_rest_ends_when_it_is_cancelled() -> None:
    cancelled = asyncio.Event()
    await rest(cancelled, 0.0)
    cancelled.set()
    async with asyncio.timeout(1.0):
        await rest(cancelled, 3600.0)
