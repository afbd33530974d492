"""The topics file: what it says, and what it may not say."""

from pathlib import Path

import pytest

from oms_platform import TopicsFileError, TopicSpec, load_topics

GOOD = """
partitions = 6

[[topic]]
name = "oms.order.v1"
owner = "order"
readers = ["inventory", "billing"]
retention_hours = 168

[[topic]]
name = "oms.stock-level.v1"
owner = "inventory"
readers = []
retention_hours = 24
compacted = true
"""
TABLE = '[[topic]]\nname = "a"\nowner = "order"\nreaders = []\nretention_hours = 1\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "topics.toml"
    path.write_text(text)
    return path


def test_every_topic_has_the_files_partition_count(tmp_path: Path) -> None:
    assert load_topics(write(tmp_path, GOOD)) == [
        TopicSpec("oms.order.v1", "order", ("inventory", "billing"), 168, 6),
        TopicSpec("oms.stock-level.v1", "inventory", (), 24, 6, compacted=True),
    ]


def test_retention_is_in_hours_and_a_compacted_topic_has_none(tmp_path: Path) -> None:
    order, stock = load_topics(write(tmp_path, GOOD))
    assert order.config() == {"retention.ms": "604800000"}
    assert stock.config() == {"cleanup.policy": "compact"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TABLE, "partitions"),
        ("partitions = 0\n" + TABLE, "partitions"),
        ("partitions = true\n" + TABLE, "partitions"),
        ("partition = 6\n" + TABLE, "unknown key 'partition'"),
        ("partitions = 6\n" + TABLE + "partitions = 12\n", "unknown keys"),
        ("partitions = 6\n" + TABLE + "retention = 3\n", "unknown keys"),
        ("partitions = 6\n" + TABLE + TABLE, "declared twice"),
        ("partitions = 6\n" + TABLE.replace("[]", '"billing"'), "readers"),
        ("partitions = 6\n" + TABLE.replace("= 1", '= "1"'), "retention_hours"),
        ("partitions = 6\n" + TABLE.replace('"a"', '""'), "name"),
        ("partitions = 6\n[[topic]]\n", "name"),
        ("partitions =", "topics.toml"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TopicsFileError, match=says):
        load_topics(write(tmp_path, text))
