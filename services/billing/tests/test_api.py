"""Billing's HTTP door on a real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from builders import EUR, ORDER, TOTAL, all_shipped, refund, requested, shipped
from database import Database
from prometheus_client import CollectorRegistry

from oms_billing.api import routes
from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_contracts.channel import Address

ADDRESS = Address(name="Ada", line1="Main St 1", city="Bonn", postal_code="53111", country="DE")
INVOICE = "INV-2026-000001"
EVER = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
SCOPES = ("billing:read", "billing:write", "ledger:read")


@pytest.fixture
async def database(db: asyncpg.Connection) -> Database:
    return Database(db, datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
async def door(database: Database, dsn: str, tmp_path: Path) -> AsyncIterator[Door]:
    settings = Settings(
        service="billing", kafka_bootstrap="-", database_dsn=dsn,
        api_keys_file=tmp_path / "keys.json",
    )  # fmt: skip
    made = Door(settings, KeyRing.create(tmp_path / "ring.json"), database.submit)
    yield made
    await made.close()


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with client(door, *SCOPES) as made:
        yield made


def client(door: Door, *scopes: str) -> httpx.AsyncClient:
    key, line = new_key("ada", scopes)
    assert door.settings.api_keys_file is not None
    door.settings.api_keys_file.write_bytes(msgspec.json.encode([line]))
    app = application("billing", door, routes(door), {}, CollectorRegistry())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://billing",
        headers={"Authorization": f"Bearer {key}"},
    )


async def on_account(database: Database, door: Door) -> None:
    sealed = door.ring.seal(ADDRESS.model_dump_json().encode(), b"test")
    asked = requested("acme", method="terms").model_copy(update={"bill_to": sealed})
    await database.tell(asked, all_shipped())


async def test_a_payment_is_shown_without_what_could_charge_the_customer(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.tell(requested("tok_secret"))
    await database.answered()
    await database.tell(shipped("S-1", ("1", 1)))
    answer = await http.get(f"/payments/{ORDER}")
    (attempt,) = answer.json()["attempts"]
    assert (attempt["status"], attempt["amount_minor"]) == ("authorised", TOTAL)
    assert attempt["receivables"][0]["invoice_no"] == INVOICE
    assert answer.json()["waits_for"]["owner"] == "billing"
    assert "tok_secret" not in answer.text


async def test_what_does_not_exist_is_not_found(http: httpx.AsyncClient) -> None:
    for path in (
        "/payments/x", "/invoices/x", "/invoices/x.html", "/credit-notes/x", "/credit-notes/x.html",
    ):  # fmt: skip
        assert (await http.get(path)).status_code == 404
    paid = {"amount_minor": 1, "currency": EUR, "reference": "b"}
    assert (await http.post("/receivables/x/payments", json=paid)).status_code == 404


async def test_a_payer_tries_another_token(database: Database, http: httpx.AsyncClient) -> None:
    await database.tell(requested("tok_decline_then_pay", expires_at=soon(database)))
    await database.answered()
    answer = await http.post(f"/payments/{ORDER}/retry", json={"token": "tok_approve"})
    assert answer.json()["status"] == "authorising"
    answer = await http.post(f"/payments/{ORDER}/retry", json={"token": "tok_approve"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_awaiting_payer")


def soon(database: Database) -> datetime:
    return database.now + timedelta(hours=1)


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242"])
async def test_a_card_number_is_turned_away(http: httpx.AsyncClient, number: str) -> None:
    answer = await http.post(f"/payments/{ORDER}/retry", json={"token": number})
    assert answer.status_code == 422 and "4242" not in answer.text


async def test_digits_that_are_no_card_number_are_a_token(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"/payments/{ORDER}/retry", json={"token": "4242424242424241"})
    assert answer.status_code == 409


async def test_the_provider_reports_late(database: Database, http: httpx.AsyncClient) -> None:
    await database.tell(requested("tok_decline_then_pay", expires_at=soon(database)))
    await database.answered()
    told = {"result": "authorised", "authorisation_id": "page-1", "amount_minor": TOTAL}
    answer = await http.post(f"/payments/{ORDER}/callback", json=told | {"currency": EUR})
    assert answer.json()["status"] == "authorised"
    declined = {"result": "declined", "code": "stolen_card"}
    answer = await http.post(f"/payments/{ORDER}/callback", json=declined)
    assert answer.json()["code"] == "already_authorised"
    answer = await http.post(f"/payments/{ORDER}/callback", json={"result": "maybe"})
    assert answer.status_code == 422


async def test_an_invoice_is_read_and_printed(
    database: Database, door: Door, http: httpx.AsyncClient
) -> None:
    await on_account(database, door)
    read = (await http.get(f"/invoices/{INVOICE}")).json()
    assert (read["net_minor"], read["lines"][0]["sku"]) == (11_067, "LAMP")
    assert "bill_to" not in read
    page = await http.get(f"/invoices/{INVOICE}.html")
    assert "Please pay 131.57 EUR" in page.text and "53111 Bonn" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_an_invoice_whose_address_was_erased_is_printed_without_it(
    database: Database, http: httpx.AsyncClient
) -> None:
    asked = requested("acme", method="terms").model_copy(update={"bill_to": "2020-01.AAAA"})
    await database.tell(asked, all_shipped())
    assert (await http.get(f"/invoices/{INVOICE}.html")).status_code == 200


async def test_a_credit_note_is_read_and_printed(
    database: Database, door: Door, http: httpx.AsyncClient
) -> None:
    await on_account(database, door)
    await database.tell(refund(298, ("2", 1)))
    assert (await http.get("/credit-notes/CN-2026-000001")).json()["net_minor"] == 250
    assert f"Corrects {INVOICE}" in (await http.get("/credit-notes/CN-2026-000001.html")).text


async def test_the_aged_list_shows_who_owes_since_when(
    database: Database, door: Door, http: httpx.AsyncClient
) -> None:
    await on_account(database, door)
    read = (await http.get("/receivables")).json()
    (total,) = read["totals"]
    assert (total["currency"], total["invoices"], total["open_minor"]) == (EUR, 1, TOTAL)
    assert total["overdue_from_days"] in (-1, 0, 30, 60, 90)
    assert [item["invoice_no"] for item in read["items"]] == [INVOICE] and read["next"] == ""


async def test_money_on_account_is_booked_once(
    database: Database, door: Door, http: httpx.AsyncClient
) -> None:
    await on_account(database, door)
    paid = {"amount_minor": TOTAL, "currency": EUR, "reference": "bank-1"}
    for _ in range(2):
        answer = await http.post(f"/receivables/{INVOICE}/payments", json=paid)
        assert answer.json() == {"invoice_no": INVOICE, "open_minor": 0}
    assert (await http.get("/receivables")).json()["items"] == []
    assert "your receipt" in (await http.get(f"/invoices/{INVOICE}.html")).text


async def test_the_aged_list_is_read_in_pages(database: Database, http: httpx.AsyncClient) -> None:
    await database.tell(
        requested("acme", method="terms"), *(shipped(f"S-{n}", ("1", 1)) for n in range(3))
    )
    assert await _pages(http, "/receivables", {"limit": 2}, "items", "invoice_no") == [
        f"INV-2026-00000{n}" for n in (1, 2, 3)
    ]


async def _pages(
    http: httpx.AsyncClient, path: str, query: dict[str, Any], rows: str, field: str
) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        page = (await http.get(path, params=query | {"after": after})).json()
        found += [row[field] for row in page[rows]]
        after = page["next"]
        if not after:
            return found


async def test_the_ledger_is_read_in_pages(database: Database, http: httpx.AsyncClient) -> None:
    await database.tell(requested("ref-1", method="prepaid"))
    for n in range(3):
        await database.tell(shipped(f"S-{n}", ("1", 1)))
    found = await _pages(http, "/ledger/journals", EVER | {"limit": 2}, "journals", "cause")
    assert found[0] == "prepayment" and sorted(found[1:]) == ["capture"] * 3 + ["invoice"] * 3


async def test_the_ledger_is_read_by_account_and_period(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.tell(requested("ref-1", method="prepaid"))
    before = database.now + timedelta(microseconds=1)
    await database.tell(all_shipped())
    query = EVER | {"account": "customer_deposits"}
    journals = (await http.get("/ledger/journals", params=query)).json()["journals"]
    assert [j["cause"] for j in journals] == ["prepayment", "capture"]
    assert journals[0]["entries"] == [
        {"account": "cash", "debit_minor": TOTAL, "credit_minor": 0},
        {"account": "customer_deposits", "debit_minor": 0, "credit_minor": TOTAL},
    ]
    query = EVER | {"to": before.isoformat()}
    journals = (await http.get("/ledger/journals", params=query)).json()["journals"]
    assert [j["cause"] for j in journals] == ["prepayment"]


@pytest.mark.parametrize("path", ["/ledger/journals", "/receivables"])
async def test_a_cursor_of_ones_own_making_is_refused(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, params=EVER | {"after": "tomorrow"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_the_ledger_is_exported_as_csv(database: Database, http: httpx.AsyncClient) -> None:
    await database.tell(requested("ref-1", method="prepaid"), all_shipped())
    answer = await http.get("/ledger/journals.csv", params=EVER)
    rows = answer.text.splitlines()
    assert rows[0].startswith("journal_id,posted_at,cause") and len(rows) == 1 + 2 + 3 + 2
    assert answer.headers["content-type"].startswith("text/csv")


async def test_the_trial_balance_adds_up_to_zero(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.tell(requested("ref-1", method="prepaid"), all_shipped())
    balances = (await http.get("/ledger/trial-balance")).json()
    assert sum(b["balance_minor"] for b in balances) == 0
    by_account = {b["account"]: b["balance_minor"] for b in balances}
    assert by_account["cash"] == TOTAL and by_account["receivables"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/payments/{ORDER}"),
        ("GET", "/receivables"),
        ("GET", "/ledger/trial-balance"),
        ("POST", f"/payments/{ORDER}/retry"),
        ("POST", f"/receivables/{INVOICE}/payments"),
    ],
)
async def test_a_key_without_the_scope_may_not(door: Door, method: str, path: str) -> None:
    async with client(door) as stranger:
        assert (await stranger.request(method, path, json={})).status_code == 403
