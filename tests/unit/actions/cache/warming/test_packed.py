"""What is pinned is exactly what was read, spread in time, bounded in memory."""

import random
import zlib

import pytest

from perftui.actions.cache.warming import packed as module
from perftui.actions.cache.warming.items import Item
from perftui.actions.cache.warming.packed import MOST_BATCH, SAMPLE, PackedItems
from perftui.config.duration import Duration
from perftui.config.remedies import WarmRecipe
from perftui.connect.redis import _packed
from perftui.core.errors import Refused


def pinned(items: list[Item | str], **recipe: object) -> PackedItems:
    made = PackedItems(WarmRecipe(target="cache-1", **recipe), random.Random(1))  # type: ignore[arg-type]
    made.add(items)
    made.close()
    return made


def commands(made: PackedItems) -> list[list[bytes]]:
    """Read the packed commands back."""
    found: list[list[bytes]] = []
    for batch in made.batches:
        raw = zlib.decompress(batch.packed)
        words: list[bytes] = []
        while raw:
            kind, _, raw = raw.partition(b"\r\n")
            if kind.startswith(b"*"):
                words = []
                found.append(words)
                continue
            size = int(kind[1:])
            words.append(raw[:size])
            raw = raw[size + 2 :]
    return found


def many(number: int) -> list[Item | str]:
    return [Item(b"k%d" % each, b"v\r\n%d" % each) for each in range(number)]


@pytest.mark.parametrize(
    ("recipe", "tail"),
    [
        ({"ttl": Duration(2), "jitter": 0.0}, (b"PX", 2000, b"NX")),
        ({"ttl": Duration(2), "jitter": 0.0, "overwrite": True}, (b"PX", 2000)),
        ({"ttl": Duration(0)}, (b"NX",)),
        ({"ttl": Duration(0), "overwrite": True}, ()),
    ],
)
def test_a_command_is_packed_as_the_driver_would(recipe: dict[str, object], tail: tuple[bytes | int, ...]) -> None:
    (batch,) = pinned([Item("ü".encode(), b"a\r\nb")], **recipe).batches
    assert zlib.decompress(batch.packed) == _packed(("SET", "ü".encode(), b"a\r\nb", *tail))


def test_every_item_stands_in_one_batch_in_order() -> None:
    made = pinned(many(120), batch=50)
    assert [batch.number for batch in made.batches] == [50, 50, 20]
    assert [command[1] for command in commands(made)] == [b"k%d" % each for each in range(120)]


def test_expiries_are_spread_within_the_jitter_and_an_items_own_is_its_own() -> None:
    made = pinned([*many(2000), Item(b"own", b"v", 10.0)], ttl=Duration(1000), jitter=0.1)
    expiries = [int(command[4]) for command in commands(made)]
    assert all(900_000 <= each <= 1_100_000 for each in expiries[:-1])
    assert max(expiries) - min(expiries[:-1]) > 190_000
    assert 9_000 <= expiries[-1] <= 11_000


def test_a_large_item_gets_a_batch_of_its_own() -> None:
    large = Item(b"large", b"x" * MOST_BATCH)
    assert [batch.number for batch in pinned([*many(3), large, *many(6)[3:]]).batches] == [3, 1, 3]


def test_the_second_of_a_key_and_what_cannot_be_written_are_counted_and_left_out() -> None:
    made = pinned([Item(b"a", b"1"), Item(b"a", b"2"), "line 3: no\x1b[2J", "line 4: no"])
    assert (made.count, made.doubles, made.bad, made.first_bad) == (1, 1, 2, "line 3: no␛[2J")
    assert commands(made)[0][2] == b"1"


def test_most_bounds_what_is_read() -> None:
    made = pinned(["bad", *many(10)], most=4)
    assert (made.count, made.bad, made.has_more) == (3, 1, True)
    assert not pinned(many(4), most=4).has_more


def test_too_much_for_a_preview_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PINNED", 5000)
    with pytest.raises(Refused, match=r"refused by limits.*set most below"):
        pinned([Item(b"%d" % each, random.Random(each).randbytes(100)) for each in range(200)])


def test_the_sample_is_spread_over_all_and_bounded() -> None:
    made = pinned(many(50_000))
    places = [int(key[1:]) for key in made.sample]
    assert SAMPLE // 2 <= len(places) <= 2 * SAMPLE
    assert len([each for each in places if each >= 25_000]) == pytest.approx(len(places) / 2, abs=3)
    assert len(pinned(many(300)).sample) == 300, "few are all looked at"


def test_the_digest_tells_any_key_and_value_from_another() -> None:
    digests = {pinned([Item(key, value)]).digest for key, value in ((b"a", b"bc"), (b"ab", b"c"), (b"a", b"bd"))}
    assert len(digests) == 3
