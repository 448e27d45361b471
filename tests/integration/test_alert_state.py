"""Killed 200 times at random moments, the alert engine loses nothing that it has shown or promised."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytestmark = pytest.mark.integration

KILLS = 200
LONGEST_LIFE = 0.09
SEED = 20_240_131
Report = dict[str, Any]
Episode = tuple[str, float]
"""The key of an alert, and since when it fires."""
Sent = tuple[str, int, bool]
"""Dedup key, sequence, whether it tells the end."""


class Promises:
    """What the lives so far have shown and promised, and how the next one has to begin."""

    def __init__(self) -> None:
        self.firing: set[Episode] = set()
        self.acks: dict[Episode, str] = {}
        self.silences: dict[str, float] = {}
        self.seen: Counter[str] = Counter()

    def hear_life(self, reports: list[Report]) -> None:
        """Compare the first view of a life with what was promised before, then take in all that it tells."""
        views = [report for report in reports if "firing" in report]
        if views:
            self._compare(views[0])
        for report in reports:
            self._hear(report)

    def _compare(self, view: Report) -> None:
        acks = {(key, since): author for key, since, author in view["firing"]}
        ended = {(key, since) for key, since in view["ended"]}
        assert self.firing <= acks.keys() | ended
        assert {each: author for each, author in self.acks.items() if acks.get(each, author) != author} == {}
        lasting = {id for id, expires in self.silences.items() if expires > view["now"]}
        assert lasting <= set(view["silences"])

    def _hear(self, report: Report) -> None:
        if "firing" in report:
            self.firing = {(key, since) for key, since, _ in report["firing"]}
            self.acks = {(key, since): author for key, since, author in report["firing"] if author}
            self.seen.update(firing=len(self.firing), ended=len(report["ended"]))
        elif "acked" in report:
            key, since, author = report["acked"]
            self.acks[key, since] = author
            self.seen["acked"] += 1
        elif "silenced" in report:
            id, expires = report["silenced"]
            self.silences[id] = expires
            self.seen["silenced"] += 1


class Mortal:
    """The program that lives again and again."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def live(self, mood: str, seed: int, seconds: float | None = None) -> list[Report]:
        """Let it live until it ends, or is killed after `seconds`; return its reports."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{mood} {seed}\n".encode())
        reports: list[Report] = []
        for line in self._process.stdout:
            report = _decoded(line)
            if "started" in report and seconds is not None:
                threading.Timer(seconds, os.kill, (report["started"], signal.SIGKILL)).start()
            elif "gone" in report:
                assert report["gone"] == (0 if seconds is None else -signal.SIGKILL)
                return reports
            else:
                reports.append(report)
        pytest.fail("the program has ended")


def _decoded(line: bytes) -> Report:
    """Return a report; nothing for one that a kill has torn."""
    try:
        report: Report = msgspec.json.decode(line, type=dict)
    except msgspec.DecodeError:
        return {}
    return report


@contextmanager
def mortal(folder: Path) -> Iterator[Mortal]:
    command = [sys.executable, "-m", "tests.support.mortal_alerts", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        yield Mortal(process)
    finally:
        process.communicate(timeout=10)


class Receiver:
    """What was sent, looked through after each life: only what was on its way when it ended may come again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.got: list[Sent] = []

    def look(self) -> None:
        before, self.got = len(self.got), sent(self._folder)
        doubled = [place for place in range(before, len(self.got)) if self.got[place] in self.got[:place]]
        assert doubled in ([], [before])
        assert not doubled or self.got[before] == self.got[before - 1]

    def check_conversations(self) -> None:
        """Nothing of a conversation is missing, and each has come to its end."""
        for key in {key for key, _, _ in self.got}:
            ends = {sequence: end for each, sequence, end in self.got if each == key}
            assert sorted(ends) == list(range(1, len(ends) + 1))
            assert [sequence for sequence, end in ends.items() if end] == [len(ends)]


def sent(folder: Path) -> list[Sent]:
    """Return all that the receiver got, in order."""
    path = folder / "sent"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [(each["key"], each["sequence"], each["end"]) for each in map(msgspec.json.decode, lines)]


def test_200_kills_lose_no_alert_ack_or_silence_and_double_at_most_one_notification_each(tmp_path: Path) -> None:
    dice, promises, receiver = random.Random(SEED), Promises(), Receiver(tmp_path)
    with mortal(tmp_path) as program:
        for number in range(KILLS):
            promises.hear_life(program.live("run", number, dice.uniform(0.0, LONGEST_LIFE)))
            receiver.look()
        promises.hear_life(program.live("calm", KILLS))
    receiver.look()
    receiver.check_conversations()
    assert len(receiver.got) > 20
    assert min(promises.seen[what] for what in ("firing", "ended", "acked", "silenced")) > 20
