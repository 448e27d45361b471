"""The outbox: kept before it is sent, in order, bounded, tried again and at last given up."""

import random

import msgspec
import pytest

from perftui.alerts.kept import Outage
from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.outbox import CAPACITY, GIVE_UP, LONGEST_BACKOFF, Outbox
from perftui.alerts.notify.sender import Refusal
from perftui.core.clock import ManualClock
from perftui.core.errors import NotifyError
from tests.unit.alerts.notify.messages import message


class Queue:
    """An outbox whose changes go to a disk of the test."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.outbox = Outbox(self.clock, random.Random(1))
        self.disk: dict[str, bytes] = {}

    def add(self, *messages: Notification) -> None:
        for each in messages:
            self.outbox.add(each)
        self.save()

    def save(self) -> None:
        for (_, key), kept in self.outbox.take_changes().items():
            if kept is None:
                self.disk.pop(key, None)
            else:
                self.disk[key] = msgspec.msgpack.encode(kept)
        self.outbox.release()

    def deliver(self, notification: Notification) -> None:
        self.outbox.sent(notification)
        self.save()

    def fail(self, error: str = "HTTP 500", retry_after: float | None = None) -> float:
        """Let the next one fail; return how long it then waits."""
        head = self.outbox.take("slack")
        assert head is not None
        self.outbox.failed(head, NotifyError(error, retry_after))
        wait = self.outbox.wait("slack")
        assert wait is not None
        return wait

    def restart(self, shift: float = 0.0) -> None:
        self.clock = ManualClock(self.clock.monotonic() + shift)
        self.outbox = Outbox(self.clock, random.Random(1))
        self.outbox.restore({"outbox": self.disk}, Outage(shift=shift))


def test_nothing_is_sent_before_it_is_on_disk() -> None:
    queue = Queue()
    queue.outbox.add(message(1))
    assert queue.outbox.take("slack") is None
    queue.outbox.take_changes()
    assert queue.outbox.take("slack") is None
    queue.outbox.add(message(2))
    queue.outbox.release()
    first = queue.outbox.take("slack")
    assert first is not None
    assert first.id == "fire#1"
    queue.outbox.sent(first)
    assert queue.outbox.take("slack") is None


def test_what_was_sent_is_gone_and_the_next_is_up() -> None:
    queue = Queue()
    queue.add(message(1), message(2), message(1, route="mail"))
    first = queue.outbox.take("slack")
    assert first is not None
    queue.outbox.sent(first)
    queue.save()
    assert len(queue.disk) == 2
    assert queue.outbox.take("slack") == message(2)
    assert queue.outbox.take("mail") == message(1, route="mail")


def test_each_failure_waits_twice_as_long_up_to_five_minutes() -> None:
    queue = Queue()
    queue.add(message())
    waits = []
    for _ in range(12):
        waits.append(queue.fail())
        queue.clock.advance(waits[-1])
    for wait, wanted in zip(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300], strict=True):
        assert wanted * 0.75 <= wait <= wanted * 1.25
    assert len({round(wait / 300, 6) for wait in waits[-3:]}) == 3


def test_a_receiver_that_names_a_time_is_asked_after_it_but_within_the_hour() -> None:
    queue = Queue()
    queue.add(message())
    assert queue.fail(retry_after=90.0) == 90.0
    queue.clock.advance(90.0)
    assert queue.fail(retry_after=1e9) == 3600.0


def test_success_ends_the_waiting() -> None:
    queue = Queue()
    queue.add(message(1), message(2))
    queue.clock.advance(queue.fail())
    head = queue.outbox.take("slack")
    assert head == message(1)
    queue.deliver(head)
    assert queue.outbox.wait("slack") == 0.0
    assert queue.outbox.delivery().problems == ()


def test_the_next_waits_until_it_is_on_disk_that_the_one_before_was_sent() -> None:
    queue = Queue()
    queue.add(message(1), message(2))
    head = queue.outbox.take("slack")
    assert head is not None
    queue.outbox.sent(head)
    assert queue.outbox.wait("slack") is None
    queue.save()
    assert queue.outbox.take("slack") == message(2)


def test_another_route_does_not_wait_with_it() -> None:
    queue = Queue()
    queue.add(message(1), message(1, route="mail"))
    assert queue.fail() > 0
    assert queue.outbox.wait("mail") == 0.0


def test_a_message_a_day_old_is_given_up_and_counted() -> None:
    queue = Queue()
    queue.add(message(1))
    queue.clock.advance(GIVE_UP - 10)
    queue.add(message(2))
    queue.clock.advance(11)
    assert queue.outbox.take("slack") == message(2)
    assert queue.outbox.delivery().dropped == 1


def test_what_is_too_much_drops_what_a_later_one_makes_superfluous_first() -> None:
    queue = Queue()
    queue.add(message(1, "old"), message(1, "fire"), message(2, "fire"))
    queue.add(*(message(1, f"i{number}") for number in range(CAPACITY - 3)))
    queue.add(message(1, "new"))
    heads: list[str] = []
    while (head := queue.outbox.take("slack")) is not None and len(heads) < 2:
        heads.append(head.id)
        queue.deliver(head)
    assert heads == ["old#1", "fire#2"]
    assert queue.outbox.delivery().dropped == 1


def test_else_the_oldest_goes_but_not_one_that_is_being_sent() -> None:
    queue = Queue()
    queue.add(*(message(1, f"i{number}") for number in range(CAPACITY)))
    sending = queue.outbox.take("slack")
    assert sending is not None
    queue.add(message(1, "new"))
    queue.deliver(sending)
    assert queue.outbox.take("slack") == message(1, "i2")
    queue.save()
    assert len(queue.disk) == queue.outbox.delivery().waiting == CAPACITY - 1


def test_a_dead_route_takes_no_room_from_another() -> None:
    queue = Queue()
    queue.add(message(1, route="mail"))
    queue.add(*(message(1, f"i{number}") for number in range(CAPACITY + 50)))
    assert queue.outbox.take("mail") == message(1, route="mail")
    delivery = queue.outbox.delivery()
    assert (delivery.waiting, delivery.dropped) == (CAPACITY + 1, 50)
    queue.restart()
    assert queue.outbox.delivery().waiting == CAPACITY + 1


def test_a_refusal_is_said_as_one_and_what_was_refused_waits() -> None:
    queue = Queue()
    queue.add(message(1), message(2), message(3))
    head = queue.outbox.take("slack")
    assert head is not None
    queue.outbox.failed(head, Refusal("HTTP 401: the credentials in the URL are wrong"))
    queue.clock.advance(3600)
    delivery = queue.outbox.delivery()
    assert delivery.problems == ("slack: refused, HTTP 401: the credentials in the URL are wrong, 3 waiting",)
    assert delivery.dropped == 0
    assert queue.outbox.take("slack") == message(1)


def test_after_a_restart_what_waited_is_sent_in_order_before_what_is_new() -> None:
    queue = Queue()
    queue.add(message(1), message(2))
    queue.fail()
    queue.restart(shift=-700.0)
    queue.add(message(3))
    for number in (1, 2, 3):
        head = queue.outbox.take("slack")
        assert head == message(number)
        queue.outbox.sent(head)
        queue.save()
    assert queue.disk == {}


def test_a_row_that_cannot_be_read_is_dropped() -> None:
    queue = Queue()
    queue.add(message(1))
    queue.disk |= {"zzz": queue.disk["000000000000"], "000000000009": b"\xff"}
    queue.restart()
    queue.save()
    assert list(queue.disk) == ["000000000000"]


def test_what_waits_for_a_route_that_is_gone_goes() -> None:
    queue = Queue()
    queue.add(message(1), message(1, route="mail"))
    queue.outbox.use(["mail"])
    queue.save()
    assert len(queue.disk) == 1
    assert queue.outbox.delivery().dropped == 0


def test_the_screen_is_told_how_it_stands() -> None:
    queue = Queue()
    queue.add(message(1), message(2), message(3))
    head = queue.outbox.take("slack")
    assert head is not None
    queue.deliver(head)
    queue.fail("HTTP 429")
    queue.clock.advance(720)
    delivery = queue.outbox.delivery("")
    assert (delivery.sent, delivery.waiting, delivery.dropped) == (1, 2, 0)
    assert delivery.problems == ("slack: not reached for 12m (HTTP 429), 2 waiting",)
    assert queue.outbox.delivery("a private agent").off == "a private agent"


@pytest.mark.parametrize("failures", [50, 2000])
def test_the_wait_stays_bounded_however_often_it_fails(failures: int) -> None:
    queue = Queue()
    queue.add(message())
    for _ in range(failures):
        queue.clock.advance(queue.outbox.wait("slack") or 0.0)
        if queue.outbox.wait("slack") is None:
            return
        assert queue.fail() <= LONGEST_BACKOFF * 1.25 if queue.outbox.wait("slack") == 0.0 else True


def test_a_conversation_is_held_until_the_last_of_it_is_delivered() -> None:
    queue = Queue()
    assert queue.outbox.held == frozenset()
    queue.add(message(1), message(2), message(1, "flood", "mail"))
    assert queue.outbox.held == {("slack", "fire"), ("mail", "flood")}
    for _ in range(2):
        assert ("slack", "fire") in queue.outbox.held
        head = queue.outbox.take("slack")
        assert head is not None
        queue.deliver(head)
    assert queue.outbox.held == {("mail", "flood")}
    queue.restart()
    assert queue.outbox.held == {("mail", "flood")}
    queue.outbox.use(["slack"])
    assert queue.outbox.held == frozenset()
