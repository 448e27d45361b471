"""What the user declares for actions: limits and freeze windows, recipes, hooks, groups and runbooks of their own."""

from typing import Annotated, Literal

import msgspec

from perftui.config.duration import Duration
from perftui.config.secret import Secret
from perftui.config.size import Size
from perftui.core.action import Risk

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which no action runs, each week or once."""

    start: str = msgspec.field(name="from")
    """`"fri 16:00"` each week, or `"2026-12-24 00:00"` once; UTC."""
    until: str
    """When it ends, written in the same way."""
    sources: tuple[str, ...] = ("*",)
    """Patterns of the sources that it holds for."""
    reason: str = ""
    """Why; shown to whom it refuses."""


class ActionRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[actions]` table: what the guard goes by."""

    max_running: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """How many actions run at once."""
    max_targets: Positive = 2_000_000
    """How many things one action touches at most (keys, files, connections)."""
    max_share: Share = 0.5
    """Which share of all that there is one action touches at most, where that can be told."""
    scan_seconds: Annotated[int, msgspec.Meta(ge=1, le=600)] = 60
    """Seconds that the preview of an invalidation by pattern may look through all keys."""
    per_hour: Positive = 60
    """How many actions run within an hour on one target."""
    require_reason: tuple[Risk, ...] = ()
    """The risks at which a reason must be given."""
    break_glass: bool = True
    """Let an admin pass cooldown, limits, freeze windows and a full audit disk, with the name typed and a reason."""
    freeze: tuple[Freeze, ...] = ()
    """Times in which no action runs."""


class WarmQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows of a SQL query."""

    source: str
    """The mysql source that is asked."""
    sql: str
    """One SELECT."""


class WarmHttp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The items of a JSON body."""

    url: str
    """Where they are."""
    items: str = "@"
    """A JMESPath that yields a list of objects."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer …`."""


class WarmRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a cache is warmed: exactly one of `query`, `http`, `file` and `urls` says with what."""

    target: str
    """The redis source that is warmed (or with `urls`, whose hit rate is watched)."""
    query: WarmQuery | None = None
    """Rows of a SQL query, a key each."""
    http: WarmHttp | None = None
    """Objects of a JSON list, a key each."""
    file: str = ""
    """A file of JSON lines, `{"key": …, "value": …}` each."""
    urls: tuple[str, ...] = ()
    """URLs that are asked, so that the application fills its own cache."""
    key: str = ""
    """The key of each row or object, with its columns in braces: `user:{id}`."""
    value: str = ""
    """The column whose text is the value; the whole row as a JSON object when empty."""
    ttl: Duration = Duration(3600.0)
    """How long the keys live; 0s for ever."""
    jitter: Share = 0.1
    """The share of `ttl` by which it varies, so that not all expire at once."""
    overwrite: bool = False
    """Write keys that are there already, too."""
    batch: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    """Keys a batch."""
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=32)] = 4
    """Batches under way at once."""
    most: Positive = 1_000_000
    """Items at most."""


class FileRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files that may be deleted: `[files.NAME]`."""

    paths: tuple[str, ...]
    """Absolute patterns, such as `/var/log/app/*.log.gz`; `**` for folders at any depth."""
    older_than: Duration = Duration(7 * 86400.0)
    """The youngest of atime, mtime and ctime must be older."""
    larger_than: Size = Size(0.0)
    """Only files that are larger."""
    keep: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    """The newest so many of each pattern stay."""
    owner: str = ""
    """The user whose files they must be; whoever runs the agent when empty."""


class ScaleGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Workers that can be scaled: `[scale.NAME]`; a template unit, a supervisor group, or commands of your own."""

    source: str = ""
    """The systemd or supervisor source of `unit`; systemd when empty."""
    unit: str = ""
    """A template unit such as `worker@{n}.service`, or programs such as `workers:worker_{n}`; {n} counts from 1."""
    command: tuple[str, ...] = ()
    """A program that scales, with `{n}` for how many; no shell."""
    count: tuple[str, ...] = ()
    """The program that prints how many run now; needed beside `command`."""
    queues: tuple[str, ...] = ()
    """Patterns of the queues that they work on: their alerts offer this, and their figures prove it."""
    min: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    """As few as that."""
    max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    """As many as that."""
    step: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """How many more or fewer in one action, at most."""
    deadline: Duration = Duration(60.0)
    """How long the true count has to get there."""


class HttpCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP request of an action."""

    url: str
    """Where to; `{param}` is filled in and escaped. It is shown: a secret belongs into `token`."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"] = "POST"
    """How."""
    headers: dict[str, str] = {}
    """Further request headers."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer …`."""
    body: str = ""
    """JSON text to send; `{param}` is filled in as a JSON value."""
    expect: tuple[int, int] = (200, 299)
    """Lowest and highest status that counts as done."""


class CdnHook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A content delivery network in front of an http source: `[cdn.NAME]`."""

    source: str
    """The http source that it stands in front of, whose figures are watched."""
    purge: HttpCall | None = None
    """The call that purges; `{paths}` is the list of paths."""
    warm: HttpCall | None = None
    """The call that warms."""


class RunbookParam(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of a runbook."""

    kind: Literal["text", "integer", "number", "duration", "size", "flag"] = "text"
    """How it is read."""
    help: str = ""
    """What it means."""
    default: str = ""
    """What it is when nobody says."""
    required: bool = False
    """It must be given."""
    choices: tuple[str, ...] = ()
    """The only values that it takes."""
    pattern: str = ""
    """A regular expression that the whole text must match."""


class Runbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command or an HTTP call of your own as an action: `[runbooks.NAME]`; exactly one of command, shell, http."""

    title: str
    """What it does, in a few words."""
    command: tuple[str, ...] = ()
    """A program with its arguments; `{param}` is filled in, one argument stays one. No shell."""
    shell: str = ""
    """A shell command; parameters come as environment variables `PARAM_NAME`, never as text of it."""
    http: HttpCall | None = None
    """An HTTP call."""
    dry_run: tuple[str, ...] = ()
    """A program whose output is the preview; it must change nothing."""
    undo: str = ""
    """The runbook that takes this one back, with the same parameters."""
    params: dict[str, RunbookParam] = {}
    """Its parameters."""
    target: str = "system"
    """The source that it works on: its lock, its production flag, its figures."""
    key: Literal["", "c", "w", "s"] = ""
    """In which picker it stands, beside that of its alerts."""
    rules: tuple[str, ...] = ()
    """Patterns of the alert rules that it remedies."""
    timeout: Duration = Duration(60.0)
    """How long it may take."""
    dangerous: bool = False
    """The target's name must be typed."""
    proof: tuple[str, ...] = ()
    """A program that exits 0 when it helped."""


NAMED: dict[str, type[msgspec.Struct]] = {
    "warm": WarmRecipe,
    "files": FileRule,
    "scale": ScaleGroup,
    "cdn": CdnHook,
    "runbooks": Runbook,
}
"""The `[TABLE.NAME]` tables of remedies: what each holds."""
