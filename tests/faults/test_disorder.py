"""Input that comes twice, at once, or in another order, over real HTTP: each takes effect once."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.faults.conftest import Enter, House, fresh
from tests.gateway.conftest import message
from xinqiao.message import Json
from xinqiao_gateway.journal.listing import exceptions


def test_what_is_sent_three_times_in_any_order_and_at_once_has_one_receipt(enter: Enter) -> None:
    house = enter()
    sent = [fresh() for _ in range(60)] * 3
    Random(5).shuffle(sent)  # noqa: S311 -- an order, no secret
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda each: house.send(each).status_code, sent))
    assert (statuses.count(202), statuses.count(200)) == (60, 120)
    house.check()


def test_the_messages_of_a_case_in_reverse_order_lose_none_that_is_a_fact(enter: Enter) -> None:
    house = enter()
    case: list[Json] = [message(body, "CASE-1") for body in ("kycApplication", "accountEntry")]
    fact, request = reversed(case)
    assert [house.send(fact).status_code, house.send(request).status_code] == [202, 202]
    assert [house.send(each).status_code for each in case] == [200, 200]
    arrived(house, [request])
    reading = house.gateway.journal.reading
    assert [each["kind"] for each in exceptions(reading)] == ["unexpected_fact"]
    assert [each["position"] for each in reading.deliveries("parked")] == [1]


def arrived(house: House, sent: list[Json]) -> None:
    ids = {each["header"]["messageId"] for each in sent}
    house.core.wait_for(ids)
    assert dict(house.core.got) == dict.fromkeys(ids, 1)
