"""The ways out: a sender gives one notification to one receiver, or says why it could not."""

import asyncio
from pathlib import Path
from typing import Protocol

from perftui.alerts.notify.notification import Notification
from perftui.config.notify import Route
from perftui.core.errors import NotifyError

DEADLINE = 30.0
"""Seconds that a receiver has to take a notification."""


class Sender(Protocol):
    """Sends within the deadline that the caller sets, or ends with what it holds when it is cancelled."""

    async def send(self, notification: Notification) -> None:
        """Return once the receiver has it. Raises NotifyError with the reason, free of secrets."""


def sender_of(route: Route) -> Sender | None:
    """Return the way out of a route; None for an Alertmanager, which is kept in step rather than told."""
    if route.exec:
        from perftui.alerts.notify.exec_sender import ExecSender

        return ExecSender(route.exec)
    if route.url is not None:
        from perftui.alerts.notify.apprise_sender import AppriseSender

        return AppriseSender(route.url)
    return None


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
        raise NotifyError(_defect(error)) from error


def _defect(error: Exception) -> str:
    """Return where a sender broke; not its text, in which there may be a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"
