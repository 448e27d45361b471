"""What must hold whatever comes: clocks that jump, values that come and go, sources that fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perftui.alerts.rules.rule import Rule
from perftui.core.alert import AlertState
from tests.unit.alerts.evaluation.scene import Scene, Transition, rule

JUMPS = (600.0, -600.0, 43_200.0, -43_200.0)
BAD, BAND, GOOD, NOTHING, TROUBLE = 0.8, 0.65, 0.3, None, -1.0
WORDS = st.sampled_from([BAD, BAD, 0.95, BAND, GOOD, GOOD, NOTHING, TROUBLE])
SPANS = st.lists(st.tuples(WORDS, st.integers(1, 15)), min_size=1, max_size=25)
Story = list[tuple[float | None, int]]
RULES = (
    rule("simple", hold=5, clear=0.6, clear_for=4, critical=0.9, keep_firing_for=6),
    rule("average", aggregate="avg", over=10, clear_for=3),
    rule("absent", absent_for=8, sources=("*",), clear_for=2),
    rule("failing", "source.failing", warning=3, critical=8, clear_for=3),
)


def tell(story: Story, *rules: Rule, jumps: dict[int, float] | None = None) -> Scene:
    """Play a story: values for so many seconds each, with the wall clock set at some of them."""
    scene = Scene(*rules)
    for number, (word, seconds) in enumerate(story):
        scene.jump((jumps or {}).get(number, 0.0))
        if word == TROUBLE:
            scene.fail(seconds)
        else:
            scene.play(*[word] * seconds)
    return scene


@settings(deadline=None)
@given(story=SPANS, jumps=st.dictionaries(st.integers(0, 24), st.sampled_from(JUMPS)))
def test_clocks_that_jump_change_nothing(story: Story, jumps: dict[int, float]) -> None:
    assert tell(story, *RULES, jumps=jumps).transitions == tell(story, *RULES).transitions


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_jump_at_any_point_of_an_alert_neither_makes_nor_loses_nor_doubles_it(jump: float, at: int) -> None:
    values = [GOOD] * 5 + [BAD] * 25 + [GOOD] * 30

    def play(jump: float) -> list[Transition]:
        scene = Scene(*RULES).play(*values[:at])
        scene.jump(jump)
        return scene.play(*values[at:]).transitions

    assert play(jump) == play(0.0)
    assert [state for _, name, state, _ in play(jump) if name == "simple"] == ["pending", "firing", "resolved"]


@settings(deadline=None)
@given(story=SPANS)
def test_nothing_fires_before_its_time_or_is_resolved_by_what_is_missing(story: Story) -> None:
    scene = tell(story, RULES[0])
    seen = [word for word, seconds in story for _ in range(seconds)]
    state_before = ""
    for time, _, state, _ in scene.transitions:
        before, begins = seen[: int(time)], state == "firing" and state_before not in ("firing", "unknown")
        state_before = state
        if state == "resolved":
            assert before[-1] == GOOD
            well = _last_while(before, (GOOD, NOTHING, TROUBLE))
            assert sum(word == GOOD for word in well) >= 2
            assert len(well) > 4
        if begins:
            bad = _last_while(before, (BAD, 0.95, NOTHING, TROUBLE))
            assert len(bad) > 5


@settings(deadline=None)
@given(story=SPANS)
def test_an_alert_that_fired_is_there_until_it_has_ended(story: Story) -> None:
    scene = tell(story, *RULES)
    for name in {name for _, name, _, _ in scene.transitions}:
        states = [state for _, each, state, _ in scene.transitions if each == name]
        fires = False
        for state in states:
            assert fires is (state in ("unknown", "resolved", "ended unknown")) or state == "firing", states
            fires = state in ("firing", "unknown")
        assert fires is (name in {alert.rule for alert in scene.engine.firing()})


@settings(deadline=None)
@given(story=SPANS, at=st.integers(1, 100), away=st.floats(0.1, 20_000), shift=st.sampled_from([0.0, -500.0, 1e7]))
def test_no_alert_is_lost_or_made_by_a_restart(story: Story, at: int, away: float, shift: float) -> None:
    before = tell(story[: at % len(story)], *RULES)
    after = before.restarted(away, *RULES, shift=shift)
    old, new = before.engine.firing(), after.engine.firing()
    assert {(alert.key, alert.since, alert.severity) for alert in new} == {
        (alert.key, alert.since, alert.severity) for alert in old
    }
    assert all(alert.state is AlertState.UNKNOWN for alert in new)
    assert after.engine.take_ended() == []


def _last_while(words: list[float | None], wanted: tuple[float | None, ...]) -> list[float | None]:
    found: list[float | None] = []
    for word in reversed(words):
        if word not in wanted:
            break
        found.append(word)
    return found
