"""What images hold and what the compose file says agree with the rest of the repository."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from oms_platform import SERVICES, load_topics

ROOT = Path(__file__).resolve().parents[2]
IN_IMAGES = ("contracts", "chassis", "deploy/local", "cli", *(f"services/{s}" for s in SERVICES))
COMPOSE = (ROOT / "docker-compose.yml").read_text()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~; ]", name)[0]).lower()


def _locked(lock: str) -> set[str]:
    return {_plain(line) for line in (ROOT / lock).read_text().splitlines() if line[:1].isalpha()}


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _not_in_images(sources: Iterable[str], optional: set[str]) -> set[str]:
    """Modules of others that are imported and that no image holds."""
    held = _locked("requirements.lock") | optional
    names = {name for source in sources for name in _imported(source)}
    names = {n for n in names - sys.stdlib_module_names if not n.startswith("oms_")}
    providers = packages_distributions()
    return {n for n in names if held.isdisjoint(map(_plain, providers.get(n, [])))}


@pytest.mark.parametrize("package", IN_IMAGES)
def test_an_image_holds_all_that_its_packages_import(package: str) -> None:
    about = tomllib.loads((ROOT / package / "pyproject.toml").read_text())["project"]
    extras = about.get("optional-dependencies", {}).values()
    optional = {_plain(name) for names in extras for name in names}
    sources = [path.read_text() for path in (ROOT / package / "src").rglob("*.py")]
    assert sources
    assert not _not_in_images(sources, optional)


def test_an_import_that_only_a_checkout_can_serve_is_found() -> None:
    assert _not_in_images(["import orjson\nfrom hypothesis import given"], set()) == {"hypothesis"}


def test_images_and_checkouts_run_on_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z][^ ;]+==[^ ;]+", (ROOT / lock).read_text(), re.MULTILINE))

    assert pins("requirements.lock") < pins("requirements-dev.lock")


def test_the_compose_file_runs_every_service_on_as_many_partitions_as_topics_have() -> None:
    assert re.findall(r"SERVICE: (\w+)", COMPOSE) == list(SERVICES)
    partitions = {topic.partitions for topic in load_topics(ROOT / "deploy/topics.toml")}
    assert {int(n) for n in re.findall(r'OMS_PARTITIONS: "(\d+)"', COMPOSE)} == partitions
