"""`url`: Slack, PagerDuty, e-mail, webhooks and the rest, through apprise.

apprise is imported with the first notification: it takes a tenth of a second and 19 MiB. It blocks, so it runs on a
thread of its own. Its URL is a secret, and so is every part of it, which apprise's own messages do not always respect.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from perftui.alerts.notify import wording
from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.sender import DEADLINE, Refusal
from perftui.config.secret import Secret
from perftui.core.alert import Severity
from perftui.core.aside import ask_aside
from perftui.core.errors import ConfigError, DeadlineExceeded, NotifyError
from perftui.core.text import clean

_KEYS_OF_INCIDENTS = {"opsgenie": "alias", "jira": "alias", "splunk": "entity_id", "victorops": "entity_id"}
"""What services call the key by which they recognise an incident, where it is not `dedup`."""
READ_TIMEOUT = 20.0
"""Seconds that apprise waits for an answer; its own 4 s would make a slow receiver one that gets everything twice."""
_SHORTEST_SECRET = 4
_STATUS = re.compile(r"error=(\d{3})\b")
_REFUSALS = {
    "HTTP 400": "it does not understand what the URL makes of a message",
    "HTTP 401": "the credentials in the URL are wrong",
    "HTTP 403": "the credentials in the URL may not do that",
    "HTTP 404": "there is nothing at this URL",
    "HTTP 410": "what was at this URL is gone",
}
"""What an answer means that will be no other as long as nobody mends the route."""


class AppriseSender:
    """Sends to one apprise URL, read anew for each notification: a secret may be rotated."""

    def __init__(self, url: Secret) -> None:
        self._url = url

    async def send(self, notification: Notification) -> None:
        """Return when the service has taken it."""
        key = (self._url, notification.id)  # a retry while the last attempt still hangs waits for that one
        try:
            url = await self._url.ask()
            problem = await ask_aside("the service", lambda: deliver(url, notification), DEADLINE, key=key)
        except (ConfigError, DeadlineExceeded) as error:
            raise NotifyError(str(error)) from error
        if problem in _REFUSALS:
            raise Refusal(f"{problem}: {_REFUSALS[problem]}")
        if problem:
            raise NotifyError(problem)


def deliver(url: str, notification: Notification) -> str:
    """Give a notification to the service behind `url`; return why it failed, empty when it did not. Blocks."""
    import apprise
    from apprise.exception import AppriseException

    _hush()
    settings = _settings(url, notification)
    if settings is None:
        return "the URL is wrong: apprise knows no such service, or not written like this"
    asset = apprise.AppriseAsset(
        app_id="perftui",
        app_desc="perftui",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=0,  # else it would start threads of its own, which Python waits for at its end
        async_mode=False,
    )
    try:
        service = apprise.Apprise.instantiate(settings, asset=asset, suppress_exceptions=False)
    except AppriseException as error:
        return f"the URL is wrong: {without_parts(str(error), url)}"
    if service is None:
        return "apprise cannot use this kind of URL here"
    sent = apprise.Apprise(service, asset=asset).notify(
        title=notification.title,
        body=wording.body(notification),
        notify_type=_kind(notification),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return "" if sent else reason([entry.message for entry in sent.logs()], url)


def reason(messages: Iterable[str], url: str) -> str:
    """Return in a few words why apprise failed, from what it logged."""
    said = " ".join(messages)
    if status := _STATUS.search(said):
        return f"HTTP {status[1]}"
    if "connection error" in said.lower():
        return "no connection, or no answer"
    return without_parts(said, url) or "it failed, and apprise does not say why"


def without_parts(text: str, url: str) -> str:
    """Return `text` without the URL or any part of it, since each may be a token."""
    parts = {url, *re.split(r"[:/?&=@,+]+", url)}
    parts |= {unquote(part) for part in parts}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "***")
    return clean(text, 200)


def _settings(url: str, notification: Notification) -> dict[str, Any] | None:
    """Return the URL as apprise reads it, None where it cannot.

    What ties the messages of an incident together is added, unless the URL itself says it.
    """
    from apprise.manager_plugins import NotificationManager
    from apprise.plugins import url_to_dict

    settings: dict[str, Any] | None = url_to_dict(url)  # type: ignore[no-untyped-call]
    if not settings:
        return None
    schema = settings["schema"]
    known = NotificationManager()[schema].template_args  # type: ignore[no-untyped-call]
    ours = {"overflow": "truncate", "rto": READ_TIMEOUT}  # one notification is one message
    key = _KEYS_OF_INCIDENTS.get(schema, "dedup")
    if key in known:
        ours[known[key].get("map_to", key)] = notification.dedup_key
    if "map" in known.get("action", {}).get("values", ()):  # success resolves what a failure opened
        ours[known["action"].get("map_to", "action")] = "map"
    return settings | {name: value for name, value in ours.items() if not settings.get(name)}


def _kind(notification: Notification) -> Any:
    from apprise import NotifyType

    if notification.resolved:
        return NotifyType.SUCCESS
    kinds = {Severity.CRITICAL: NotifyType.FAILURE, Severity.WARNING: NotifyType.WARNING}
    return kinds.get(notification.severity, NotifyType.INFO)


def _hush() -> None:
    """Keep apprise's log to itself: parts of URLs stand in it, and without a handler it would go to standard error."""
    logger = logging.getLogger("apprise")
    if logger.propagate:
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
