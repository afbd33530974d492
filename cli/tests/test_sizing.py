"""Sizing is arithmetic: more orders never take less, and the parts add up."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from oms_chassis.ageing import Period
from oms_cli.main import app
from oms_cli.sizing.figures import Cost, Figures, Stage, load
from oms_cli.sizing.retention import declared
from oms_cli.sizing.size import BUSY_MAX, WAL_DAYS_KEPT, Demand, Kept, Sizing, size
from oms_cli.where import topics
from oms_platform import SERVICES

STAGE = Stage(
    100.0, 100.0, 0.5, {"order": 1.2, "billing": 0.6, "postgres": 1.0, "broker": 0.2, "total": 3.0},
    20_000, {"order": 100, "billing": 100, "postgres": 400, "broker": 300, "system": 900},
)  # fmt: skip
COST = Cost(
    {"order.orders": 2_000, "order.inbox": 3_000, "billing.journal": 500},
    {"oms.order.v1": 1_000, "oms.channel.web.v1": 500, "oms.stock-level.v1": 300},
)
FIGURES = Figures("2026-11-27T15:00:00+00:00", "0000000", "2 x CPU", (STAGE,), COST)
KEPT = Kept(
    {"order.inbox": 730, "billing.journal": 3_650}, {"oms.order.v1": 7, "oms.channel.web.v1": 2},
    ended_orders_days=1_000, partitions=6, topics_between_services=9,
)  # fmt: skip
DAY = Demand(orders_per_day=86_400, skus=1_000, channels=4, peak_factor=5.0)

numbers = st.integers(0, 10**8)
demands = st.builds(Demand, numbers, numbers, st.integers(0, 1_000), st.floats(1, 100))


def test_a_usual_shop_by_hand() -> None:
    found = size(FIGURES, DAY, KEPT)
    assert found.peak_per_s == 5
    assert (found.cores, found.machines) == (1, 1)
    assert found.replicas == {"order": 1, "billing": 1}
    assert found.disk_by_store == {
        "billing": 86_400 * 500 * 3_650,
        "inventory": 1_000 * 1_200,
        "order": 86_400 * (2_000 * 1_000 + 3_000 * 730),
    }
    assert found.disk_by_topic == {
        "channels": 86_400 * 500 * 2, "oms.order.v1": 86_400 * 1_000 * 7,
        "oms.stock-level.v1": 1_000 * 400,
    }  # fmt: skip
    assert found.disk_of_wal == 86_400 * 20_000 * WAL_DAYS_KEPT
    assert found.topic_partitions == 6 * (9 + 8)


def test_a_peak_of_a_thousand_a_second_needs_more_of_the_dearest_service() -> None:
    found = size(FIGURES, Demand(86_400_000, 1_000, 4, 1.0), KEPT)
    assert found.replicas == {"order": 2, "billing": 1}
    assert (found.cores, found.machines) == (5, 3)
    many = size(FIGURES, Demand(86_400_000, 1_000, 4, 10.0), KEPT)
    assert many.replicas["order"] == 20 and many.partitions == 20


@given(demands, numbers)
def test_more_orders_never_take_less(demand: Demand, more: int) -> None:
    few = size(FIGURES, demand, KEPT)
    many = size(
        FIGURES, msgspec.structs.replace(demand, orders_per_day=demand.orders_per_day + more), KEPT
    )
    for name in ("cores", "machines", "memory_mb", "disk_bytes", "partitions", "wal_bytes_per_day"):
        assert getattr(many, name) >= getattr(few, name)
    for part, n in few.replicas.items():
        assert many.replicas[part] >= n


@given(demands, st.floats(1, 10), numbers, st.integers(0, 100))
def test_nor_do_a_higher_peak_more_articles_or_more_channels(
    demand: Demand, factor: float, skus: int, channels: int
) -> None:
    few = size(FIGURES, demand, KEPT)
    more = Demand(
        demand.orders_per_day, demand.skus + skus, demand.channels + channels,
        demand.peak_factor * factor,
    )  # fmt: skip
    many = size(FIGURES, more, KEPT)
    assert many.cores >= few.cores and many.disk_bytes >= few.disk_bytes
    assert many.topic_partitions >= few.topic_partitions


@given(demands)
def test_parts_add_up(demand: Demand) -> None:
    found: Sizing = size(FIGURES, demand, KEPT)
    disk = (*found.disk_by_store.values(), *found.disk_by_topic.values(), found.disk_of_wal)
    assert sum(disk) == found.disk_bytes
    assert sum(found.cpu_share.values()) == pytest.approx(1, abs=0.01)
    if found.disk_bytes:
        assert sum(found.disk_share.values()) == pytest.approx(1, abs=0.01)
    assert found.machines * FIGURES.cores >= found.cores
    assert found.cores * BUSY_MAX * 1000 >= demand.peak_per_s * 2.999_999 or found.cores == 1


def test_how_long_things_stay_is_read_where_it_is_declared() -> None:
    kept = declared(topics())
    assert kept.topics["oms.order.v1"] == 7 and kept.topics["oms.channel.web.v1"] == 2
    assert "oms.stock-level.v1" not in kept.topics
    assert kept.tables["inventory.inbox"] == 9 * 7
    assert kept.tables["order.inbox"] == 25 * 30.44
    assert kept.tables["billing.journal_entry"] == kept.tables["billing.invoice"] == 121 * 30.44
    assert set(Period) == {Period.WEEK, Period.MONTH}


def test_the_figures_are_a_result_of_the_bench_and_name_every_part() -> None:
    figures = load()
    assert set(figures.cpu_s_per_1000) == {*SERVICES, "postgres", "broker"}
    assert {name.partition(".")[0] for name in figures.cost.stored_bytes_by_table} == set(SERVICES)
    known = {t.name for t in topics()}
    assert set(figures.cost.log_bytes_by_topic) <= known
    assert figures.cores >= 1


def test_the_command_tells_people_and_programs() -> None:
    asked = ["sizing", "--orders-per-day", "100000", "--skus", "50000", "--channels", "6"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0 and "orders/s" in told.output and "billing" in told.output
    spoken = CliRunner().invoke(app, [*asked, "--peak-factor", "8", "--json"])
    found = json.loads(spoken.output)
    assert found["demand"]["peak_factor"] == 8
    assert found["sizing"]["disk_bytes"] == sum(
        (
            *found["sizing"]["disk_by_store"].values(),
            *found["sizing"]["disk_by_topic"].values(),
            found["sizing"]["disk_of_wal"],
        )
    )


def test_another_file_is_no_figures(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(msgspec.ValidationError):
        load(tmp_path / "x.json")
