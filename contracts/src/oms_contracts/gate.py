"""The compatibility gate: nobody changes what others rely on without noticing.

    python -m oms_contracts.gate check      say everything that is wrong
    python -m oms_contracts.gate release    freeze the schemas of new and extended events

`released/<type>.json` is the schema that an event version was first released with; a later
optional field makes `<type>-2.json`, and so on. A released file never changes (SHA256SUMS).
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from oms_contracts.catalogue import EVENTS
from oms_contracts.compatibility import breaks
from oms_contracts.event import Event, JsonSchema
from oms_contracts.wire import InvalidBody, decode, encode

CONTRACTS = Path(__file__).parents[2]
RELEASE = "python -m oms_contracts.gate release"
SUMS = "SHA256SUMS"
NEW_VERSION = (
    "undo it, or leave this version as it is and add the next one as a class of its own"
    " (docs/adding-an-event.md)"
)

_FILE = re.compile(r"(?P<type>.+\.v\d+)(?:-(?P<revision>\d+))?\.json")
Events = Mapping[str, type[Event]]
Revisions = dict[str, list[JsonSchema]]
"""Event type → its released schemas, oldest first."""


class Incompatible(Exception):
    """Something cannot be released; says everything that is in the way."""


def schema_of(event_class: type[Event]) -> JsonSchema:
    """The structure of an event as JSON Schema, without titles and texts."""
    schema: JsonSchema = _structure(event_class.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{event_class.TYPE}",
        **schema,
    }


def _structure(node: Any, named: bool = False) -> Any:
    """`named`: the keys of `node` are names of fields or types and not keywords."""
    if isinstance(node, list):
        return [_structure(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _structure(value, named=not named and key in ("properties", "$defs"))
        for key, value in node.items()
        if named or key not in ("title", "description")
    }


def check(folder: Path, events: Events) -> list[str]:
    """Everything wrong with the contracts in `folder`, one sentence each."""
    released = _released(folder)
    faults = _edited(folder / "released")
    faults += [
        f"{type_}: is released, but has no class: bring the class back, or retire the version by"
        f" removing its schemas, their lines in {SUMS} and its example"
        for type_ in sorted(released.keys() - events.keys())
    ]
    for type_, event_class in events.items():
        faults += _unlike_released(event_class, released.get(type_, []))
    return faults + _examples(folder / "examples", events, released)


def release(folder: Path, events: Events) -> list[Path]:
    """Freeze every schema that is not frozen yet; the files written. Raises Incompatible."""
    released = _released(folder)
    faults = _edited(folder / "released")
    for type_, event_class in events.items():
        faults += _breaks(event_class, released.get(type_, []))
    if faults:
        raise Incompatible("\n".join(faults))
    written = []
    for type_, event_class in events.items():
        revisions = released.get(type_, [])
        if schema_of(event_class) not in revisions[-1:]:
            suffix = f"-{len(revisions) + 1}" if revisions else ""
            path = folder / "released" / f"{type_}{suffix}.json"
            path.write_text(json.dumps(schema_of(event_class), indent=1, ensure_ascii=False) + "\n")
            written.append(path)
    _lock(folder / "released")
    return written


def _released(folder: Path) -> Revisions:
    numbered: dict[str, dict[int, JsonSchema]] = {}
    for path in (folder / "released").glob("*.json"):
        if match := _FILE.fullmatch(path.name):
            revision = int(match["revision"] or 1)
            numbered.setdefault(match["type"], {})[revision] = json.loads(path.read_text())
    return {type_: [found[n] for n in sorted(found)] for type_, found in numbered.items()}


def _digests(released: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(released.glob("*.json"))
    }


def _lock(released: Path) -> None:
    lines = (f"{digest}  {name}\n" for name, digest in _digests(released).items())
    (released / SUMS).write_text("".join(lines))


def _edited(released: Path) -> list[str]:
    sums = released / SUMS
    lines = sums.read_text().splitlines() if sums.exists() else []
    locked = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = _digests(released)
    faults = []
    for name in sorted(locked.keys() | found.keys()):
        if name not in locked:
            faults.append(f"released/{name}: was not made by `{RELEASE}`; remove it and run that")
        elif locked[name] != found.get(name):
            deed = "was edited" if name in found else "is gone"
            faults.append(f"released/{name}: {deed}, but never changes; `git checkout` restores it")
    return faults


def _unlike_released(event_class: type[Event], revisions: list[JsonSchema]) -> list[str]:
    if not revisions:
        return [f"{event_class.TYPE}: is not released; run `{RELEASE}`"]
    if faults := _breaks(event_class, revisions):
        return faults
    if schema_of(event_class) != revisions[-1]:
        return [f"{event_class.TYPE}: has additions that are not released; run `{RELEASE}`"]
    return []


def _breaks(event_class: type[Event], revisions: list[JsonSchema]) -> list[str]:
    current = schema_of(event_class)
    found = [fault for released in revisions for fault in breaks(released, current)]
    return [f"{event_class.TYPE}: {fault}; {NEW_VERSION}" for fault in dict.fromkeys(found)]


def _examples(folder: Path, events: Events, released: Revisions) -> list[str]:
    found = {path.stem: path for path in folder.glob("*.json")}
    faults = []
    for type_ in sorted(events.keys() | found.keys()):
        if type_ not in found:
            faults.append(f"{type_}: has no example; write examples/{type_}.json")
        elif type_ not in events:
            faults.append(f"examples/{type_}.json: no event has this type; rename or remove it")
        else:
            faults += _example(found[type_], events[type_], released.get(type_, []))
    return faults


def _example(path: Path, event_class: type[Event], revisions: list[JsonSchema]) -> list[str]:
    """An example is what today's class writes, and what every reader ever released takes."""
    data = json.loads(path.read_text())
    try:
        written = json.loads(encode(decode(event_class, path.read_bytes())))
    except InvalidBody as error:
        return [f"examples/{path.name}: is not a valid {event_class.TYPE}: {error}"]
    if written != data:
        return [f"examples/{path.name}: is written as {json.dumps(written)}; say it like that"]
    return [
        f"examples/{path.name}: released readers refuse it: {error.json_path} {error.message}"
        for schema in revisions
        for error in Draft202012Validator(schema).iter_errors(data)
    ]


def main(arguments: list[str]) -> int:
    """The command line; the exit status."""
    match arguments:
        case ["check"]:
            faults = check(CONTRACTS, EVENTS)
            print("\n".join(faults) or f"{len(EVENTS)} events agree with what was released.")
            return 1 if faults else 0
        case ["release"]:
            try:
                written = release(CONTRACTS, EVENTS)
            except Incompatible as error:
                print(error)
                return 1
            print("\n".join(path.name for path in written) or "Nothing to release.")
            return 0
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
