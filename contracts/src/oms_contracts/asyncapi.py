"""The whole catalogue as an AsyncAPI 3.0 document, for tools and for those who read no Python.

    python -m oms_contracts.asyncapi        write docs/asyncapi/asyncapi.json anew

Made of the event classes, their docstrings and examples, and of deploy/topics.toml.
"""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from typing import Any

from pydantic.json_schema import models_json_schema

from oms_contracts.catalogue import EVENTS, MODULES
from oms_contracts.event import Event
from oms_contracts.gate import CONTRACTS
from oms_contracts.wire import VALUE_MAX_BYTES

Node = dict[str, Any]
TOPICS = CONTRACTS.parent / "deploy" / "topics.toml"
DOCUMENT = CONTRACTS.parent / "docs" / "asyncapi" / "asyncapi.json"

_MS_PER_HOUR = 3_600_000
_DESCRIPTION = f"""\
Every event is a CloudEvent 1.0 in Kafka's binary mode: attributes are record headers, the key
is the subject, the value is the data as JSON of at most {VALUE_MAX_BYTES} bytes. Readers ignore
fields they do not know, and take an unknown one of `x-known-values` for `unknown`. What is marked
`x-personal` reaches no log. Amounts are whole minor units of their currency, moments RFC 3339.
"""
_ID = "An id in the shape of UUIDv7."
_HEADERS: dict[str, tuple[Node, str]] = {
    "ce_specversion": ({"const": "1.0"}, "The version of CloudEvents."),
    "ce_id": ({"format": "uuid"}, f"{_ID} The same id is the same event, however often it comes."),
    "ce_source": ({"format": "uri-reference"}, "Who says it."),
    "ce_type": ({"enum": list(EVENTS)}, "What is said, with its version."),
    "ce_time": ({"format": "date-time"}, "When it happened, according to who says it."),
    "ce_sequence": ({"pattern": "^[0-9]+$"}, "Counts what was said on this topic with this key."),
    "ce_causationid": ({"format": "uuid"}, "The event that caused this one."),
    "ce_tenant": ({}, "Whose order it is."),
    "traceparent": ({}, "W3C Trace Context."),
    "content-type": ({"const": "application/json"}, "How to read the value."),
}
_MANDATORY = ("ce_specversion", "ce_id", "ce_source", "ce_type")


def document(topics: list[Node]) -> Node:
    """The AsyncAPI document for these tables of topics.toml."""
    homes: dict[str, list[type[Event]]] = {}
    for event_class in EVENTS.values():
        homes.setdefault(event_class.TOPIC, []).append(event_class)
    found = {address: _declared(address, topics) for address in homes}
    payloads, schemas = models_json_schema(
        [(event_class, "validation") for event_class in EVENTS.values()],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order management system",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_name(a): _channel(a, classes, found[a]) for a, classes in homes.items()},
        "operations": {
            f"{action}_{_name(address)}_{who}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{_name(address)}"},
                "summary": f"{who} {action}s",
            }
            for address, declared in found.items()
            for action, parties in (("send", _owners(declared)), ("receive", _readers(declared)))
            for who in parties
        },
        "components": {
            "messages": {c.TYPE: _message(c, payloads[c, "validation"]) for c in EVENTS.values()},
            "schemas": {"Headers": _headers(), **schemas["$defs"]},
        },
    }


def _declared(address: str, topics: list[Node]) -> list[Node]:
    """The topics that an address with a placeholder stands for."""
    wanted = re.compile(re.escape(address).replace(r"\{channel\}", "[a-z0-9-]+"))
    return [topic for topic in topics if wanted.fullmatch(topic["name"])]


def _name(address: str) -> str:
    return (
        address.removeprefix("oms.").removesuffix(".v1").replace(".{channel}", "").replace(".", "-")
    )


def _owners(declared: list[Node]) -> list[str]:
    return list(dict.fromkeys(topic["owner"] for topic in declared))


def _readers(declared: list[Node]) -> list[str]:
    return list(dict.fromkeys(reader for topic in declared for reader in topic["readers"]))


def _channel(address: str, classes: list[type[Event]], declared: list[Node]) -> Node:
    module = next(m for m in MODULES if classes[0] in vars(m).values())
    topic = declared[0]
    kept: Node = {"cleanup.policy": ["compact"]}
    if not topic.get("compacted"):
        kept = {"retention.ms": topic["retention_hours"] * _MS_PER_HOUR}
    channel: Node = {
        "address": address,
        "description": inspect.getdoc(module),
        "messages": {c.TYPE: {"$ref": f"#/components/messages/{c.TYPE}"} for c in classes},
        "bindings": {"kafka": {"topicConfiguration": kept}},
    }
    if "{channel}" in address:
        names = [t["name"].split(".")[2] for t in declared]
        channel["parameters"] = {"channel": {"enum": names}}
    return channel


def _message(event_class: type[Event], payload: Node) -> Node:
    example = CONTRACTS / "examples" / f"{event_class.TYPE}.json"
    return {
        "name": event_class.TYPE,
        "title": event_class.__name__,
        "description": inspect.getdoc(event_class),
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": payload,
        "examples": [{"payload": json.loads(example.read_text())}],
    }


def _headers() -> Node:
    return {
        "type": "object",
        "required": list(_MANDATORY),
        "properties": {
            name: {"type": "string", **form, "description": meaning}
            for name, (form, meaning) in _HEADERS.items()
        },
    }


def text() -> str:
    """The document as it is committed."""
    topics = tomllib.loads(TOPICS.read_text())["topic"]
    return json.dumps(document(topics), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(text())
