from perftui.engine.breaker import Breaker


def open_breaker(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.failure(now)
    return breaker


def test_four_failures_leave_it_closed_and_a_success_starts_the_count_again() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failure(0.0)
    breaker.success()
    for _ in range(4):
        breaker.failure(0.0)
    assert not breaker.is_open


def test_the_fifth_failure_opens_it_for_a_second() -> None:
    breaker = open_breaker(now=10.0)
    assert breaker.is_open
    assert breaker.probe_at == 11.0


def test_probes_come_after_1_2_4_up_to_60_seconds() -> None:
    breaker = open_breaker()
    waits = []
    for _ in range(8):
        assert breaker.probe_at is not None
        waits.append(breaker.probe_at)
        breaker.failure(0.0)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_the_first_success_polls_go_on_at_the_normal_pace_and_the_third_closes_it() -> None:
    breaker = open_breaker()
    breaker.success()
    assert breaker.is_open
    assert breaker.probe_at == 0.0
    breaker.success()
    breaker.success()
    assert not breaker.is_open


def test_a_failure_while_it_is_being_trusted_again_holds_back_longer() -> None:
    breaker = open_breaker()
    breaker.success()
    breaker.failure(100.0)
    assert breaker.probe_at == 102.0


def test_what_refuses_us_is_asked_once_a_minute() -> None:
    breaker = Breaker()
    breaker.failure(5.0, refused=True)
    assert breaker.probe_at == 65.0
