"""The HTTP door: who comes in, what a fault reads like, and what every door has."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
import pytest
from fastapi import APIRouter, Depends, FastAPI
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, Field, field_validator

from oms_chassis.decision import Ref
from oms_chassis.guards import BODY_MAX_BYTES, HEAD_MAX_BYTES
from oms_chassis.http import (
    Actor,
    CommandRefused,
    Door,
    KeyParked,
    NotFound,
    Unavailable,
    UnscopedRoute,
    actor,
    application,
    scope,
    serve,
)
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings

KEY, LINE = new_key("ada", ["thing:write"], channel="web")
ID = UUID(int=7)
SECRET = "ada@example.org"


class Line(BaseModel):
    sku: str = Field(max_length=8)
    qty: int = Field(ge=1)


class Email(BaseModel):
    by: Literal["email"]


class Letter(BaseModel):
    by: Literal["letter"]


class Thing(BaseModel):
    name: str = Field(min_length=1)
    lines: list[Line] = []
    notify: Annotated[Email | Letter, Field(discriminator="by")] | None = None

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        if "@" in name:
            raise ValueError(f"nobody knows {name}")
        return name


async def submit(ref: Ref, body: Any, who: str, id: UUID | None) -> Mapping[str, Any]:
    match ref[1]:
        case "refused":
            raise CommandRefused("too_late", "the goods have left")
        case "parked":
            raise KeyParked("a person looks at it")
        case "away":
            raise Unavailable("the database is away")
        case "broken":
            raise RuntimeError(f"{SECRET} broke it")
    return {"ref": ref, "body": body.name, "actor": who, "id": str(id)}


def things(door: Door) -> APIRouter:
    router = APIRouter()

    @router.post("/things/{key}", dependencies=[scope("thing:write")])
    async def change(
        key: str, thing: Thing, who: Annotated[Actor, Depends(actor)]
    ) -> Mapping[str, Any]:
        return await door.command("thing", key, thing, who.name, ID)

    @router.get("/things/{key}", dependencies=[scope("thing:read")])
    async def read(key: str) -> None:
        raise NotFound("no such thing")

    return router


def door(tmp_path: Path) -> Door:
    keys = tmp_path / "keys.json"
    keys.write_bytes(msgspec.json.encode([LINE]))
    settings = Settings(service="things", kafka_bootstrap="-", database_dsn="-", api_keys_file=keys)
    return Door(settings, KeyRing.create(tmp_path / "ring.json"), submit)


def app_of(tmp_path: Path, **given: Any) -> FastAPI:
    here = door(tmp_path)
    router = given.pop("router", None) or things(here)
    parts = {"checks": {}, "registry": CollectorRegistry()} | given
    return application("things", here, router, **parts)


def client_of(app: FastAPI, key: str = KEY) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    return client_of(app_of(tmp_path))


def problem(response: httpx.Response) -> tuple[int, str]:
    told = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert told["status"] == response.status_code
    assert told["type"].endswith(told["code"]) and told["title"] and told["detail"]
    return response.status_code, told["code"]


async def test_a_command_reaches_the_core_with_its_actor(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"name": "box"})
    assert answer.status_code == 200
    assert answer.json() == {
        "ref": ["thing", "1"], "body": "box", "actor": "ada", "id": str(ID)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("refused", (409, "too_late")),
        ("parked", (409, "parked")),
        ("away", (503, "unavailable")),
        ("broken", (500, "internal")),
    ],
)
async def test_what_the_core_says_becomes_a_problem(
    client: httpx.AsyncClient, key: str, expected: tuple[int, str]
) -> None:
    answer = await client.post(f"/things/{key}", json={"name": "box"})
    assert problem(answer) == expected
    assert SECRET not in answer.text


async def test_only_a_holder_of_the_scope_comes_in(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    stranger = await client_of(app_of(tmp_path), "oms_ada_0").post("/things/1", json={"name": "b"})
    assert problem(stranger) == (401, "unauthorised")
    assert stranger.headers["www-authenticate"] == "Bearer"
    nobody = await client.post("/things/1", json={"name": "b"}, headers={"Authorization": ""})
    assert problem(nobody) == (401, "unauthorised")
    reader = await client.get("/things/1")
    assert problem(reader) == (403, "forbidden") and "thing:read" in reader.json()["detail"]


async def test_every_fault_of_a_request_is_told_at_once_and_none_repeats_it(
    client: httpx.AsyncClient,
) -> None:
    lines = [{"sku": SECRET, "qty": 0}, {"qty": SECRET}]
    sent = {"name": SECRET, "lines": lines, "notify": {"by": SECRET}}
    answer = await client.post("/things/1", json=sent)
    assert problem(answer) == (422, "invalid")
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [
        ("name", "value_error"),
        ("lines.0.sku", "string_too_long"),
        ("lines.0.qty", "greater_than_equal"),
        ("lines.1.sku", "missing"),
        ("lines.1.qty", "int_parsing"),
        ("notify", "union_tag_invalid"),
    ]
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/things/%00", "/things/1?after=a%00b"])
async def test_nothing_is_called_by_a_name_with_a_nul(client: httpx.AsyncClient, path: str) -> None:
    assert problem(await client.get(path)) == (400, "bad_request")


async def test_a_head_above_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    long = "a" * HEAD_MAX_BYTES
    for answer in (await client.get(f"/{long}"), await client.get("/live", headers={"X": long})):
        assert problem(answer) == (431, "head_too_large")


async def test_nothing_that_is_served_can_run(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/things/1"), await client.post("/things/1", json={})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "content-security-policy" not in (await client.get("/docs")).headers


async def test_an_empty_value_is_explained(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"name": ""})
    assert answer.json()["errors"][0]["text"] == "String should have at least 1 character"


@pytest.mark.parametrize("path", ["/nowhere", "/things"])
async def test_an_unknown_path_is_a_problem_too(client: httpx.AsyncClient, path: str) -> None:
    assert problem(await client.get(path)) == (404, "not_found")


async def test_a_wrong_method_and_broken_json_are_problems_too(client: httpx.AsyncClient) -> None:
    wrong = await client.delete("/things/1")
    assert problem(wrong) == (405, "method_not_allowed") and wrong.headers["allow"]
    headers = {"Content-Type": "application/json"}
    broken = await client.post("/things/1", content=b"{", headers=headers)
    assert problem(broken) == (422, "invalid") and broken.json()["errors"][0]["field"] == ""


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_the_limit_is_refused_before_it_is_held(
    client: httpx.AsyncClient, declared: bool
) -> None:
    taken = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(10):
            taken += 1
            yield b" " * (BODY_MAX_BYTES // 2)

    headers = {"Content-Type": "application/json"}
    if declared:
        headers["Content-Length"] = str(5 * BODY_MAX_BYTES)
    answer = await client.post("/things/1", content=flood(), headers=headers)
    assert problem(answer) == (413, "body_too_large")
    assert taken <= 3


async def test_a_body_at_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    body = b'{"name":"box"}'.ljust(BODY_MAX_BYTES)
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/things/1", content=body, headers=headers)
    assert answer.status_code == 200


def test_a_route_without_a_scope_stops_the_service(tmp_path: Path) -> None:
    inner = APIRouter()

    @inner.get("/open")
    async def open_to_all(who: Annotated[Actor, Depends(actor)]) -> None: ...

    outer = APIRouter()
    outer.include_router(inner, prefix="/nested")
    with pytest.raises(UnscopedRoute, match="GET /nested/open"):
        app_of(tmp_path, router=outer)


def test_a_mounted_application_stops_the_service(tmp_path: Path) -> None:
    router = APIRouter()
    router.mount("/files", FastAPI())
    with pytest.raises(UnscopedRoute, match="/files"):
        app_of(tmp_path, router=router)


def test_a_scope_of_the_whole_router_is_enough(tmp_path: Path) -> None:
    router = APIRouter(dependencies=[scope("thing:read")])

    @router.get("/things")
    async def listed() -> None: ...

    assert app_of(tmp_path, router=router)


async def test_readiness_names_what_is_red(tmp_path: Path) -> None:
    state = {"database": "", "broker": ""}
    checks = {"database": lambda: state["database"], "broker": lambda: state["broker"]}
    client = client_of(app_of(tmp_path, checks=checks), "")
    assert (await client.get("/ready")).status_code == 200
    state["broker"] = "no answer for 12 s"
    red = await client.get("/ready")
    assert red.status_code == 503
    assert red.json()["checks"] == [
        {"name": "database", "ok": True, "reason": ""},
        {"name": "broker", "ok": False, "reason": "no answer for 12 s"},
    ]
    assert (await client.get("/live")).status_code == 200


async def test_metrics_and_the_description_need_no_key(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Counter("inputs", "Inputs", registry=registry).inc()
    client = client_of(app_of(tmp_path, registry=registry), "")
    assert "inputs_total 1.0" in (await client.get("/metrics")).text
    described = (await client.get("/openapi.json")).json()
    assert set(described["paths"]) == {"/things/{key}"}
    responses = described["paths"]["/things/{key}"]["post"]["responses"]
    assert list(responses["4XX"]["content"]) == ["application/problem+json"]
    assert described["paths"]["/things/{key}"]["post"]["security"] == [{"HTTPBearer": []}]


async def test_a_request_under_way_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    router = APIRouter(dependencies=[scope("thing:write")])

    @router.get("/slow")
    async def slow() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(headers=headers) as client:
        async with serve(app_of(tmp_path, router=router), "127.0.0.1", 0) as port:
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
            await begun.wait()
            go_on.set()
        assert (await asked).json() == "done"
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/live")


async def test_a_taken_port_is_an_error_at_once(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with serve(app, "127.0.0.1", 0) as port:
        with pytest.raises(OSError):
            async with serve(app, "127.0.0.1", port):
                pass
