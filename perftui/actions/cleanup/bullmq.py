"""What belongs to a finished BullMQ job, by major, and the script that removes some if nothing happened to them.

Read in the `cleanJobsInSet`, `removeJob*` and `removeParentDependencyKey` scripts of npm bullmq 3.16.2, 4.18.3, 5.81.5
and 6.7.0. Under `PREFIX:QUEUE:` a finished job is an entry of the sorted set `completed` or `failed`, scored by its
`finishedOn` (ms of the worker's clock), the hash `ID`, and beside it

- majors 3 and 4: `ID:logs`, `ID:dependencies`, `ID:processed`;
- majors 5 and 6: those, `ID:failed`, `ID:unsuccessful`, and where the hash has `deid`, `de:DEID` and `dn:DEID` as long
  as `de:DEID` holds this job's id.

`ID:lock` is there only while a worker has it. A retry takes the entry out of the set in the same step.
Their `clean` takes a child that its parent still waits for out of the parent's `dependencies`, which starts the parent
or, within one queue, deletes it. This script leaves such a job alone, and every job whose parent has not finished, or
that waits for children itself. Like `clean` it adds an event `cleaned` with the count.
"""

import re
from typing import NamedTuple

from perftui.core.errors import Refused
from perftui.core.text import clean

MAJORS = (3, 4, 5, 6)
RESERVED = frozenset(
    b"wait active paused prioritized priority delayed completed failed waiting-children meta marker id events limiter "
    b"stalled stalled-check repeat pc de dn metrics".split()
)
"""Names under a queue's prefix that are no job's; a job of such an id would share its key with the queue itself."""
_VERSION = re.compile(r"bullmq:(\d+)\.\d+\.\d+\S*")
_PARTS = ("logs", "dependencies", "processed")
_LATER_PARTS = ("failed", "unsuccessful")

REMOVE = """
local function held(job, parent)
  if redis.call('SCARD', job .. ':dependencies') > 0 then return true end
  if not parent or parent == '' then return false end
  local waited = redis.pcall('SISMEMBER', parent .. ':dependencies', job)
  if waited ~= 0 then return true end
  local state = redis.pcall('HMGET', parent, 'timestamp', 'finishedOn')
  return state.err ~= nil or (state[1] and not state[2])
end
local prefix, parts, first = ARGV[1], tonumber(ARGV[3]), 4 + tonumber(ARGV[3])
local removed, changed, flow = 0, 0, 0
for at = first, #ARGV, 2 do
  local id, job = ARGV[at], prefix .. ARGV[at]
  local kind = redis.call('TYPE', job).ok
  if redis.call('ZSCORE', KEYS[1], id) ~= ARGV[at + 1] or redis.call('EXISTS', job .. ':lock') == 1
      or (kind ~= 'hash' and kind ~= 'none') then
    changed = changed + 1
  else
    local fields = redis.call('HMGET', job, 'parentKey', 'deid')
    if held(job, fields[1]) then
      flow = flow + 1
    else
      if ARGV[2] == '1' and fields[2] and redis.call('GET', prefix .. 'de:' .. fields[2]) == id then
        redis.call('UNLINK', prefix .. 'de:' .. fields[2], prefix .. 'dn:' .. fields[2])
      end
      local own = {job}
      for part = 4, 3 + parts do own[#own + 1] = job .. ':' .. ARGV[part] end
      redis.call('UNLINK', unpack(own))
      redis.call('ZREM', KEYS[1], id)
      removed = removed + 1
    end
  end
end
if removed > 0 then
  local most = redis.call('HGET', prefix .. 'meta', 'opts.maxLenEvents') or 10000
  redis.call('XADD', prefix .. 'events', 'MAXLEN', '~', most, '*', 'event', 'cleaned', 'count', removed)
end
return {removed, changed, flow}
"""
"""KEYS: the set. ARGV: prefix, 1 where jobs are deduplicated, how many parts, those, then id and score of each job."""


class Job(NamedTuple):
    """A finished job as it was seen: its id, and its score as the server writes it."""

    id: bytes
    score: bytes

    def packed(self) -> bytes:
        """Return it as one byte string."""
        return self.score + b" " + self.id

    @classmethod
    def unpacked(cls, packed: bytes) -> "Job":
        """Return what `packed` wrote."""
        score, _, name = packed.partition(b" ")
        return cls(name, score)


class Queue(NamedTuple):
    """A queue, by its name and its keys' prefix (`bull:mail:`), and the major that wrote it."""

    name: str
    prefix: bytes
    major: int

    def key(self, name: str) -> bytes:
        """Return the key of a part of the queue."""
        return self.prefix + name.encode()

    def removal(self, state: str, jobs: list[Job]) -> tuple[bytes | str | int, ...]:
        """Return the command that removes those of these jobs that are still as they were seen."""
        parts = _PARTS if self.major < 5 else (*_PARTS, *_LATER_PARTS)
        flat = [word for job in jobs for word in job]
        return ("EVAL", REMOVE, 1, self.key(state), self.prefix, int(self.major >= 5), len(parts), *parts, *flat)


def major_of(queue: str, meta: str, version: bytes | None) -> int:
    """Return the major that wrote a queue; `version` is the field of its hash `meta`. Raises Refused."""
    text = (version or b"").decode("utf-8", "replace")
    found = _VERSION.fullmatch(text)
    if found and int(found[1]) in MAJORS:
        return int(found[1])
    said = f"says it was written by {clean(text, 40)}" if version else "does not say which BullMQ wrote it"
    raise Refused(
        "version",
        f"queue {queue} {said}, and only bullmq 3 to 6 is known here",
        f"a Queue object of the library writes it, or by hand, if you are sure: HSET {meta} version bullmq:MAJOR.0.0",
    )
