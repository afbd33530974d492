"""A service as a process: `python -m oms_<name> run | migrate | check | retire`."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import Any

import uvloop
from fastapi import APIRouter

from oms_chassis import ageing, migrate, retiring
from oms_chassis.decision import Deadline, Decision, Input, Ref
from oms_chassis.fold import Core, Kind
from oms_chassis.gateway import Gateway
from oms_chassis.http import Door
from oms_chassis.intake import Strangers
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings, load_policy
from oms_chassis.store import Store
from oms_contracts.event import Event

USAGE = "usage: python -m oms_<service> run | migrate | check | retire"


def no_gateways(settings: Settings, ring: KeyRing) -> Mapping[str, Gateway]:
    """For services that never call outside."""
    return {}


@dataclass(frozen=True)
class Service:
    """Everything that makes a service this service and no other."""

    name: str
    hears: Sequence[type[Event]]
    kinds: tuple[Kind, ...]
    roots: Callable[[Input], Sequence[Ref]]
    store: Store
    policy: type[Any]
    decide: Callable[[Any, Any, Input, datetime], Decision]
    deadline: Callable[[Any, Any], Deadline | None]
    routes: Callable[[Door], APIRouter]
    gateways: Callable[[Settings, KeyRing], Mapping[str, Gateway]] = no_gateways
    strangers: Strangers | None = None

    @property
    def revisions(self) -> ModuleType:
        """The package of the service's schema changes, which says what ages as well."""
        package = self.store.base.__module__.partition(".")[0]
        return importlib.import_module(f"{package}.migrations")

    def core(self, policy: Any) -> Core:
        """The pure part under `policy`."""
        return Core(
            self.kinds, self.roots, partial(self.decide, policy), partial(self.deadline, policy)
        )


def main(service: Service) -> None:
    """The command line of a service. Exits with 2 for a wrong word, 1 for a failed check."""
    word = sys.argv[1] if len(sys.argv) == 2 else ""
    # Where an orchestrator mounts secrets as files, each is named like its variable.
    settings = Settings(service=service.name, _secrets_dir=os.environ.get("OMS_SECRETS_DIR"))
    match word:
        case "run":
            # Only a process that runs needs the whole runtime.
            from oms_chassis.process import run

            uvloop.run(run(service, settings))
        case "migrate":
            asyncio.run(migrate.migrate(settings.database_dsn, service.revisions))
        case "check":
            load_policy(settings.policies_file, service.name, service.policy)
            ageing.of_service(service.revisions, settings.kept_periods)
            found = asyncio.run(migrate.drift(settings.database_dsn, service.store.base.metadata))
            print("\n".join(found) or f"{service.name}: settings, policies and tables agree")
            sys.exit(1 if found else 0)
        case "retire":
            gone = asyncio.run(
                retiring.run(
                    settings.database_dsn, settings.tenant, service.revisions, datetime.now(UTC),
                    settings.ended_kept_months,
                )
            )  # fmt: skip
            print(f"{service.name}: {gone} that have ended left")
        case _:
            print(USAGE, file=sys.stderr)
            sys.exit(2)
