"""The protocol between console and agent: JSON-RPC 2.0, one message a line, at most 1 MiB.

Unknown fields are tolerated, so that versions can differ; `PROTOCOL` is the range that must overlap.

Methods (params -> result):
  hello        Hello -> Welcome                     the first message of a connection
  subscribe    {topics, resync} -> null             replaces the topics; the state of the new ones follows at once
  history      {series: [[source, metric, attributes]]} -> null, then `history` notifications, last `done`
  poll         {source} -> null                     force a probe now
  reload       {} -> null                           read the configuration again
  bye          {end} -> null                        a quit, not a hang-up; `end`: of a private agent too
  actions      {} -> [ActionInfo]
  offers       {key, source, alert, params} -> [Offer]      what can be previewed, the best first; admins only
  plan         {action, target, params, alert} -> Plan      admins only
  undo         {plan} -> Plan                       the preview of what takes a run back; admins only
  apply        {plan, confirmation, reason, break_glass} -> Run     idempotent by plan id
  cancel       {plan} -> Run
  audit        {number} -> [AuditRow]               the last actions, newest first
  health       {} -> HealthReport
  ack          {key, note} -> null                  an alert by its key; held until it is over
  unack        {key} -> null
  silence      {matchers, seconds, comment} -> Silence
  unsilence    {id} -> null
  ended        {rule, source, attributes} -> [Alert]    how that alert ended before, newest first
  rules        {} -> [RuleInfo]
  set_rule     {name, changes: {key: text}} -> RuleInfo     checked, applied and written to perftui.toml
Notifications of the agent:
  update       {sequence, topics: {topic: latest state}, known}    merged: a slow console gets the latest, not a queue
  history      {series, wall: [...], values: [...], done}
Topics (`*` ends a pattern):
  status/SOURCE    SourceStatus, null when the source is gone
  reading/SOURCE   Reading without its tables
  table/SOURCE/T   Table
  alerts           AlertsView
  runs             [Run]
  agent            AgentState
"""

from typing import Any

import msgspec

from perftui.core.alert import Alert, Level, Silence
from perftui.core.series import Attributes

PROTOCOL = (3, 3)
MAX_LINE = 1 << 20
MAX_UPDATE = 256 << 10
MAX_HISTORY = 64 << 10

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
FAILED = -32000
REFUSED = -32001


class Request(msgspec.Struct, omit_defaults=True, tag_field="jsonrpc", tag="2.0"):
    """A request, or with no id a notification."""

    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: int | None = None


class Problem(msgspec.Struct):
    """Why a request failed: a JSON-RPC error object."""

    code: int
    message: str
    data: dict[str, str] | None = None


class Message(msgspec.Struct):
    """Anything a line can carry, as the receiver sees it: request, notification, result or error.

    `result` is empty where the line has none (`Raw | None` would decode nothing but null).
    """

    id: int | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw()
    error: Problem | None = None


class Hello(msgspec.Struct, kw_only=True):
    """How a console introduces itself."""

    protocol: tuple[int, int] = PROTOCOL
    version: str = ""
    read_only: bool = False
    config_path: str = ""
    config_digest: str = ""


class Welcome(msgspec.Struct, kw_only=True):
    """How the agent answers: who it is, on which configuration, and what this peer may do (`role`)."""

    protocol: tuple[int, int]
    version: str
    host: str
    pid: int
    private: bool
    role: str
    monotonic: float
    wall: float
    config_path: str = ""
    config_digest: str = ""
    read_only: bool = False


class AgentState(msgspec.Struct, frozen=True, kw_only=True):
    """What the header and the alert log say of the agent itself; `notes` are lines such as a refused config."""

    consoles: int = 0
    notes: tuple[str, ...] = ()
    config_digest: str = ""
    read_only: bool = False


class AlertCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are, those included that a bounded view has no room for.

    `critical`, `warning` and `info` count what fires and is not muted; `silenced` and `inhibited` what is; `acked`,
    `unknown` count among all that fire. `silences` counts silences, whether they hold any alert or none.
    """

    critical: int = 0
    warning: int = 0
    info: int = 0
    silenced: int = 0
    inhibited: int = 0
    acked: int = 0
    unknown: int = 0
    pending: int = 0
    silences: int = 0


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How notifications get on: `off` says why none are sent, empty where they are; `problems` has a line a route."""

    off: str = ""
    waiting: int = 0
    sent: int = 0
    dropped: int = 0
    problems: tuple[str, ...] = ()


class AlertsView(msgspec.Struct, frozen=True, kw_only=True):
    """What fires now (the worst first, muted ones last), what will soon, what ended lately (newest first).

    All of them are bounded; `counts` are of everything. `levels` are for marks.
    """

    firing: tuple[Alert, ...] = ()
    pending: tuple[Alert, ...] = ()
    log: tuple[Alert, ...] = ()
    silences: tuple[Silence, ...] = ()
    levels: tuple[Level, ...] = ()
    counts: AlertCounts = AlertCounts()
    delivery: Delivery = Delivery()


class HistoryChunk(msgspec.Struct, kw_only=True):
    """A piece of one series: wall seconds and values of the same length; None is a missing sample."""

    source: str
    metric: str
    attributes: Attributes = ()
    wall: list[float] = []
    values: list[float | None] = []
    done: bool = False


class Update(msgspec.Struct, omit_defaults=True):
    """What changed since the last update, each topic whole; `sequence` counts up by one.

    `known` comes with the first part of a full state: all sources that there are, so that others can be forgotten.
    """

    sequence: int
    topics: dict[str, msgspec.Raw]
    known: tuple[str, ...] | None = None


def line(message: Any) -> bytes:
    """Encode one message as one line; JSON escapes every newline inside."""
    return msgspec.json.encode(message) + b"\n"
