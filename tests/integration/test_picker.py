"""The picker of demo and faults goes on where a list was left, whatever answer it never heard."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from floor import Floor
from merchant import AUTO, FLOOR, ON_ITS_WAY, Merchant
from ordering import line, placed, unique, until

from oms_cli.doors import Doors
from oms_cli.floor import Floor as Picker
from oms_cli.generator import PICK_SHORT, PICK_SLOWLY


class AnswersLost(Doors):
    """Doors that carry everything out; the first answer to each kind of request gets lost."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lost: set[str] = set()

    async def post(
        self, service: str, path: str, body: Any, role: str = "operator", key: str = ""
    ) -> Any:
        """Tell a service something, and perhaps never hear that it was done."""
        answer = await super().post(service, path, body, role, key)
        if path not in self.lost:
            self.lost.add(path)
            raise httpx.ReadError("the answer was lost")
        return answer


@pytest_asyncio.fixture(loop_scope="session")
async def doors(merchant: Merchant) -> AsyncIterator[AnswersLost]:
    """What the picker goes through."""
    async with AnswersLost(merchant.system) as doors:
        yield doors


async def _works(picker: Picker) -> None:
    """Until there is nothing to do: what was interrupted is begun again."""

    async def idle() -> bool:
        try:
            return not await picker.work()
        except httpx.ReadError:
            return False

    await until(idle)


async def test_a_list_is_picked_and_packed_though_every_kind_of_answer_was_lost_once(
    merchant: Merchant, floor: Floor, doors: AnswersLost
) -> None:
    sku = unique("PIPE")
    await merchant.receive(sku, 3, FLOOR)
    known = await merchant.place(placed(line(sku, 3), flags=(PICK_SHORT,)))
    work = await floor.worksheet(known)
    await merchant.receive(sku, 1, AUTO)
    await _works(Picker(doors, FLOOR))
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert sorted(f["location"] for f in page["fulfilments"]) == [FLOOR, AUTO]
    await merchant.holds(sku, 0, location=AUTO)
    mine = f"/fulfilments/{work['fulfilment_id']}/"
    steps = {path.removeprefix(mine) for path in doors.lost if path.startswith(mine)}
    assert steps == {"start", "short", "pick", "pack", "close-packing"}


async def test_a_list_that_is_picked_already_is_packed(
    merchant: Merchant, floor: Floor, doors: AnswersLost
) -> None:
    sku = unique("REED")
    await merchant.receive(sku, 1, FLOOR)
    known = await merchant.place(placed(line(sku)))
    await floor.picks(await floor.worksheet(known))
    await _works(Picker(doors, FLOOR))
    await merchant.reaches(known, *ON_ITS_WAY)


async def test_a_list_to_be_left_lying_is_left_though_its_only_unit_is_taken(
    merchant: Merchant, floor: Floor, doors: AnswersLost
) -> None:
    sku = unique("LYRE")
    await merchant.receive(sku, 1, FLOOR)
    known = await merchant.place(placed(line(sku), flags=(PICK_SLOWLY,)))
    work = await floor.worksheet(known)
    picker = Picker(doors, FLOOR)
    await _works(picker)
    assert (await floor.show(work["fulfilment_id"]))["status"] == "picked"
    await merchant.wish_to_cancel(known)

    async def stopping() -> bool:
        return (await floor.show(work["fulfilment_id"]))["status"] == "stopping"

    await until(stopping)
    await _works(picker)
    await merchant.reaches(known, "cancelled")
    await merchant.holds(sku, 1, location=FLOOR)
