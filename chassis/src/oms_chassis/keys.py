"""API keys: who calls, and what they may do.

    python -m oms_chassis.keys new --name picker-7 --scope warehouse:pick

prints a key, which is stored nowhere, and its line for the keys file, which is a JSON list of
such lines. The file holds plain SHA-256 digests: a key is 256 random bits, so there is no
dictionary to try, and a slow hash would slow down nothing but our own requests.
"""

# Annotations of dependencies are read by FastAPI, hence not postponed.
import argparse
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from oms_chassis.problems import Problem

KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or program that was recognised by its key."""

    name: str
    scopes: frozenset[str]
    channel: str = ""
    """The sales channel this caller speaks for, and the only one."""


class KeyLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key as the file knows it. Two lines of one name serve while a key is replaced."""

    name: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    scopes: frozenset[str]
    channel: str = ""


class ApiKeys:
    """Recognises callers by their keys."""

    def __init__(self, lines: Iterable[KeyLine] = ()) -> None:
        self._known = [(line.sha256, Actor(line.name, line.scopes, line.channel)) for line in lines]

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """The keys of a file; none without one. Raises ValueError for what is no such file."""
        if path is None:
            return cls()
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=list[KeyLine]))
        except msgspec.DecodeError as error:
            raise ValueError(f"{path}: {error}") from None

    def actor(self, key: str) -> Actor | None:
        """Whose key it is. How long this takes tells nothing about any key."""
        given = _digest(key)
        owners = [who for digest, who in self._known if hmac.compare_digest(digest, given)]
        return owners[0] if owners else None


def new_key(name: str, scopes: Iterable[str], channel: str = "") -> tuple[str, KeyLine]:
    """A fresh key and what the file must hold for it. Raises ValueError for an odd name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of a-z, 0-9, dots and dashes")
    key = f"oms_{name}_{secrets.token_hex(KEY_BYTES)}"
    return key, KeyLine(name, _digest(key), frozenset(scopes), channel)


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


_BEARER = HTTPBearer(auto_error=False, description="An API key: oms_<name>_<random>")


async def actor(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Actor:
    """Dependency: who calls."""
    keys: ApiKeys = request.app.state.keys
    found = keys.actor(bearer.credentials) if bearer else None
    if found is None:
        raise Problem(401, "unauthorised", "send a valid API key as a bearer token")
    return found


class RequiredScope:
    """What `scope` puts on a route."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, who: Annotated[Actor, Depends(actor)]) -> None:
        if self.name not in who.scopes:
            raise Problem(403, "forbidden", f"this needs a key with the scope {self.name}")


def scope(name: str) -> Any:
    """Dependency: the caller's key must carry the scope `name`."""
    return Depends(RequiredScope(name))


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m oms_chassis.keys")
    new = parser.add_subparsers(required=True).add_parser("new", help="make a key")
    new.add_argument("--name", required=True)
    new.add_argument("--scope", required=True, action="append")
    new.add_argument("--channel", default="")
    given = parser.parse_args(argv)
    key, line = new_key(given.name, given.scope, given.channel)
    print(f"key, shown only now: {key}")
    print(f"line for the file:   {msgspec.json.encode(line, order='deterministic').decode()}")


if __name__ == "__main__":
    main()
