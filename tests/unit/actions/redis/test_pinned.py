"""Targets by the million: each once, in blocks, and the same digest only for the same targets."""

from hypothesis import given
from hypothesis import strategies as some

from perftui.actions.redis.pinned import BLOCK, Gathering, Pinned


def flat(pinned: Pinned) -> list[bytes]:
    return [item for block in pinned for item in block]


def test_what_was_added_comes_back_in_blocks_and_order() -> None:
    items = [b"%d" % number for number in range(2500)]
    pinned = Pinned()
    pinned.add(items)
    assert flat(pinned) == items
    assert [len(block) for block in pinned] == [BLOCK, BLOCK, 500]
    assert pinned.count == 2500


def test_the_digest_is_of_all_of_them() -> None:
    digests = set()
    for items in ([b"a", b"b"], [b"a"], [b"ab"], [b"b", b"a"], []):
        pinned = Pinned()
        pinned.add(items)
        digests.add(pinned.digest)
    assert len(digests) == 5


@given(some.lists(some.binary(max_size=4)))
async def test_each_comes_once_however_often_it_was_seen(items: list[bytes]) -> None:
    gathering = Gathering()
    gathering.add(items)
    gathering.add(items[:3])
    pinned = await gathering.pinned()
    assert sorted(flat(pinned)) == sorted(set(items))
    assert (pinned.count, gathering.seen) == (len(set(items)), len(items) + len(items[:3]))


async def test_more_than_its_buckets_hold_open_are_still_each_once() -> None:
    items = [b"user:%d" % number for number in range(300_000)]
    gathering = Gathering()
    gathering.add(items)
    gathering.add(items[:10_000])
    pinned = await gathering.pinned()
    assert pinned.count == 300_000
    assert set(flat(pinned)) == set(items)
    assert all(len(block) <= BLOCK for block in pinned)
