"""The generated description of the catalogue."""

import json
import tomllib
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from oms_contracts import asyncapi
from oms_contracts.catalogue import EVENTS
from oms_contracts.gate import CONTRACTS

TOPICS = tomllib.loads(asyncapi.TOPICS.read_text())["topic"]
DOCUMENT = asyncapi.document(TOPICS)


def found(reference: str) -> Any:
    """What a `$ref` points to; a KeyError if it points nowhere."""
    node: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for item in node for ref in references(item)] if isinstance(node, list) else []


def test_the_committed_document_is_current() -> None:
    assert asyncapi.DOCUMENT.read_text() == asyncapi.text(), (
        "run `python -m oms_contracts.asyncapi`"
    )


def test_every_reference_leads_somewhere() -> None:
    assert len({json.dumps(found(ref)) for ref in references(DOCUMENT)}) > len(EVENTS)


def test_every_event_is_a_message_of_exactly_one_channel() -> None:
    listed = [type_ for channel in DOCUMENT["channels"].values() for type_ in channel["messages"]]
    assert sorted(listed) == sorted(EVENTS)


def test_the_examples_satisfy_the_schemas_beside_them() -> None:
    for type_, message in DOCUMENT["components"]["messages"].items():
        schema = {**message["payload"], "components": DOCUMENT["components"]}
        data = json.loads((CONTRACTS / "examples" / f"{type_}.json").read_text())
        Draft202012Validator(schema).validate(data)
        assert message["examples"] == [{"payload": data}]


def test_who_sends_and_who_receives_is_said() -> None:
    operations = DOCUMENT["operations"]
    assert operations["send_order_order"]["action"] == "send"
    assert operations["receive_order_billing"]["channel"] == {"$ref": "#/channels/order"}
    assert operations["send_channel_web"]["channel"] == {"$ref": "#/channels/channel"}
    assert operations["receive_channel-answers_web"]["action"] == "receive"
