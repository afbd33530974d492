"""I12: who may read something reads what is theirs, and nothing else.

There is one tenant. Checked is that no table holds a row, and no topic of ours a record, of
another one; and that no door answers across channels: every route that reads, of every service, is
asked for another channel's order with every channel's key, and without any.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

import httpx

from oms_chassis.guards import OPEN_PATHS
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import channel_of, is_answers
from oms_cli.reconcile.outside import Probe
from oms_cli.stack import System
from oms_order.domain import NoOrder, Order
from oms_platform import SERVICES

PROBE_SECONDS = 10.0
NOBODY = "nobody"

Names = Mapping[str, str]
"""What a path may call an order: `order_id`, `order`, `channel`, `external_id`."""

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attname = 'tenant'
"""
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


async def no_row_is_anothers(ground: Ground) -> Finding:
    """All rows that belong to a tenant belong to this one."""
    wrong, count = [], 0
    for name in SERVICES:
        for (table,) in await ground.stores.rows(name, _TABLES):
            statement = f"SELECT count(*), count(*) FILTER (WHERE tenant <> $1) FROM {table}"
            [(rows, others)] = await ground.stores.rows(name, statement, ground.tenant)
            count += rows
            wrong += [f"{name}.{table}: {others} rows"] if others else []
    return found("I12", "no row is another tenant's", count, wrong)


async def no_record_is_anothers(ground: Ground) -> Finding:
    """All that we publish is said for this tenant."""
    ours = [t for t in ground.log.told if not channel_of(t.topic) or is_answers(t.topic)]
    wrong = [f"{told}: said for {told.tenant!r}" for told in ours if told.tenant != ground.tenant]
    return found("I12", "no record is another tenant's", len(ours), wrong)


async def no_door_answers_across(ground: Ground) -> Finding:
    """A channel's key opens its own orders alone, and none without a key."""
    wrong = [
        f"{probe.who} reads {probe.service} {probe.what}: {probe.status}"
        for probe in ground.outside.probes
        if probe.leaks
    ]
    away = sorted({p.service for p in ground.outside.probes if not p.status})
    note = f"no answer from {', '.join(away)}" if away else ""
    return found("I12", "no door answers across channels", len(ground.outside.probes), wrong, note)


async def probe(system: System, ground: Ground) -> list[Probe]:
    """Knock at every door that is open; services that are away are asked another time."""
    kept = ground.roots["order"]["order"].values()
    orders = {_names(root.state)["channel"]: _names(root.state) for root in kept}
    orders.pop("", None)
    probes: list[Probe] = []
    for name in SERVICES if orders else ():
        async with httpx.AsyncClient(
            base_url=system.urls[name], timeout=PROBE_SECONDS, trust_env=False
        ) as client:
            try:
                probes += [found async for found in _knock(client, name, system, orders)]
            except httpx.TransportError:
                probes.append(Probe(name, NOBODY, "any route"))
    return probes


async def _knock(
    client: httpx.AsyncClient, service: str, system: System, orders: Mapping[str, Names]
) -> AsyncIterator[Probe]:
    paths = (await client.get("/openapi.json")).json()["paths"]
    routes = [path for path, verbs in paths.items() if "get" in verbs and path not in OPEN_PATHS]
    for who in (*(c for c in orders if c in system.keys), NOBODY):
        headers = system.headers(who) if who != NOBODY else {}
        theirs = next((names for channel, names in orders.items() if channel != who), None)
        if theirs is None:
            continue
        for path in routes:
            answer = await client.get(_filled(path, theirs), headers=headers)
            tells = any(theirs[name] in answer.text for name in ("order_id", "external_id"))
            leaks = answer.is_success and (tells or who == NOBODY)
            yield Probe(service, who, f"{path} of {theirs['channel']}", answer.status_code, leaks)


def _filled(path: str, names: Names) -> str:
    """What a path calls otherwise than an order is asked for by the order's id as well."""
    return _PARAMETER.sub(lambda asked: names.get(asked[1], names["order_id"]), path)


def _names(order: Order | NoOrder) -> Names:
    if isinstance(order, NoOrder):
        channel, external_id, order_id = order.channel, order.external_id, order.order_id
    else:
        channel, external_id = order.placed.channel, order.placed.external_id
        order_id = order.head.order_id
    return {"channel": channel, "external_id": external_id, "order_id": order_id, "order": order_id}
