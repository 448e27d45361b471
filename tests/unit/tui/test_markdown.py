import base64
import re

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from perftui.client.state import Link, State
from perftui.core.action import Outcome, Plan, Proof, Risk, Run, Undo
from perftui.core.alert import Alert, AlertState, Severity, Silence
from perftui.core.series import SeriesId, attributes
from perftui.core.wire import Delivery
from perftui.tui.copying import LARGEST, clipboard_sequence
from perftui.tui.handover import hand_over_text
from perftui.tui.markdown import alert_text, code, folded_text, link, row_text
from perftui.tui.panes.content import Row
from tests.support import states

NASTY = (
    "`",
    "``",
    "a`b``c",
    "x | y",
    "<b>bold</b>",
    "[here](http://evil)",
    "@channel",
    "\n# title",
    "*a* _b_",
    "\x1b[2J",
)


def rendered(text: str) -> list[str]:
    """Return the kinds of everything that a reader of Markdown makes of a text."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    return [child.type for token in tokens for child in (token, *(token.children or ()))]


def spans(text: str) -> list[str]:
    """Return what stands in code."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]


def alert_of(state: State, rule: str) -> Alert:
    view = state.alerts
    return next(each for each in (*view.firing, *view.pending, *view.log) if each.rule == rule)


def run_of(outcome: Outcome, *, reversible: bool, target: str = "cache-2") -> Run:
    plan = Plan(
        id="p1", action="cleanup.expired", title="free the memory", target=target, digest="d", expires=1.0,
        risk=Risk.LOW, reversible=reversible, confirm="y", command=f"perftui run cleanup.expired {target}",
    )  # fmt: skip
    undo = Undo(action="cleanup.expired", params={}, title="put it back") if reversible else None
    return Run(
        plan=plan, outcome=outcome, proof=Proof.RECOVERED, started=states.WALL - 90, done=states.WALL - 60, undo=undo
    )


@pytest.mark.parametrize("text", NASTY)
def test_no_text_leaves_its_code_span(text: str) -> None:
    line = f"- {code(text)} and {code(text)}"
    assert len(spans(line)) == 2 and "\n" not in line and line.isprintable()
    assert set(rendered(line)) <= {
        "bullet_list_open", "list_item_open", "paragraph_open", "inline", "code_inline", "text",
        "paragraph_close", "list_item_close", "bullet_list_close",
    }  # fmt: skip


def test_what_stands_in_code_is_what_was_given() -> None:
    assert [spans(code(text))[0] for text in ("a`b``c", "`", "x | y")] == ["a`b``c", "`", "x | y"]
    assert code("") == code("   ") == "–"


def test_only_a_web_address_becomes_a_link() -> None:
    assert link("https://wiki.example.com/a?b=c#d") == "<https://wiki.example.com/a?b=c#d>"
    assert link("javascript:alert(1)").startswith("`") and link("https://a b>").startswith("`")


def test_an_alert_says_all_that_belongs_to_it() -> None:
    state = states.crowded()
    text = alert_text(state, alert_of(state, "lock-wait"))
    assert text.startswith("## ✖ critical: `orders-db` `2 statements wait for a metadata lock`\n")
    for words in (
        "- state: firing, critical",
        "- since: 2026-11-21 01:43:12 UTC, for 31m40s",
        "- value: `2` above `1`",
        "- looks at: `mysql.metadata_locks.waiting above 1 for 10 s`",
        "- last 15 min: last 2, min 1.4, mean 1.7, max 2 (601 values)",
        "- source: `orders-db` (`mysql`) at `10.0.0.5:3306`",
        "- ack: acked by `ana` at 2026-11-21 02:04:52 UTC: `backup running`",
        "- runbook: <https://wiki.example.com/locks>",
        "as of 2026-11-21 02:14:52 UTC, perftui on `web-3.prod`",
    ):
        assert words in text


def test_an_alert_names_its_host_its_remedies_its_notes_and_what_holds_it_back() -> None:
    state = states.crowded()
    muted = replace(alert_of(state, "evictions"), host="web-9", notes=("told slack 02:14:31",))
    text = alert_text(state, replace(muted, remedies=("cleanup.expired", "other")))
    assert "on host `web-9`" in text and "- notified: `told slack 02:14:31`" in text
    assert "- held back: `silenced by ana until 02:52 UTC: resize under way`" in text
    assert "- remedy: `free the memory of expired keys`\n- remedy: `other`" in text
    assert "- also firing on it:\n  - ▲ warning `cache-2` `redis.hit_ratio`, `71 %` below `80 %`" in text


def test_states_are_told_in_words() -> None:
    state = states.crowded()
    pending = alert_text(state, alert_of(state, "slow-queries"))
    assert "## ◔ pending warning" in pending and "- state: pending, warning, 2m10s of 5m" in pending
    unseen = next(each for each in state.alerts.firing if each.state is AlertState.UNKNOWN)
    assert "- state: firing, warning, not seen for 14 s" in alert_text(state, unseen)
    ended = alert_text(state, alert_of(state, "replication-lag"))
    assert "- state: resolved, was warning" in ended and "- ended: 2026-11-21 02:09:15 UTC" in ended


def test_a_series_that_nobody_tracks_has_no_past() -> None:
    state = states.crowded()
    state.tracks.clear()
    assert "last 15 min" not in alert_text(state, alert_of(state, "lock-wait"))


def test_figures_of_an_agent_that_is_gone_are_not_passed_off_as_the_present() -> None:
    state = states.stale()
    assert "**the agent does not answer**: `the agent ended; starting it again`" in hand_over_text(state) + alert_text(
        state, state.alerts.firing[0]
    )
    assert "**The agent does not answer**" in hand_over_text(state)
    state.link = Link.LIVE
    assert "does not answer" not in hand_over_text(state)


def test_a_row_that_is_no_alert_has_its_figures_and_what_fires_on_it() -> None:
    state = states.incident()
    series = SeriesId("cache-1", "queue.depth", attributes({"queue": "webhook", "kind": "bullmq"}))
    text = row_text(state, Row("q", ([("✖ webhook  12.4k", "text")],), series, "cache-1"))
    assert text.startswith("## `cache-1` `kind=bullmq` `queue=webhook`\n\n- shown: `✖ webhook 12.4k`")
    assert "- `queue.depth`: 12.4k\n- `queue.added`: 84" in text and "redis.memory.used" not in text
    assert "- firing:\n  - ✖ critical `cache-1` `webhook: no worker" in text and "analytics" not in text


def test_a_row_of_a_source_that_fails_says_so() -> None:
    state = states.incident()
    text = row_text(state, Row("c", ([("cache-3", "text")],), SeriesId("cache-3", "redis.hit_ratio"), "cache-3"))
    assert "- state: failing, `failing for 14 s, figures 14 s ago: connection refused`" in text


def test_a_row_without_a_source_and_a_silence_are_told_too() -> None:
    state = states.crowded()
    assert "- shown: `1000 www-data worker`" in row_text(state, Row("1000", ([("1000  www-data  worker", "text")],)))
    text = row_text(state, Row("s", (), silence=state.alerts.silences[0]))
    assert "## Silence of `rule=evictions source=cache-2`" in text and "- comment: `resize under way`" in text


def test_very_many_figures_are_bounded() -> None:
    state = states.bare()
    states.add(state, "big", "redis", tuple(states.sample("redis.db.keys", 1, db=str(each)) for each in range(300)))
    text = row_text(state, Row("big", ([("big", "text")],), SeriesId("big", "redis.db.keys"), "big"))
    assert text.count("redis.db.keys") == 100 and "- and 200 more figures" in text


def test_a_folded_row_names_each_of_its_alerts() -> None:
    state = states.crowded()
    text = folded_text(state, states.storm(3))
    assert text.startswith("## ✖ critical: 3 × `queue-without-workers`") and text.count("\n- ") == 3


def test_hostile_names_stay_names() -> None:
    state = states.hostile()
    alerts = tuple(
        Alert(rule=name, source=name, metric=name, summary=name, why=name, state=AlertState.FIRING, runbook=name,
              since=states.WALL, attributes=(("queue", name),), severity=Severity.CRITICAL)
        for name in (*states.HOSTILE, *NASTY)
    )  # fmt: skip
    silences = tuple(
        Silence(id=name, matchers={"rule": name}, author=name, comment=name, created=0, until=states.WALL, expires=0)
        for name in NASTY
    )
    delivery = Delivery(problems=NASTY)
    state.alerts = states.view(alerts, alerts, (), silences, delivery)
    rows = [Row(name, ([(name, "text")],), SeriesId(name, name), name) for name in state.sources]
    texts = [alert_text(state, each) for each in alerts] + [row_text(state, row) for row in rows]
    for text in (*texts, hand_over_text(state)):
        assert all(line.isprintable() for line in text.split("\n"))
        assert not {"link_open", "html_inline", "html_block", "em_open", "strong_open", "table_open"} & set(
            rendered(text)
        )
        assert not re.search(r"^(?!## |# |- |  - |as of |none$|$)", text, re.MULTILINE)


def test_the_hand_over_has_the_worst_first_and_every_part() -> None:
    state = states.crowded()
    state.runs = (run_of(Outcome.SUCCEEDED, reversible=False),)
    text = hand_over_text(state)
    assert text.startswith("# Hand-over of `web-3.prod`, 2026-11-21 02:14:52 UTC")
    parts = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert parts == [
        "Firing: 25", "Pending: 2", "Silences: 2", "Sources that fail or are stale: 2 of 11", "Actions",
        "Of these can still be undone", "Notifications", "Ended in the last 8 hours",
    ]  # fmt: skip
    assert text.index("`orders-db` `2 statements") < text.index("`cache-2` `redis.hit_ratio`")
    assert "8 of 15 s until it fires" in text and "acked by `ana`" in text
    assert "`source=users-db` until 2026-11-21 06:13:52 UTC (3h59m left), by `ben` in `alertmanager`" in text
    assert "`cache-3` `failing for 14 s" in text and "`mysql-3306`" not in text
    assert (
        "● `free the memory` on `cache-2`, started 2026-11-21 02:13:22 UTC, succeeded after 30 s, ● recovered" in text
    )
    assert "## Of these can still be undone\n\nnone" in text and "- off: `private agents do not notify`" in text


def test_the_hand_over_names_what_can_be_undone() -> None:
    state = states.incident()
    state.runs = (
        run_of(Outcome.SUCCEEDED, reversible=True, target="cache-1"),
        run_of(Outcome.RUNNING, reversible=True, target="cache-2"),
        replace(run_of(Outcome.SUCCEEDED, reversible=True, target="cache-3"), undone=True),
        run_of(Outcome.SUCCEEDED, reversible=False, target="pool"),
    )
    undo = hand_over_text(state).split("still be undone\n\n")[1].split("\n\n")[0]
    assert undo == "- `free the memory` on `cache-1`, started 2026-11-21 02:13:22 UTC, by `put it back`"


def test_the_hand_over_leaves_out_what_ended_before_the_shift() -> None:
    state = states.incident()
    (ended,) = state.alerts.log
    old = replace(ended, source="users-db", resolved_at=states.WALL - 9 * 3600, since=states.WALL - 10 * 3600)
    state.alerts = states.view(log=(ended, old))
    text = hand_over_text(state)
    assert (
        "`orders-db` `mysql.replica" in text
        and "`users-db` `mysql.replica" not in text
        and "nothing is known" not in text
    )


def test_the_hand_over_of_a_healthy_host_says_none() -> None:
    text = hand_over_text(states.healthy())
    assert "## Firing: 0\n\nnone" in text and text.count("\n\nnone") == 7
    assert "- on: 0 sent, 0 waiting, 0 dropped" in text


def test_the_hand_over_counts_what_a_bounded_view_leaves_out() -> None:
    state = states.crowded()
    counts = replace(state.alerts.counts, critical=400)
    state.alerts = replace(state.alerts, counts=counts)
    assert re.search(r"- and 38\d more, which the console is not told of", hand_over_text(state))


def test_the_hand_over_of_nothing_at_all_is_still_one() -> None:
    text = hand_over_text(State())
    assert "# Hand-over of an unknown host" in text and "**The agent does not answer**" in text


def clipboard(sequence: str) -> str:
    found = re.fullmatch(r"\x1b]52;c;([A-Za-z0-9+/=]*)\a", sequence)
    assert found is not None
    return base64.b64decode(found[1]).decode()


def test_the_clipboard_gets_the_text() -> None:
    assert clipboard(clipboard_sequence("zürich ✖\n", {"TERM": "xterm-256color"})) == "zürich ✖\n"
    assert clipboard(clipboard_sequence("a", {"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"})) == "a"


def test_the_console_of_linux_has_no_clipboard() -> None:
    assert clipboard_sequence("a", {"TERM": "linux"}) == ""


def test_gnu_screen_gets_short_strings_that_it_passes_on() -> None:
    sequence = clipboard_sequence("x" * 3000, {"TERM": "screen.xterm-256color"})
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == sequence
    assert max(map(len, pieces)) <= 252 and clipboard("".join(pieces)) == "x" * 3000


def test_a_long_text_is_cut_at_a_line_and_says_so() -> None:
    text = "".join(f"- wört {number}\n" for number in range(20_000))
    sequence = clipboard_sequence(text, {"TERM": "xterm"})
    cut = clipboard(sequence)
    assert len(sequence) < 74_000 and len(cut.encode()) <= LARGEST
    kept, _, rest = cut.partition("\n\n(cut here")
    assert text.startswith(kept + "\n") and "in the file" in rest
