"""The scanning floor: `python -m oms_cli.floor --run-dir DIR`, a picker with a picker's key.

Works through the pick lists of one location as people would: takes every unit with a scan, lays
it into a parcel with a scan, puts back what is stopped. Two flags on an order change that, so
that the rare cases happen: see `generator.cases`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import httpx

from oms_cli.doors import Doors, Refused
from oms_cli.generator import FLOOR, PICK_SHORT, PICK_SLOWLY
from oms_cli.stack import System

ROLE = "picker"
LOOK_SECONDS = 0.5
"""Pause when there is nothing to pick."""
LISTS_MAX = 100
PICKERS = 6
"""So many pick lists are worked on at once, each by one pair of hands."""
PARCEL_GRAMS = 900
PICKED = ("picked", "packing")
"""What a pick list is called when nothing is left to be taken."""


class Floor:
    """The pickers of one location, who share a key."""

    def __init__(self, doors: Doors, location: str) -> None:
        self._doors = doors
        self._location = location
        self._hands = asyncio.Semaphore(PICKERS)
        self._left_lying: set[str] = set()

    async def work(self) -> bool:
        """Do what is in the queue; False if there was nothing to do."""
        queue = await self._doors.get(
            "warehouse", "/fulfilments", ROLE, location=self._location, limit=LISTS_MAX
        )
        lists = [item["fulfilment_id"] for item in queue]
        todo = [name for name in lists if name not in self._left_lying]
        ends = await asyncio.gather(*map(self._take, todo), return_exceptions=True)
        for end in ends:  # only now: nobody works on after the others were sent home
            if end is not None:
                raise end
        return bool(await self._put_back()) or bool(todo)

    async def _take(self, name: str) -> None:
        async with self._hands:
            try:
                await self._fulfil(name)
            except Refused as no:
                if no.status != httpx.codes.CONFLICT:
                    raise  # else stopped in the meantime: it comes back as a put-back

    async def _fulfil(self, name: str) -> None:
        sheet = await self._sheet(name)
        if sheet["status"] in ("stopping", "stopped", "packed"):
            return
        if PICK_SLOWLY in sheet["flags"]:
            await self._begin(name, sheet)
            return
        if sheet["status"] not in PICKED:  # else it is gone on with where it was left
            await self._tell(name, "start", {"take_over": True})
            await self._pick(name, sheet)
        await self._pack(name)

    async def _begin(self, name: str, sheet: Any) -> None:
        """Take one unit and leave the list lying, also where the answer to that was lost."""
        if not any(line["picked"] for line in sheet["lines"]):
            await self._tell(name, "start", {"take_over": True})
            await self._tell(name, "pick", {"sku": sheet["lines"][0]["sku"]})
        self._left_lying.add(name)

    async def _pick(self, name: str, sheet: Any) -> None:
        if PICK_SHORT in sheet["flags"]:
            short = {"line_id": sheet["lines"][0]["line_id"], "qty": 1, "reason": "not_found"}
            # Said once, also where the answer was lost and all is begun again.
            await self._tell(name, "short", short, str(uuid5(NAMESPACE_OID, f"{name} short")))
            sheet = await self._sheet(name)
        for line in sheet["lines"]:
            for _ in range(line["wanted"] - line["picked"]):
                await self._tell(name, "pick", {"sku": line["sku"]})

    async def _pack(self, name: str) -> None:
        sheet = await self._sheet(name)
        for line in sheet["lines"]:
            for _ in range(line["picked"] - line["packed"]):
                await self._tell(name, "pack", {"sku": line["sku"], "parcel_no": 1})
        if any(line["picked"] for line in sheet["lines"]):
            closed = {"parcels": [{"parcel_no": 1, "weight_grams": PARCEL_GRAMS}]}
            await self._tell(name, "close-packing", closed)

    async def _put_back(self) -> int:
        stopped = await self._doors.get("warehouse", "/put-backs", ROLE, location=self._location)
        for item in stopped:
            name = item["fulfilment_id"]
            path = f"/put-backs/{name}/confirm"
            await self._doors.post("warehouse", path, {}, ROLE, str(uuid4()))
        return len(stopped)

    async def _sheet(self, name: str) -> Any:
        return await self._doors.get("warehouse", f"/fulfilments/{name}", ROLE)

    async def _tell(self, name: str, step: str, body: dict[str, Any], scan_id: str = "") -> None:
        path = f"/fulfilments/{name}/{step}"
        await self._doors.post("warehouse", path, body, ROLE, scan_id or str(uuid4()))


async def work(run_dir: Path, location: str) -> None:
    """Work until SIGTERM; a door that does not answer, or cannot for now, is tried again."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Doors(System.load(run_dir)) as doors:
        floor = Floor(doors, location)
        while not stop.is_set():
            try:
                busy = await floor.work()
            except httpx.TransportError:
                busy = False
            except Refused as no:
                if no.status != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                busy = False
            if not busy:
                await asyncio.sleep(LOOK_SECONDS)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m oms_cli.floor")
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--location", default=FLOOR)
    given = parser.parse_args()
    asyncio.run(work(given.run_dir, given.location))


if __name__ == "__main__":
    main()
