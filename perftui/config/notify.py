"""The `[notify.NAME]` tables: who is told of what."""

import msgspec

from perftui.config.duration import Duration
from perftui.config.secret import Secret
from perftui.core.alert import Severity


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way out: exactly one of `url`, `exec` and `alertmanager`, and which alerts take it."""

    url: Secret | None = None
    """An apprise URL by reference (`env:SLACK_URL`): Slack, PagerDuty, e-mail, webhooks and many more."""
    exec: tuple[str, ...] = ()
    """A program with its arguments; it gets the notification as JSON on its standard input. No shell."""
    alertmanager: str = ""
    """`http://HOST:9093` of an Alertmanager: it gets the alerts of this route, and its silences hold here."""
    token: Secret | None = None
    """Bearer token for the Alertmanager."""
    severities: tuple[Severity, ...] = tuple(Severity)
    """Which alerts take this route."""
    matchers: dict[str, str] = {}
    """Patterns that their labels must agree with, such as `{ source = "prod-*" }`."""
    group_by: tuple[str, ...] = ("source",)
    """Alerts that are alike in these labels are told in one notification."""
    group_wait: Duration = Duration(10.0)
    """How long the first of a group waits for others."""
    group_interval: Duration = Duration(60.0)
    """How long further news of a group waits; a new critical one waits only for `group_wait`."""
    repeat: Duration = Duration(4 * 3600.0)
    """What still fires, and nobody has acknowledged, is told again after this long; "0s" for never."""
    resolved: bool = True
    """Tell the end, too."""
