from perftui.engine.deadline import Deadline


def test_two_seconds_until_enough_is_known() -> None:
    deadline = Deadline()
    for _ in range(4):
        deadline.learn(0.001)
    assert deadline.seconds == 2.0


def test_twice_the_p95_within_one_and_thirty_seconds() -> None:
    for duration, expected in [(0.001, 1.0), (1.5, 3.0), (40.0, 30.0)]:
        deadline = Deadline()
        for _ in range(20):
            deadline.learn(duration)
        assert deadline.seconds == expected


def test_a_configured_timeout_is_kept() -> None:
    deadline = Deadline(fixed=0.5)
    for _ in range(20):
        deadline.learn(9.0)
    assert deadline.seconds == 0.5
