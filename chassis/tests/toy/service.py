"""The toy service: one root, one gateway, one deadline, and amounts that make things fail."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from msgspec.structs import replace
from sqlalchemy import TIMESTAMP, BigInteger, SmallInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, select

from oms_chassis.app import Service
from oms_chassis.decision import (
    Deadline,
    Decision,
    Done,
    Effect,
    Input,
    Refused,
    Rules,
    Unknown,
    Value,
    Woke,
    again,
    keep,
    refuse,
)
from oms_chassis.fold import Kind
from oms_chassis.gateway import Gateway, GatewayRefused, Repeat
from oms_chassis.http import Door, NotFound, actor, scope
from oms_chassis.keys import Actor
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.store import Root, Rows, Store, codec
from oms_contracts.event import Event

UNDECIDABLE, UNSAVABLE, PAYOUT, ALARM = 13, 666, 99, 77
"""Amounts that make `decide` raise, `save` fail, the gateway be called, a deadline be set."""


class Deposited(Event):
    """Money came in."""

    TYPE: ClassVar[str] = "toy.Deposited.v1"
    TOPIC: ClassVar[str] = "toy.deposits.v1"
    amount: int


class BalanceChanged(Event):
    """The account now holds `balance`, after `deposits` deposits."""

    TYPE: ClassVar[str] = "toy.BalanceChanged.v1"
    TOPIC: ClassVar[str] = "toy.balances.v1"
    balance: int
    deposits: int


class Withdraw(Value, frozen=True):
    """A command."""

    amount: int


class Policy(Rules, frozen=True):
    """The toy's rules."""

    alarm_seconds: float = 1.0


class Account(Value, frozen=True):
    """What is known of one account."""

    balance: int = 0
    deposits: int = 0
    paid_out: int = 0
    alarm_at: datetime | None = None
    alarms: int = 0


class Entry(Value, frozen=True):
    """A line in the account's book."""

    input_id: str
    account: str
    amount: int


def decide(policy: Policy, account: Account | None, item: Input, now: datetime) -> Decision:
    """What becomes of an account."""
    have = account or Account()
    match item.body:
        case Deposited(amount=amount):
            if amount == UNDECIDABLE:
                raise ValueError("nobody can decide about 13")
            state = replace(have, balance=have.balance + amount, deposits=have.deposits + 1)
            if amount == ALARM:
                state = replace(state, alarm_at=now + timedelta(seconds=policy.alarm_seconds))
            calls = (Effect("bank", "pay", {"amount": amount}),) if amount == PAYOUT else ()
            told = BalanceChanged(balance=state.balance, deposits=state.deposits)
            entry = Entry(str(item.id), item.key, amount)
            return Decision(state, facts=(told,), effects=calls, rows=(entry,))
        case Withdraw(amount=amount):
            if amount == UNDECIDABLE:
                raise ValueError("nobody can decide about 13")
            if amount > have.balance:
                return refuse(account, "too_little", "withdraw less")
            left = have.balance - amount
            told = BalanceChanged(balance=left, deposits=have.deposits)
            return Decision(replace(have, balance=left), facts=(told,), answer={"balance": left})
        case Done(answer=answer):
            return keep(replace(have, paid_out=have.paid_out + answer["amount"]))
        case Refused() | Unknown():
            return again(account)
        case Woke():
            return keep(replace(have, alarm_at=None, alarms=have.alarms + 1))
    raise ValueError(item.body)


def deadline(policy: Policy, account: Account) -> Deadline | None:
    """When the alarm rings."""
    return Deadline(account.alarm_at, "alarm", "nobody") if account.alarm_at else None


class Base(SQLModel, registry=registry()):
    """Tables of the toy."""


class AccountRow(Base, table=True):
    """One account."""

    __tablename__ = "account"
    tenant: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    balance: int
    doc: bytes


class EntryRow(Base, table=True):
    """One line in the book; the database refuses `UNSAVABLE`."""

    __tablename__ = "entry"
    tenant: str = Field(primary_key=True)
    input_id: str = Field(primary_key=True)
    account: str
    amount: int


_encode, _decode = codec(Account)
STORE = Store(
    Base,
    (
        Root(
            "account", AccountRow, "account", ("seq",), ("balance", "doc"),
            lambda a: (a.balance, _encode(a)), lambda row: _decode(row["doc"]),
        ),
    ),
    rows={Entry: Rows(EntryRow)},
)  # fmt: skip


class Bank(Gateway):
    """Pays, and writes down each call with its key; slow or closed where a file says so."""

    repeat: ClassVar[Mapping[str, Repeat]] = {"pay": Repeat.BY_KEY}
    timeout_seconds = 1.0

    def __init__(self, log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pay."""
        with self._log.open("a") as log:
            log.write(json.dumps({"key": key, "amount": body["amount"]}) + "\n")
        if (self._log.parent / "bank-refuses").exists():
            raise GatewayRefused("closed", "the bank is closed")
        while (self._log.parent / "bank-is-slow").exists():
            await asyncio.sleep(0.01)
        return {"amount": body["amount"]}


def gateways(settings: Settings, ring: KeyRing) -> dict[str, Gateway]:
    """The bank."""
    return {"bank": Bank(settings.data_dir / "bank.jsonl")}


def routes(door: Door) -> APIRouter:
    """Withdraw, and look."""
    router = APIRouter()

    @router.post("/accounts/{account}/withdraw/{amount}", dependencies=[scope("toy:write")])
    async def withdraw(
        account: str, amount: int, who: Annotated[Actor, Depends(actor)]
    ) -> dict[str, Any]:
        return dict(await door.command("account", account, Withdraw(amount), who.name))

    @router.get("/accounts/{account}", dependencies=[scope("toy:read")])
    async def show(account: str) -> dict[str, Any]:
        async with door.sessions() as session:
            row = (
                await session.exec(select(AccountRow).where(AccountRow.account == account))
            ).first()
        if row is None:
            raise NotFound("no such account")
        return json.loads(row.doc)

    return router


service = Service(
    name="toy",
    hears=(Deposited,),
    kinds=(Kind("account", topics=(BalanceChanged.TOPIC,)),),
    roots=lambda item: (("account", item.key),),
    store=STORE,
    policy=Policy,
    decide=decide,
    deadline=deadline,
    routes=routes,
    gateways=gateways,
)
