"""An HTTP endpoint: is it up, how fast does it answer, and what does its JSON say.

Calls: one request a poll on a kept connection. Units: as declared by the user; latency in seconds.
Least privileges: whatever the URL needs; a token is sent as `Authorization: Bearer`.

- An answer within `expect` is up (1), any other is not (0): both are readings, for the probe itself worked. Redirects
  are not followed: a 302 is judged as 302. Who does not answer at all (refused, unknown name, TLS, too late) raises,
  and the source is failing.
- Metrics are read only out of an answer that is up. A body that is not JSON is BadAnswer: the source cannot say what
  it was configured for. A single path that finds nothing or no number is denied by name and says why; the rest goes on.
- A value is a finite number or a boolean (1, 0). Text is refused: `to_number(path)` is JMESPath's way to say it is
  one. A list of objects `{attribute…, value}` gives one series each; of equal attributes the first counts.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jmespath
import jmespath.exceptions
import jmespath.parser

from perftui.config.kinds import HttpOptions
from perftui.connect.http import Answer, HttpTarget
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer
from perftui.core.metric import Metric
from perftui.core.rates import Counters
from perftui.core.reading import MAX_SERIES, Reading, ReadingBuilder
from perftui.core.series import Attributes, attributes
from perftui.core.text import clean

_SHOWN_OF_BODY = 40


class Found(NamedTuple):
    """One number found in a body, with the attributes that stood beside it."""

    value: float
    attributes: dict[str, str]


class NotANumber(ValueError):
    """What a path found is no number; the text says what it is."""


class HttpCollector:
    """Polls one URL."""

    def __init__(self, name: str, options: HttpOptions, clock: Clock, target: HttpTarget | None = None) -> None:
        self._name = name
        self._clock = clock
        self._expect = options.expect
        self._declared = options.metrics
        self._target = target or HttpTarget(options)
        self._paths: dict[str, jmespath.parser.ParsedResult] = {}
        self._counters = Counters()
        self._counted: set[tuple[str, Attributes]] = set()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What the user declared for this source."""
        return tuple(declared.metric(name) for name, declared in self._declared.items())

    async def open(self) -> None:
        """Compile the paths once and make the client. Raises BadAnswer for a path that is no JMESPath."""
        if not self._paths:
            self._paths = {name: _compile(name, declared.path) for name, declared in self._declared.items()}
        self._counters.reset()
        self._counted.clear()
        await self._target.open()

    async def close(self) -> None:
        """Close the connection; never raises."""
        await self._target.close()

    async def poll(self) -> Reading:
        """Ask once."""
        builder = ReadingBuilder(self._name, self._clock)
        builder.commands = 1
        answer = await self._target.fetch()
        lowest, highest = self._expect
        is_up = lowest <= answer.status <= highest
        builder.add("http.up", float(is_up))
        builder.add("http.client.request.duration", answer.seconds)
        builder.add("http.response.status_code", answer.status)
        builder.add("http.client.response.body.size", len(answer.body))
        if is_up and self._declared:
            self._read_body(builder, self._parse(answer))
        return builder.build()

    def _parse(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            start = clean(answer.body[: _SHOWN_OF_BODY * 4], _SHOWN_OF_BODY).strip()
            shown = f'it starts with "{start}"' if start else "it is empty"
            raise BadAnswer(f"{self._target.place}: the body is not JSON: {shown}") from error

    def _read_body(self, builder: ReadingBuilder, body: Any) -> None:
        seen: set[tuple[str, Attributes]] = set()
        for name, declared in self._declared.items():
            try:
                for found in _numbers(self._paths[name].search(body)):
                    key = (name, attributes(found.attributes))
                    if key in seen:
                        builder.deny(name, f"path {clean(declared.path, 80)} finds the same attributes twice")
                        continue
                    seen.add(key)
                    value = self._counters.rate(key, found.value, builder.started) if declared.counter else found.value
                    builder.add(name, None if value is None else value * declared.scale, **found.attributes)
            except NotANumber as why:
                builder.deny(name, f"path {clean(declared.path, 80)} {why}")
            except (jmespath.exceptions.JMESPathError, RecursionError) as error:
                builder.deny(name, f"path {clean(declared.path, 80)}: {clean(str(error), 120)}")
        for gone in self._counted - seen:
            self._counters.delta(gone, None, builder.started)
        self._counted = seen


def _compile(name: str, path: str) -> jmespath.parser.ParsedResult:
    try:
        return jmespath.compile(path)
    except jmespath.exceptions.JMESPathError as error:
        reason = clean(str(error).partition("\n")[0], 120)
        raise BadAnswer(f"metric {clean(name, 80)}: {clean(path, 80)} is not a JMESPath: {reason}") from error


def _numbers(result: Any) -> Iterator[Found]:
    """Yield the numbers that a path found. Raises NotANumber."""
    if not isinstance(result, list):
        yield Found(_number(result), {})
        return
    for item in result[:MAX_SERIES]:
        if not isinstance(item, dict) or "value" not in item:
            raise NotANumber("finds a list of other things than objects with a value")
        if item["value"] is not None:
            yield Found(_number(item["value"]), _attributes(item))


def _number(value: Any) -> float:
    match value:
        case None:
            raise NotANumber("finds nothing in the body")
        case str():
            raise NotANumber("finds text; write to_number(…) if it is a number")
        case bool() | int() | float():
            return _finite(value)
    raise NotANumber(f"finds {'an object' if isinstance(value, dict) else 'a list'}, not a number")


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NotANumber("finds a number that is too large")
    return number


def _attributes(item: dict[str, Any]) -> dict[str, str]:
    """Return what stands beside the value, as text; what is no plain value is left out."""
    return {
        clean(name, 40): clean(str(value), 100)
        for name, value in item.items()
        if name != "value" and isinstance(value, str | int | float)
    }
