"""What apprise is given, and what of its failures may be said."""

import subprocess
import sys

import pytest

from perftui.alerts.notify import apprise_sender
from perftui.alerts.notify.apprise_sender import AppriseSender, deliver, reason, without_parts
from perftui.alerts.notify.sender import Refusal
from perftui.config.secret import Secret
from perftui.core.errors import NotifyError
from tests.unit.alerts.notify.messages import message

# By apprise, when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def test_apprise_is_not_imported_before_something_is_sent() -> None:
    code = (
        "import sys, perftui.alerts.notify.apprise_sender, perftui.alerts.notify.courier;"
        " sys.exit('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("pagerduty://IntegrationKey@ApiKey123", "dedup"),
        ("opsgenie://5a6b7c8d-1234-5678-9012-abcdefabcdef", "alias"),
        ("splunk://routing@8b799edf-6f98-4d3a-9be7-2862fb4e5752", "entity_id"),
    ],
)
def test_a_service_that_knows_incidents_gets_our_key_and_resolves_by_it(url: str, key: str) -> None:
    settings = apprise_sender._settings(url, message(2, "perftui-77"))
    assert settings is not None
    assert (settings[key], settings["action"]) == ("perftui-77", "map")


def test_what_the_url_says_wins() -> None:
    url = "pagerduty://IntegrationKey@ApiKey123?action=trigger&dedup=mine&overflow=split&rto=3"
    settings = apprise_sender._settings(url, message())
    assert settings is not None
    assert (settings["dedup"], settings["action"], settings["overflow"]) == ("mine", "trigger", "split")
    assert settings["rto"] == "3"


def test_a_failure_is_told_in_a_few_words() -> None:
    assert reason(["Failed to send Slack notification: Too many requests, error=429."], SLACK) == "HTTP 429"
    said = ["A Connection error occurred sending Pager Duty notification to ApiKey123."]
    assert reason(said, "pagerduty://IntegrationKey@ApiKey123") == "no connection, or no answer"
    assert reason([], SLACK) == "it failed, and apprise does not say why"


@pytest.mark.parametrize(
    ("problem", "said", "kind"),
    [
        ("HTTP 401", "HTTP 401: the credentials in the URL are wrong", Refusal),
        ("HTTP 404", "HTTP 404: there is nothing at this URL", Refusal),
        ("HTTP 429", "HTTP 429", NotifyError),
    ],
)
async def test_an_answer_that_no_time_changes_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, problem: str, said: str, kind: type[NotifyError]
) -> None:
    monkeypatch.setattr(apprise_sender, "deliver", lambda _url, _message: problem)
    with pytest.raises(NotifyError) as failure:
        await AppriseSender(Secret.literal(SLACK)).send(message())
    assert (str(failure.value), type(failure.value)) == (said, kind)


def test_no_part_of_the_url_is_ever_said() -> None:
    said = f"could not load {SLACK}: TIiajkdnlazkcOXrIdevi7FQ of A1BRTD4JD is odd\x1b"
    told = reason([said], SLACK)
    assert not any(part in told for part in ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ", "\x1b"))
    assert told.endswith("is odd␛")
    assert without_parts("p@ssword1 is wrong", "mailto://me:p%40ssword1@host") == "*** is wrong"


@pytest.mark.parametrize("url", ["nothing", "nosuch://s3cret-token", "slack://s3cret-token", ""])
def test_a_wrong_url_is_said_to_be_wrong_without_being_shown(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    problem = deliver(url, message())
    assert problem.startswith("the URL is wrong: ")
    assert "s3cret-token" not in problem
    assert capfd.readouterr() == ("", "")


async def test_a_secret_that_is_not_there_is_a_failure_like_another() -> None:
    with pytest.raises(NotifyError, match="the environment has no NO_SUCH_URL"):
        await AppriseSender(Secret("env:NO_SUCH_URL")).send(message())


def test_its_repr_shows_nothing() -> None:
    assert SLACK not in repr(AppriseSender(Secret.literal(SLACK)))
