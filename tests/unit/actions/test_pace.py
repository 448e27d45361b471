"""The pacer: half the server's time at most, and less when it gets slow."""

from perftui.actions.pace import LONGEST_PAUSE, Pacer


def test_it_waits_as_long_as_it_worked() -> None:
    pacer = Pacer(0.0001, 1000)
    assert pacer.pause(0.002, 0.0001) == 0.002
    assert pacer.batch == 1000


def test_a_slow_server_gets_smaller_batches_and_longer_pauses_until_it_is_quick_again() -> None:
    pacer = Pacer(0.0001, 1000)
    pauses = [pacer.pause(0.001, 0.050) for _ in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert pacer.batch == 50
    for _ in range(40):
        last = pacer.pause(0.001, 0.0001)
    assert (pacer.batch, last) == (1000, 0.001)


def test_a_far_server_is_no_slow_one() -> None:
    pacer = Pacer(0.040, 1000)
    assert pacer.pause(0.042, 0.040) == 0.042
    assert pacer.batch == 1000
    assert 0.001 < pacer.p99 < 0.003
