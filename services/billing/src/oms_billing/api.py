"""Billing's HTTP door: people read and collect, payers try again, the provider reports."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from oms_billing import documents, export, views
from oms_billing.domain import (
    AuthorisationReported,
    DeclineReported,
    MoneyReceived,
    PayerRetried,
)
from oms_chassis.http import Actor, Door, NotFound, Problem, actor, scope
from oms_chassis.sealing import SealError
from oms_contracts.billing import Account
from oms_contracts.channel import Address
from oms_contracts.event import AMOUNT_MAX_MINOR

READ, WRITE, LEDGER = scope("billing:read"), scope("billing:write"), scope("ledger:read")


def _no_card_number(text: str) -> str:
    """Card numbers must not get this far: only the provider's tokens may (PCI DSS)."""
    digits = [int(c) for c in text if c.isdigit()]
    if 13 <= len(digits) <= 19 and len(digits) == len(text.replace(" ", "").replace("-", "")):
        doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits[::-1])]
        if sum(doubled) % 10 == 0:
            raise ValueError("send the provider's token, never a card number")
    return text


Secret = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[ -~]+$"),
    AfterValidator(_no_card_number),
]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[ -~]+$")]
AmountMinor = Annotated[int, Field(strict=True, ge=1, le=AMOUNT_MAX_MINOR)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
RowsMax = Annotated[int, Query(ge=1, le=views.PAGE_ROWS_MAX)]


class Retry(BaseModel):
    """Another token of the payer."""

    token: Secret


class Authorised(BaseModel):
    """The provider: the payment is authorised. `request_id`: which one, if not the latest."""

    result: Literal["authorised"]
    authorisation_id: Name
    amount_minor: AmountMinor
    currency: Currency
    request_id: Annotated[str, Field(max_length=64)] = ""
    expires_at: AwareDatetime | None = None

    def command(self) -> AuthorisationReported:
        """What the core is told."""
        return AuthorisationReported(
            self.authorisation_id, self.amount_minor, self.currency, self.request_id,
            self.expires_at,
        )  # fmt: skip


class Declined(BaseModel):
    """The provider: the payment will not be authorised."""

    result: Literal["declined"]
    code: Code
    request_id: Annotated[str, Field(max_length=64)] = ""

    def command(self) -> DeclineReported:
        """What the core is told."""
        return DeclineReported(self.code, self.request_id)


Report = Annotated[Authorised | Declined, Field(discriminator="result")]


class Receipt(BaseModel):
    """Money that came in; `reference` is the bank's, and the same reference is the same money."""

    amount_minor: AmountMinor
    currency: Currency
    reference: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[ -~]+$")]


def routes(door: Door) -> APIRouter:
    """Every route of billing."""
    router = APIRouter()
    _payments(router, door)
    _documents(router, door)
    _ledger(router, door)
    _receivables(router, door)
    return router


def _payments(router: APIRouter, door: Door) -> None:
    @router.get("/payments/{order_id}", dependencies=[READ])
    async def payment(order_id: str) -> views.PaymentView:
        """What was asked for, promised, captured and given back, and what is waited for."""
        async with door.sessions() as session:
            found = await views.payment_of(session, door.tenant, order_id)
        if found is None:
            raise NotFound("this order has no payment")
        return views.shown(order_id, found)

    @router.post("/payments/{order_id}/retry", dependencies=[WRITE])
    async def retry(order_id: str, given: Retry, who: Annotated[Actor, Depends(actor)]) -> Any:
        """The payer of a declined payment tries another token."""
        return await door.command("payment", order_id, PayerRetried(given.token), who.name)

    @router.post("/payments/{order_id}/callback", dependencies=[WRITE])
    async def callback(order_id: str, told: Report, who: Annotated[Actor, Depends(actor)]) -> Any:
        """The provider's late word; 409 while its own answer is awaited: deliver again later."""
        return await door.command("payment", order_id, told.command(), who.name)


def _documents(router: APIRouter, door: Door) -> None:
    def address(sealed: str) -> Address | None:
        """Nobody's, where it was erased or never told: the document stands without it."""
        try:
            return Address.model_validate_json(door.ring.open(sealed)) if sealed else None
        except SealError:
            return None

    @router.get("/invoices/{invoice_no}.html", dependencies=[READ])
    async def invoice_page(invoice_no: str) -> HTMLResponse:
        """An invoice to print; once it is paid, the receipt."""
        async with door.sessions() as session:
            found = await views.invoice(session, door.tenant, invoice_no)
            open_minor = await views.open_minor(session, found) if found else None
        if found is None or open_minor is None:
            raise NotFound("no invoice has this number")
        page = documents.invoice_html(found, open_minor, address(found.bill_to))
        return HTMLResponse(page)

    @router.get("/invoices/{invoice_no}", dependencies=[READ])
    async def invoice(invoice_no: str) -> dict[str, Any]:
        """An invoice as it was issued."""
        async with door.sessions() as session:
            found = await views.invoice(session, door.tenant, invoice_no)
        if found is None:
            raise NotFound("no invoice has this number")
        return found.model_dump(exclude={"tenant", "bill_to"})

    @router.get("/credit-notes/{credit_note_no}.html", dependencies=[READ])
    async def credit_note_page(credit_note_no: str) -> HTMLResponse:
        """A credit note to print."""
        async with door.sessions() as session:
            found = await views.credit_note(session, door.tenant, credit_note_no)
        if found is None:
            raise NotFound("no credit note has this number")
        page = documents.credit_note_html(found, address(found.bill_to))
        return HTMLResponse(page)

    @router.get("/credit-notes/{credit_note_no}", dependencies=[READ])
    async def credit_note(credit_note_no: str) -> dict[str, Any]:
        """A credit note as it was issued."""
        async with door.sessions() as session:
            found = await views.credit_note(session, door.tenant, credit_note_no)
        if found is None:
            raise NotFound("no credit note has this number")
        return found.model_dump(exclude={"tenant", "bill_to"})


def period(
    start: Annotated[AwareDatetime, Query(alias="from")],
    end: Annotated[AwareDatetime, Query(alias="to")],
    account: Account | None = None,
) -> views.Period:
    """Which journals; both moments with their offset."""
    return views.Period(start, end, account.value if account else "")


def _ledger(router: APIRouter, door: Door) -> None:
    @router.get("/ledger/journals", dependencies=[LEDGER])
    async def journals(
        of: Annotated[views.Period, Depends(period)], after: str = "", limit: RowsMax = 100
    ) -> dict[str, Any]:
        """Journals of a period, oldest first; `next` is the following page's `after`."""
        async with door.sessions() as session:
            page = await views.journals(session, door.tenant, of, _journal_after(after), limit)
        last = page[-1] if len(page) == limit else None
        next_ = f"{last.posted_at.isoformat()}_{last.journal_id}" if last else ""
        return {"journals": [asdict(j) for j in page], "next": next_}

    @router.get("/ledger/journals.csv", dependencies=[LEDGER])
    async def journals_csv(of: Annotated[views.Period, Depends(period)]) -> Response:
        """The same as CSV, one row per entry, however many there are."""

        async def rows() -> AsyncIterator[str]:
            after: views.Cursor | None = None
            while True:
                async with door.sessions() as session:
                    page = await views.journals(
                        session, door.tenant, of, after, views.PAGE_ROWS_MAX
                    )
                for row in export.journals_csv(page, header=after is None):
                    yield row
                if len(page) < views.PAGE_ROWS_MAX:
                    return
                after = (page[-1].posted_at, page[-1].journal_id)

        named = {"Content-Disposition": 'attachment; filename="journals.csv"'}
        return StreamingResponse(rows(), media_type="text/csv; charset=utf-8", headers=named)

    @router.get("/ledger/trial-balance", dependencies=[LEDGER])
    async def trial_balance(at: AwareDatetime | None = None) -> list[views.BalanceView]:
        """Every account's sums up to a moment, by default now."""
        async with door.sessions() as session:
            return await views.trial_balance(session, door.tenant, at or datetime.now(UTC))


def _receivables(router: APIRouter, door: Door) -> None:
    @router.get("/receivables", dependencies=[READ])
    async def receivables(after: str = "", limit: RowsMax = 100) -> dict[str, Any]:
        """Who owes, aged by days past the due date; `next` is the following page's `after`."""
        async with door.sessions() as session:
            totals = await views.aged(session, door.tenant, datetime.now(UTC))
            page = await views.open_items(session, door.tenant, _item_after(after), limit)
        last = page[-1] if len(page) == limit else None
        return {
            "totals": [asdict(total) for total in totals],
            "items": [item.model_dump(exclude={"tenant"}) for item in page],
            "next": f"{last.due_at.isoformat()}_{last.invoice_no}" if last else "",
        }

    @router.post("/receivables/{invoice_no}/payments", dependencies=[WRITE])
    async def receive(
        invoice_no: str, receipt: Receipt, who: Annotated[Actor, Depends(actor)]
    ) -> Any:
        """Book money that came in for an invoice by another way than a capture."""
        async with door.sessions() as session:
            found = await views.invoice(session, door.tenant, invoice_no)
        if found is None:
            raise NotFound("no invoice has this number")
        received = MoneyReceived(
            invoice_no, receipt.amount_minor, receipt.currency, receipt.reference
        )
        return await door.command("payment", found.order_id, received, who.name)


def _journal_after(cursor: str) -> views.Cursor | None:
    at, _, journal_id = cursor.partition("_")
    try:
        return (datetime.fromisoformat(at), UUID(journal_id)) if cursor else None
    except ValueError:
        raise _bad_cursor() from None


def _item_after(cursor: str) -> tuple[datetime, str] | None:
    at, _, invoice_no = cursor.partition("_")
    try:
        return (datetime.fromisoformat(at), invoice_no) if cursor else None
    except ValueError:
        raise _bad_cursor() from None


def _bad_cursor() -> Problem:
    return Problem(422, "bad_cursor", "`after` must be the `next` of the page before")
