"""An action's own methods, called so that whatever goes wrong in them is told, also what nobody foresaw."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from perftui.actions.contract import Action, Job, Receipt
from perftui.core.action import Line, Outcome, Proof
from perftui.core.errors import DeadlineExceeded, PerftuiError, Uncertain
from perftui.core.text import clean

T = TypeVar("T")


def defect(error: Exception) -> str:
    """Return the words for an error that nobody foresaw."""
    return clean(f"a defect of perftui: {type(error).__name__}: {error}")


async def isolated(work: Callable[[], Awaitable[T]], deadline: float | None) -> tuple[T | None, str]:
    """Return what `work` gives, or why it gave nothing within `deadline` (seconds); cancellation alone passes."""
    try:
        async with asyncio.timeout(deadline):
            return await work(), ""
    except PerftuiError as error:
        return None, str(error)
    except TimeoutError:
        return None, str(DeadlineExceeded(f"no answer within {deadline or 0:.0f} s"))
    except Exception as error:  # noqa: BLE001 - a defect of one must not take others with it
        return None, defect(error)


class Steps:
    """The steps of an action, and how they ended: known at any moment, also when they are cut off.

    `ending` is what changes in the run by it, `cooldown` for how long (seconds) its subject is left alone.
    """

    def __init__(self, action: Action) -> None:
        self.cooldown = action.cooldown
        self.receipt: Receipt | None = None
        self.ending: dict[str, object] = {
            "outcome": Outcome.FAILED,
            "proof": Proof.UNKNOWN,
            "message": "it broke off",
        }
        self._action = action

    async def take(self, job: Job, notes: tuple[Line, ...] = ()) -> None:
        """Take them; cancellation alone passes. `notes` stand before the lines of the receipt."""
        try:
            self.receipt = await self._action.apply(job)
            self.ending = _ending_of(self.receipt, notes)
        except PerftuiError as error:
            self.ending["message"] = str(error)
            if not isinstance(error, Uncertain):
                self.cooldown = 0.0  # nothing was changed
        except Exception as error:  # noqa: BLE001 - what a defect may have left half done must be on record
            self.ending["message"] = f"it broke off: {defect(error)}"


def _ending_of(receipt: Receipt, notes: tuple[Line, ...]) -> dict[str, object]:
    """Return what a run is once its steps are done: how it ended, and what was done and what was not."""
    if receipt.problem or receipt.failed:
        outcome = Outcome.PARTIAL if receipt.applied else Outcome.FAILED
    else:
        outcome = Outcome.SUCCEEDED if receipt.complete else Outcome.CANCELLED
    return {
        "outcome": outcome,
        "message": "; ".join(filter(None, [receipt.message, receipt.problem])),
        "lines": (*notes, *receipt.lines),
        "applied": receipt.applied,
        "left": receipt.left,
        "failed": receipt.failed,
        "undo": receipt.undo,
    }
