"""Every error that perftui raises on purpose.

PerftuiError
├── ConfigError            a setting is wrong: what, where, what would be right
├── SourceError            a poll failed
│   ├── Unreachable        nothing answered at that address
│   ├── Denied             it answered and refused us: credentials or privileges
│   ├── DeadlineExceeded   the answer did not come in time
│   ├── BadAnswer          what came is not what the protocol promises
│   └── Uncertain          it broke off after a request was on its way: it may have been done
├── AgentError             the agent
│   ├── AgentUnavailable   there is none, and none could be started
│   ├── ProtocolError      console and agent do not understand each other
│   └── RequestFailed      the agent answered a request with an error
├── AlertingError          the alert engine's surroundings
│   ├── StateError         what must outlive the agent could not be read or written
│   └── NotifyError        a route did not take a notification
└── ActionError            an action
    ├── Refused            a check of the guard said no: which, and how to change it
    ├── TargetChanged      what was planned is not what stands there now
    └── AuditError         the audit log could not be written or does not verify

The text of each is one line, cleaned, free of secrets and fit for the screen.
"""


class PerftuiError(Exception):
    """The root: a failure that perftui foresaw, in one line of plain words."""


class ConfigError(PerftuiError):
    """A setting is wrong; the text names the file, the key and what would be right."""


class SourceError(PerftuiError):
    """A poll failed; the text says what failed in plain words."""


class Unreachable(SourceError):
    """Nothing answered at that address."""


class Denied(SourceError):
    """The server answered and refused us: credentials or privileges are missing."""


class DeadlineExceeded(SourceError):
    """The answer did not come within the deadline."""


class BadAnswer(SourceError):
    """What came back is not what the protocol promises."""


class Uncertain(SourceError):
    """It broke off after a request that changes something was on its way: whether it was done is not known."""


class AgentError(PerftuiError):
    """Something is wrong between the console and its agent."""


class AgentUnavailable(AgentError):
    """There is no agent to attach to, and none could be started."""


class ProtocolError(AgentError):
    """Console and agent do not understand each other."""


class RequestFailed(AgentError):
    """The agent answered a request with an error; `code` is its JSON-RPC code."""

    def __init__(self, message: str, code: int = -32000) -> None:
        super().__init__(message)
        self.code = code


class AlertingError(PerftuiError):
    """Something around the alert engine failed; the engine itself goes on."""


class StateError(AlertingError):
    """What must outlive the agent could not be read or written; the text says why."""


class NotifyError(AlertingError):
    """A route did not take a notification; `retry_after` is how many seconds it asked us to wait, if it did."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ActionError(PerftuiError):
    """An action could not be planned, applied or proved."""


class Refused(ActionError):
    """A check of the guard said no; `check` names it, `remedy` says how to change it.

    `breakable`: an admin can pass it by break-glass, with the target's name typed, and a reason.
    """

    def __init__(self, check: str, reason: str, remedy: str, *, breakable: bool = False) -> None:
        super().__init__(f"refused by {check}: {reason}; {remedy}")
        self.check = check
        self.reason = reason
        self.remedy = remedy
        self.breakable = breakable


class TargetChanged(ActionError):
    """What was planned is not what stands there now."""


class AuditError(ActionError):
    """The audit log could not be written, or does not verify."""
