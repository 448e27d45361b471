"""Who looks on while alerts come and go; by itself it does nothing with what it sees."""

from collections.abc import Sequence

from perftui.alerts.notify.notification import Notification
from perftui.core.alert import Alert


class AlertObserver:
    """Is told of alerts and notifications as they happen."""

    def judged(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> None:
        """See, once a second, all that fires, judged, and what ended since."""

    def told(self, notification: Notification, problem: str) -> None:
        """See an attempt to send; `problem` is why it failed, empty when it did not."""
