"""What proves an action on an http source: it is up, and takes no longer than before."""

from perftui.actions.contract import Verdict
from perftui.config.kinds import HttpOptions
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Proof, Watch
from perftui.core.errors import Denied, SourceError
from perftui.core.units import MISSING, seconds

UP = "http.up"


def http_watches(target: SourceSettings) -> tuple[Watch, ...]:
    """Return what must not get worse."""
    return (
        Watch(label=f"{target.name} is up", source=target.name, metric=UP, bad="down", tolerance=0.0),
        Watch(label="response time", source=target.name, metric="http.client.request.duration", tolerance=0.5),
    )


async def http_verdict(target: SourceSettings, before: float | None) -> Verdict:
    """Ask the source's own URL once; `before` is whether it was up (1, 0 or None where nobody knows).

    That it is up as before proves nothing of what was done: unknown, then.
    """
    from perftui.connect.http import HttpTarget

    assert isinstance(target.options, HttpOptions)
    probe, expect = HttpTarget(target.options), target.options.expect
    was = MISSING if before is None else _word(bool(before))
    try:
        await probe.open()
        answer = await probe.fetch()
    except Denied as error:
        return Verdict(proof=Proof.UNKNOWN, lines=(Line(target.name, was, str(error)),))
    except SourceError as error:
        return Verdict(proof=_down(before), lines=(Line(target.name, was, str(error)),))
    finally:
        await probe.close()
    is_up = expect[0] <= answer.status <= expect[1]
    lines = (
        Line(target.name, was, f"{_word(is_up)}: {answer.status}"),
        Line("response time", after=str(seconds(answer.seconds))),
    )
    if not is_up:
        return Verdict(proof=_down(before), lines=lines)
    return Verdict(proof=Proof.RECOVERED if before == 0 else Proof.UNKNOWN, lines=lines)


def _down(before: float | None) -> Proof:
    return Proof.UNCHANGED if before == 0 else Proof.WORSE


def _word(is_up: bool) -> str:
    return "up" if is_up else "down"
