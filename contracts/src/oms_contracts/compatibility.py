"""Whether two schemas of one event version understand each other, in both directions.

Within a version readers and writers of any age meet, so what the old one may write the new one
must read, and what the new one may write the old one must read. That leaves one kind of change:
a new optional field. Everything else is a new version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oms_contracts.event import JsonSchema

_UPPER_LIMITS = {"maximum", "maxLength", "maxItems"}
_LOWER_LIMITS = {"minimum", "minLength", "minItems"}
_COMPARED_APART = {"$defs", "$id", "$schema", "anyOf", "default", "items", "properties", "required"}
_COMPARED_APART |= {"type", "x-known-values", "x-personal"}


def breaks(released: JsonSchema, current: JsonSchema) -> list[str]:
    """Every break, as `path: what happened and whom it hurts`; empty if there is none."""
    return list(_Comparison(released, current).of(released, current, ""))


class _Comparison:
    """Walks both schemas side by side, from the outside in."""

    def __init__(self, released: JsonSchema, current: JsonSchema) -> None:
        self._released = released
        self._current = current

    def of(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[str]:
        old, new = _resolved(old, self._released), _resolved(new, self._current)
        yield from _meaning(old, new, path)
        old_kinds = _alternatives(old, self._released)
        new_kinds = _alternatives(new, self._current)
        if set(old_kinds) != set(new_kinds):
            was, now = " or ".join(sorted(old_kinds)), " or ".join(sorted(new_kinds))
            yield f"{path}: its type was {was} and is now {now}"
            return
        for kind, one in old_kinds.items():
            yield from self._same_kind(one, new_kinds[kind], path)

    def _same_kind(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[str]:
        yield from _limits(old, new, path)
        yield from self._fields(old, new, path)
        if "items" in old and "items" in new:
            yield from self.of(old["items"], new["items"], f"{path}[]")

    def _fields(self, old: JsonSchema, new: JsonSchema, path: str) -> Iterator[str]:
        had, has = old.get("properties", {}), new.get("properties", {})
        for name in had:
            where = f"{path}.{name}" if path else name
            if name in has:
                yield from self.of(had[name], has[name], where)
            else:
                yield f"{where}: was removed or renamed, but others write and expect it"
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(is_required - was_required):
            where = f"{path}.{name}" if path else name
            how = "became required" if name in had else "is new and required"
            yield f"{where}: {how}, but producers of the released schema leave it out"


def _resolved(node: JsonSchema, root: JsonSchema) -> JsonSchema:
    while "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**root["$defs"][name], **beside}
    return node


def _alternatives(node: JsonSchema, root: JsonSchema) -> dict[str, JsonSchema]:
    """The schema of each JSON type that the node allows."""
    options = [_resolved(option, root) for option in node.get("anyOf", [node])]
    return {str(option.get("type", "anything")): option for option in options}


def _meaning(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[str]:
    """What readers take a value for, beyond its shape."""
    if "default" in old and old["default"] != new.get("default", old["default"]):
        yield (
            f"{path}: its default was {old['default']!r} and is now {new['default']!r},"
            " so leaving it out would mean something else than before"
        )
    if old.get("x-personal") and not new.get("x-personal"):
        yield f"{path}: was personal and no longer is, so it would appear in logs"


def _limits(old: JsonSchema, new: JsonSchema, path: str) -> Iterator[str]:
    for value in old.get("x-known-values", ()):
        if value not in new.get("x-known-values", ()):
            yield f"{path}: no longer knows the value {value!r}, which producers write"
    for keyword in sorted((set(old) | set(new)) - _COMPARED_APART):
        was, now = old.get(keyword), new.get(keyword)
        if was != now:
            yield f"{path}: {keyword} was {was} and is now {now}{_hurts(keyword, was, now)}"


def _hurts(keyword: str, was: Any, now: Any) -> str:
    if keyword not in _UPPER_LIMITS | _LOWER_LIMITS:
        return ""
    if was is None or now is None:
        narrowed = was is None
    else:
        narrowed = now < was if keyword in _UPPER_LIMITS else now > was
    if narrowed:
        return ", but producers of the released schema may write beyond it"
    return ", but readers of the released schema refuse what lies beyond the old one"
