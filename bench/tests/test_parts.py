"""The bench's own arithmetic: what it tells is what was there."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

import pytest
from aiokafka import ConsumerRecord
from bench.command import Profile, stages
from bench.figures import recovered
from bench.floor.shape import CHANNELS, shares
from bench.orders import EMPTY_SKU, Orders, all_skus
from bench.places import CHECKOUT
from bench.plan import FLASH, FLASH_BUYERS, Plan, Stage, Work
from bench.plot import svg
from bench.reading import Reading
from bench.record import Life, Record, percentiles
from bench.result import Cost
from bench.variants import VARIANTS, vary

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.order import OrderShipped
from oms_order.domain import order_key
from oms_platform import load_topics

AT = "2026-01-01T00:00:00+00:00"


def test_the_same_seed_gives_the_same_orders() -> None:
    one, again, other = (Orders(Work(seed=s, skus=100), 1) for s in (1, 1, 2))
    first = [one.next(AT) for _ in range(50)]
    assert first == [again.next(AT) for _ in range(50)]
    assert [o.value for o in first] != [other.next(AT).value for _ in range(50)]


def test_orders_are_what_a_channel_may_say() -> None:
    made = Orders(Work(skus=20), 1)
    for _ in range(200):
        order = wire.decode(OrderPlaced, made.next(AT).value)
        assert len({line.sku for line in order.lines}) == 3
        assert order.totals.grand_total_minor == sum(line.total_minor for line in order.lines)


def test_fates_have_their_shares() -> None:
    made = Orders(Work(skus=100), 1)
    fates: Counter[str] = Counter()
    for _ in range(10_000):
        order = made.next(AT)
        fates["declined"] += b"tok_decline" in order.value
        fates["short"] += EMPTY_SKU.encode() in order.value
        fates["cancelled"] += order.cancelled
    assert fates["declined"] == pytest.approx(500, abs=80)
    assert fates["short"] == pytest.approx(100, abs=40)
    assert fates["cancelled"] == pytest.approx(100, abs=40)


def test_popular_goods_are_asked_for_more_often() -> None:
    made = Orders(Work(skus=1000, out_of_stock=0.0), 1)
    asked: Counter[str] = Counter()
    for _ in range(3000):
        asked.update(line.sku for line in wire.decode(OrderPlaced, made.next(AT).value).lines)
    first, tenth = (asked[all_skus(Work())[n]] for n in (0, 9))
    assert first > 4 * tenth > 0


def test_everybody_wants_one_thing_in_a_flash_sale() -> None:
    order = wire.decode(OrderPlaced, Orders(FLASH, 1).next(AT).value)
    assert [line.sku for line in order.lines] == all_skus(FLASH)


def record_of(topic: str, key: str, name: str, at_ms: int) -> ConsumerRecord:
    headers = [("ce_type", name.encode())]
    return ConsumerRecord(topic, 0, 0, at_ms, 0, key.encode(), b"{}", None, 0, 2, headers)


def test_a_life_goes_from_the_intended_moment_to_the_fact() -> None:
    told = Record()
    key = order_key("main", "web", "A-1")
    told.add(record_of("oms.order.v1", key, OrderShipped.TYPE, 3_500), "main")
    told.add(record_of("oms.channel.web.v1", "A-1", OrderPlaced.TYPE, 1_000), "main")
    told.close()
    assert told.lives == {key: Life(1.0, 3.5, "shipped")}
    assert told.open_at(2.0) == 1 and told.open_at(4.0) == 0
    assert told.done_between(3.0, 4.0) == 1
    assert percentiles(told.lives.values(), [0.5, 0.99]) == [2.5, 2.5]


def lives(*spans: tuple[float, float]) -> Record:
    return Record({str(n): Life(a, b, "shipped") for n, (a, b) in enumerate(spans)})


def test_recovered_is_when_no_more_are_open_than_before_the_kill() -> None:
    steady = [(t / 10, t / 10 + 1.0) for t in range(100)]
    held_up = [(t / 10, 16.0) for t in range(100, 130)]
    later = [(t / 10, max(t / 10 + 1.0, 16.0)) for t in range(130, 200)]
    told = lives(*steady, *held_up, *later)
    reading = Reading(0.0, 20.0, {}, {}, killed=10.0)
    assert recovered(reading, told) == pytest.approx(6.5, abs=0.5)
    assert recovered(Reading(0.0, 20.0, {}, {}), told) is None


def test_the_plot_is_a_document() -> None:
    told = lives((1.0, 2.0), (1.5, 4.0), (3.0, 3.5))
    assert ElementTree.fromstring(svg(told, "a < b & c")).tag.endswith("svg")


def test_the_shape_gives_every_record_and_row_to_one_writer() -> None:
    cost = Cost(
        1, 3, 3, 0, 1, 4, 1, 9, 0, 0,
        records_by_type={
            "oms.channel.web.v1 a": 1.0, "oms.order.v1 b": 1.5, "oms.order.v1 c": 0.5,
            "oms.billing.v1 d": 1.0,
        },
        rows_by_table={
            "billing.open_call": {"insert": 1.0, "delete": 1.0}, "billing.inbox": {"insert": 1.0},
            "billing.numbers": {"insert": 0.001},
        },
    )  # fmt: skip
    found = shares(cost, load_topics(CHECKOUT / "deploy/topics.toml"))
    assert found[CHANNELS].publishes == {"oms.channel.web.v1": 1.0}
    assert found["order"].publishes == {"oms.order.v1": 2.0}
    assert set(found["order"].reads) == {"oms.channel.web.v1", "oms.billing.v1"}
    assert found["order"].paced_by == {"oms.channel.web.v1": 1.0}
    assert found["billing"].paced_by == {"oms.order.v1": 2.0}
    assert found["billing"].inputs == 2.0  # one record heard, one call answered
    assert found["billing"].tables["numbers"].insert == 0.0


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_plan_of_its_own(name: str) -> None:
    plan = Plan((Stage(400.0, 60.0),))
    varied = vary(plan, name)
    assert varied.name == name
    assert varied.told() != plan.told() | {"name": name}


def test_all_buyers_come_to_a_flash_sale() -> None:
    (stage,) = vary(Plan((Stage(400.0, 60.0),)), "flash").stages
    assert stage.rate * stage.seconds == FLASH_BUYERS and not stage.warm_up_seconds


def test_the_headline_is_three_times_ten_minutes_and_less_load_after() -> None:
    told = stages(Profile.HEADLINE, [500.0], None, None)
    assert [(s.rate, s.seconds) for s in told] == [
        (500.0, 600.0), (500.0, 600.0), (500.0, 600.0), (450.0, 120.0), (250.0, 120.0),
    ]  # fmt: skip
