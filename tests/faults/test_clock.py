"""A clock that jumps forth and back: the journal's time only goes forward, and nothing is lost, doubled or stalled."""

from tests.faults.conftest import Enter, fresh
from tests.gateway.delivery.conftest import Clock
from xinqiao.message import Json

START = 1_800_000_000.0
JUMPS = (0, 86_400, 86_401, -3 * 86_400, -1, 30 * 86_400, 0.5, -30 * 86_400)


def at(receipt: Json) -> str:
    found: str = receipt["acceptedAt"]
    return found


def test_the_journals_time_never_goes_back_and_what_is_accepted_arrives_once(enter: Enter) -> None:
    clock = Clock(START)
    house = enter(now=clock)
    for jump in JUMPS:
        clock.time = START + jump
        for _ in range(2):
            house.insist(fresh())
        house.core.wait_for(set(house.accepted))
    times = [at(each) for each in sorted(house.accepted.values(), key=lambda each: int(each["position"]))]
    assert times == sorted(times)
    assert len(times) == 2 * len(JUMPS)
    house.check()
