"""deploy/topics.toml and the events are about the same topics."""

import re

import pytest

from oms_contracts.catalogue import EVENTS
from oms_contracts.gate import CONTRACTS
from oms_platform import TopicSpec, load_topics

TOPICS = {topic.name: topic for topic in load_topics(CONTRACTS.parent / "deploy" / "topics.toml")}
CHANNELS = ["web", "marketplace", "store", "wholesale"]
SERVICES = ["order", "inventory", "billing", "warehouse", "shipping", "notify"]
HOMES = {event.TOPIC for event in EVENTS.values()}

every_topic = pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))


def stands_for(home: str, topic: str) -> bool:
    return re.fullmatch(re.escape(home).replace(r"\{channel\}", "[a-z0-9-]+"), topic) is not None


@every_topic
def test_every_topic_has_events(topic: TopicSpec) -> None:
    assert any(stands_for(home, topic.name) for home in HOMES)


@pytest.mark.parametrize("home", sorted(HOMES))
def test_every_event_has_its_topic_in_every_channel(home: str) -> None:
    wanted = {home.format(channel=channel) for channel in CHANNELS}
    assert wanted <= TOPICS.keys()


@every_topic
def test_those_who_write_and_read_are_services_or_channels(topic: TopicSpec) -> None:
    assert {topic.owner, *topic.readers} <= {*SERVICES, *CHANNELS}
    assert topic.readers and topic.owner not in topic.readers


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_reaches_the_order_service_and_reads_its_own_answers_alone(channel: str) -> None:
    written = [topic.name for topic in TOPICS.values() if topic.owner == channel]
    read = {topic.name for topic in TOPICS.values() if channel in topic.readers}
    assert written == [f"oms.channel.{channel}.v1"]
    assert TOPICS[written[0]].readers == ("order",)
    assert read == {f"oms.channel.{channel}.answers.v1", "oms.stock-level.v1"}


def test_what_is_personal_and_in_clear_is_kept_for_the_shortest_time() -> None:
    clear = {t.retention_hours for t in TOPICS.values() if t.owner in CHANNELS}
    assert max(clear) < min(t.retention_hours for t in TOPICS.values() if t.owner in SERVICES)


def test_only_stock_levels_are_reduced_to_the_newest() -> None:
    assert [name for name, topic in TOPICS.items() if topic.compacted] == ["oms.stock-level.v1"]
