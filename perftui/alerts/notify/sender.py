"""The ways out: a sender gives one notification to one receiver, or says why it could not."""

import asyncio
from typing import Protocol

from perftui.alerts.notify.isolation import defect
from perftui.alerts.notify.notification import Notification
from perftui.config.notify import Route
from perftui.core.errors import NotifyError

DEADLINE = 30.0
"""Seconds that a receiver has to take a notification."""


class Refusal(NotifyError):
    """The receiver answered and refuses us: no time that passes helps, but somebody who mends the route."""


class Sender(Protocol):
    """Sends within the deadline that the caller sets, or ends with what it holds when it is cancelled."""

    async def send(self, notification: Notification) -> None:
        """Return once the receiver has it. Raises NotifyError with the reason, free of secrets."""


def sender_of(route: Route) -> Sender:
    """Return the way out of a route; not of an Alertmanager, which is kept in step rather than told."""
    if route.exec:
        from perftui.alerts.notify.exec_sender import ExecSender

        return ExecSender(route.exec)
    from perftui.alerts.notify.apprise_sender import AppriseSender

    assert route.url is not None  # a route has exactly one way out: the configuration was checked for that
    return AppriseSender(route.url)


async def attempt(sender: Sender, notification: Notification) -> None:
    """Send within the deadline. Raises NotifyError for whatever goes wrong, a defect of ours included."""
    try:
        async with asyncio.timeout(DEADLINE):
            await sender.send(notification)
    except NotifyError:
        raise
    except TimeoutError as error:
        raise NotifyError(f"no answer within {DEADLINE:.0f} s") from error
    except Exception as error:  # a defect in one way out must neither stop the others nor go untold
        raise NotifyError(defect(error)) from error
