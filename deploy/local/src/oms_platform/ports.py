"""Loopback ports nobody else will take by accident."""

import random
import socket
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_PORT = 15_000
_TRIES = 200
_claims: list[socket.socket] = []


def free_port() -> int:
    """A loopback TCP port that was free a moment ago; raises OSError if none was found.

    Taken below the range the kernel gives to outgoing connections: a client that keeps
    calling a dead broker there can be given the broker's own port as its source, connect
    to itself, and so keep the restarted broker from binding. Until we end, no other process
    is given the same port by this function: it might take our client for its own.
    """
    ceiling = _first_ephemeral_port()
    if ceiling - _LOWEST_PORT > _TRIES:
        for _ in range(_TRIES):
            port = random.randrange(_LOWEST_PORT, ceiling)
            if _can_bind(port) and _claim(port):
                return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """`count` different free ports."""
    chosen: set[int] = set()
    while len(chosen) < count:
        chosen.add(free_port())
    return list(chosen)


def _first_ephemeral_port() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _claim(port: int) -> bool:
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0oms-port-{port}")  # an abstract name: it leaves with the process
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
