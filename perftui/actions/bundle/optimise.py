"""`optimise.run`: the remedies that the health report recommends, all or the chosen ones, one after another."""

from collections.abc import Sequence

from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.health import health_of
from perftui.actions.bundle.parts import Part
from perftui.actions.params import Params
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Param, Risk
from perftui.core.health import Recommendation
from perftui.core.text import clean


class Optimise(Bundle):
    """Its parts are the recommended actions at the time of the preview; each is pinned and proved by itself."""

    info = ActionInfo(
        id="optimise.run",
        title="Optimise",
        key="o",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("system",),
        params=(Param(name="choose", help="ids of recommendations, comma-separated; empty for all with an action"),),
    )
    cooldown = 60.0
    nothing = "no remedy is called for now"

    def parts(self, target: SourceSettings, params: Params) -> Sequence[Part]:
        """Return the chosen recommendations as parts, in the report's order; what is only advice is left out."""
        known = {each.id: each for each in health_of(self.ground, self.clock).recommendations}
        chosen = [word.strip() for word in params["choose"].split(",") if word.strip()]
        if not chosen:
            return [_part(each) for each in known.values() if each.action]
        gone = [word for word in dict.fromkeys(chosen) if word not in known]
        return [
            *(_part(each) for each in known.values() if each.id in chosen),
            *(
                Part(action=clean(word, 80), target=target.name, skip="it is not recommended (any more)")
                for word in gone
            ),
        ]


def _part(each: Recommendation) -> Part:
    if not each.action:
        return Part(action=each.id, target=each.why.partition(":")[0], skip=f"advice alone: {each.effort}")
    of = next(iter(each.params.values()), "")
    return Part(action=each.action, target=each.target, params=each.params, of=of)
