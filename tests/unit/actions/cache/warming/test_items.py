"""What rows, objects and lines become, and how what cannot be written is told."""

import json

import pytest

from perftui.actions.cache.warming.items import MOST_ITEM, Item, Made, line_to_item, object_to_item, rows_to_items
from perftui.config.remedies import WarmRecipe
from perftui.core.errors import Refused

LONG, VARCHAR, DECIMAL, BLOB, JSON = 3, 253, 246, 252, 245


def recipe(key: str, value: str = "") -> WarmRecipe:
    return WarmRecipe(target="cache-1", key=key, value=value)


def item(made: Made) -> Item:
    assert isinstance(made, Item), made
    return made


def test_a_key_is_made_of_the_bytes_of_its_columns() -> None:
    make = rows_to_items(recipe("{a}:{b}/{a}", "b"), ("a", "b"), (VARCHAR, BLOB))
    assert make((b"\xff{b}", b"2")) == Item(b"\xff{b}:2/\xff{b}", b"2"), "what was filled in is not looked into"


def test_a_row_is_a_json_object_whose_numbers_are_numbers() -> None:
    names = ("id", "price", "name", "doc", "none", "code")
    make = rows_to_items(recipe("{id}"), names, (LONG, DECIMAL, VARCHAR, JSON, LONG, VARCHAR))
    made = item(make((b"0042", b"-0.50", b'a"\n', b'{"x": [1]}', None, b"007")))
    assert made.key == b"0042"
    assert json.loads(made.value) == {
        "id": 42, "price": -0.5, "name": 'a"\n', "doc": {"x": [1]}, "none": None, "code": "007",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "row", "reason"),
    [
        ("v", (None, b"x"), "k is NULL in its key"),
        ("v", (b"1", None), "v is NULL"),
        ("", (b"1", b"\xff"), "a column is not text"),
        ("v", (b"1", b"x" * MOST_ITEM), "larger than 16 MiB"),
    ],
)
def test_a_row_that_cannot_be_written_says_why(value: str, row: tuple[bytes | None, ...], reason: str) -> None:
    made = rows_to_items(recipe("{k}", value), ("k", "v"), (VARCHAR, VARCHAR))(row)
    assert isinstance(made, str)
    assert reason in made


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(Refused, match='column idd, which is not there; did you mean "id"'):
        rows_to_items(recipe("user:{idd}"), ("id", "body"), (LONG, VARCHAR))


@pytest.mark.parametrize(
    ("found", "made"),
    [
        ({"id": 7, "v": "text"}, Item(b"u:7", b"text")),
        ({"id": "ü", "v": {"a": None}}, Item("u:ü".encode(), b'{"a":null}')),
        ({"id": "\ud800", "v": "x"}, Item(b"u:?", b"x")),
        ({"id": None, "v": "x"}, "id is missing or no plain value, and its key needs it"),
        ({"id": True, "v": "x"}, "id is missing or no plain value, and its key needs it"),
        ({"id": 1}, "it has no v"),
        ([1], "it is no object"),
    ],
)
def test_an_object_becomes_an_item_or_a_reason(found: object, made: Made) -> None:
    assert object_to_item(recipe("u:{id}", "v"), found) == made


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ('{"key": "a", "value": "1"}', Item(b"a", b"1")),
        ('{"key": "a", "value": 1, "ttl": 2.5}', Item(b"a", b"1", 2.5)),
        ('{"key": "a", "value": "1", "ttl": "1h"}', Item(b"a", b"1", 3600.0)),
        ('{"key": "a", "value": "1", "ttl": -1}', "its ttl is no duration above 0"),
        ('{"key": "a", "value": "1", "ttl": NaN}', "its ttl is no duration above 0"),
        ('{"key": "a", "value": "1", "ttl": true}', "its ttl is no duration above 0"),
        ('{"key": "", "value": "1"}', "its key is empty"),
        ('{"value": "1"}', "key is missing or no plain value, and its key needs it"),
        ("[" * 100_000, "it is not JSON"),
        ('"text"', "it is no object"),
    ],
)
def test_a_line_becomes_an_item_or_a_reason(line: str, made: Made) -> None:
    assert line_to_item(line.encode()) == made
