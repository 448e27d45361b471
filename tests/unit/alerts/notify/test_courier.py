"""The courier in virtual time: receivers that are down, refuse, dawdle or break; everything arrives, in order."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

from perftui.alerts.notify.courier import Courier
from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.outbox import Outbox
from perftui.config.notify import Route
from perftui.core.errors import NotifyError
from tests.support.virtual_time import LoopClock, run_virtually
from tests.unit.alerts.notify.messages import message

ROUTE = Route(exec=("true",))


class Receiver:
    """Takes messages as `behave` lets it, which raises, waits or returns; remembers what arrived."""

    def __init__(self, behave: Callable[[float], Awaitable[None]]) -> None:
        self._behave = behave
        self.arrived: list[Notification] = []
        self.tries = 0

    async def send(self, notification: Notification) -> None:
        self.tries += 1
        # What comes too late for the sender has arrived all the same, as over a real network.
        late = asyncio.get_running_loop().create_task(self._take(notification))
        await asyncio.shield(late)

    async def _take(self, notification: Notification) -> None:
        await self._behave(asyncio.get_running_loop().time() - 1000.0)
        self.arrived.append(notification)


async def well(_now: float) -> None:
    """Take it at once."""


@contextlib.asynccontextmanager
async def running(**receivers: Receiver) -> AsyncIterator[tuple[Outbox, Courier]]:
    """Run a courier with a route to each receiver."""
    outbox = Outbox(LoopClock(), random.Random(1))
    routes = {name: Route(exec=(name,)) for name in receivers}

    def told(_notification: Notification, _problem: str) -> None:
        outbox.take_changes()
        outbox.release()

    courier = Courier(outbox, routes, told, lambda route: receivers[route.exec[0]])
    task = asyncio.create_task(courier.run())
    await asyncio.sleep(0)
    try:
        yield outbox, courier
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()


def add(outbox: Outbox, courier: Courier, *messages: Notification) -> None:
    """Put messages into the outbox as the agent does, kept and then released."""
    for each in messages:
        outbox.add(each)
    outbox.take_changes()
    outbox.release()
    courier.wake()


async def bad_day(now: float) -> None:
    """Down for half an hour, then refusing with a time to wait, then slow around the deadline, then well."""
    if now < 1800:
        raise NotifyError("no connection")
    if now < 2100:
        raise NotifyError("HTTP 429", retry_after=45.0)
    if now < 2700:
        await asyncio.sleep(29.0 if int(now) % 2 else 31.0)


def test_after_a_bad_day_everything_has_arrived_in_the_order_of_each_incident() -> None:
    async def day() -> Receiver:
        receiver = Receiver(bad_day)
        async with running(slack=receiver) as (outbox, courier):
            for minute in range(60):
                add(outbox, courier, message(minute + 1, "fire"), message(minute + 1, "flood"))
                await asyncio.sleep(60)
            await asyncio.sleep(3600)
            delivery = outbox.delivery()
            assert (delivery.waiting, delivery.sent, delivery.dropped, delivery.problems) == (0, 120, 0, ())
        return receiver

    receiver = run_virtually(day())
    firsts: defaultdict[str, list[int]] = defaultdict(list)
    for each in receiver.arrived:
        if each.sequence not in firsts[each.dedup_key]:
            firsts[each.dedup_key].append(each.sequence)
    assert firsts == {"fire": list(range(1, 61)), "flood": list(range(1, 61))}
    assert receiver.tries < 120 + 60


def test_a_receiver_that_hangs_is_left_after_the_deadline_and_holds_up_nobody_else() -> None:
    async def hang(_now: float) -> None:
        await asyncio.sleep(1e6)

    async def hour() -> None:
        quick = Receiver(well)
        async with running(slack=Receiver(hang), mail=quick) as (outbox, courier):
            add(outbox, courier, message(1), message(1, route="mail"))
            await asyncio.sleep(31)
            assert len(quick.arrived) == 1
            (problem,) = outbox.delivery().problems
            assert problem == "slack: not reached for 1 s (no answer within 30 s), 1 waiting"

    run_virtually(hour())


def test_a_defect_in_a_sender_is_told_without_its_text_and_tried_again() -> None:
    async def broken(now: float) -> None:
        if now < 10:
            raise ValueError("https://hooks.example/s3cret")

    async def play() -> None:
        receiver = Receiver(broken)
        async with running(slack=receiver) as (outbox, courier):
            add(outbox, courier, message(1))
            await asyncio.sleep(5)
            (problem,) = outbox.delivery().problems
            assert "ValueError at test_courier.py:" in problem
            assert "s3cret" not in problem
            await asyncio.sleep(30)
            assert len(receiver.arrived) == 1

    run_virtually(play())


class Broken(Outbox):
    """An outbox with a defect that shows for one route only, for ten seconds."""

    def take(self, route: str) -> Notification | None:
        if route == "slack" and self._clock.monotonic() < 1010.0:
            raise RuntimeError("s3cret")
        return super().take(route)


def test_a_defect_of_ours_is_said_and_holds_up_no_other_route() -> None:
    async def play() -> None:
        receivers = {"slack": Receiver(well), "mail": Receiver(well)}
        outbox = Broken(LoopClock(), random.Random(1))
        changes: list[tuple[str, ...]] = []

        def sender(route: Route) -> Receiver:
            if route.exec == ("odd",):
                raise RuntimeError("s3cret")
            return receivers[route.exec[0]]

        def changed() -> None:
            changes.append(courier.problems)

        routes = {name: Route(exec=(name,)) for name in ("slack", "mail", "odd")}
        courier = Courier(outbox, routes, lambda _message, _problem: None, sender, changed)
        task = asyncio.create_task(courier.run())
        await asyncio.sleep(0)
        add(outbox, courier, message(1), message(1, route="mail"))
        await asyncio.sleep(5)
        assert len(receivers["mail"].arrived) == 1
        said = "\n".join(courier.problems)
        assert "slack: broken: RuntimeError at test_courier.py:" in said
        assert "odd: broken: RuntimeError at test_courier.py:" in said
        assert "s3cret" not in said
        await asyncio.sleep(30)
        assert len(receivers["slack"].arrived) == 1
        assert [line.split(":")[0] for line in courier.problems] == ["odd"]
        assert changes[-1] == courier.problems
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    run_virtually(play())


def test_routes_come_and_go_with_the_configuration() -> None:
    async def never(_now: float) -> None:
        await asyncio.sleep(1e6)

    async def play() -> None:
        slack, mail = Receiver(never), Receiver(well)
        async with running(slack=slack, mail=mail) as (outbox, courier):
            courier.use({"slack": Route(exec=("slack",))})
            await asyncio.sleep(1)
            add(outbox, courier, message(1), message(1, route="mail"))
            await asyncio.sleep(1)
            assert (slack.tries, mail.tries) == (1, 0)
            courier.use({"slack": Route(exec=("mail",)), "mail": Route(exec=("mail",))})
            await asyncio.sleep(1)
            assert [each.route for each in mail.arrived] == ["slack", "mail"]
            courier.use({})
            await asyncio.sleep(1)
            assert outbox.delivery().waiting == 0

    run_virtually(play())


def test_what_was_being_sent_at_the_end_is_not_lost() -> None:
    async def slow(_now: float) -> None:
        await asyncio.sleep(10)

    async def play() -> None:
        async with running(slack=Receiver(slow)) as (outbox, courier):
            add(outbox, courier, message(1))
            await asyncio.sleep(5)
        assert outbox.take("slack") == message(1)

    run_virtually(play())


def test_an_alertmanager_gets_no_task() -> None:
    async def play() -> None:
        outbox = Outbox(LoopClock(), random.Random(1))
        courier = Courier(outbox, {"am": Route(alertmanager="http://h:9093")}, lambda _notification, _problem: None)
        task = asyncio.create_task(courier.run())
        await asyncio.sleep(1)
        courier.use({"am": Route(alertmanager="http://other:9093")})
        await asyncio.sleep(1)
        assert not [each for each in asyncio.all_tasks() if each.get_name().startswith("notify")]
        task.cancel()

    run_virtually(play())
