"""An order's trace over all services, drawn as one tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

_NS_PER_MS = 1_000_000
_SERVICE_CHARS = 9


def read_spans(folder: Path, trace_id: str) -> Iterator[dict[str, Any]]:
    """The spans of one trace, from every service's file and the one set aside before it.

    A line that is half written is left out: its span comes with the next look.
    """
    for path in sorted(folder.glob("*.jsonl*")):
        with path.open() as lines:
            for line in lines:
                if trace_id in line and line.endswith("\n"):
                    span = json.loads(line)
                    if span["trace_id"] == trace_id:
                        yield span


def draw(spans: Iterable[Mapping[str, Any]]) -> Tree:
    """Spans below what caused them, each with when it began after the first, and how long it took.

    A span whose cause is not among them stands at the root.
    """
    ordered = sorted(spans, key=lambda span: span["start_ns"])
    first_ns, last_ns = ordered[0]["start_ns"], max(span["end_ns"] for span in ordered)
    took = (last_ns - first_ns) / _NS_PER_MS
    services = len({span["service"] for span in ordered})
    tree = Tree(
        Text(f"{len(ordered)} spans of {services} services in {took:,.0f} ms", style="bold")
    )
    nodes: dict[str, Tree] = {}
    for span in ordered:
        above = nodes.get(span["parent_id"], tree)
        nodes[span["span_id"]] = above.add(_label(span, first_ns))
    return tree


def _label(span: Mapping[str, Any], first_ns: int) -> str:
    after_ms = (span["start_ns"] - first_ns) / _NS_PER_MS
    took_ms = (span["end_ns"] - span["start_ns"]) / _NS_PER_MS
    verdict = span["attributes"].get("oms.verdict", "apply")
    shown = "" if verdict == "apply" else f" [yellow]{escape(str(verdict))}[/yellow]"
    service = f"[cyan]{span['service']:<{_SERVICE_CHARS}}[/cyan]"
    return (
        f"+{after_ms:,.1f} ms  {service} {escape(span['name'])}{shown}  [dim]{took_ms:.1f} ms[/dim]"
    )
