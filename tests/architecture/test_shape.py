"""The shape of the repository, held by a machine."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from oms_contracts.catalogue import EVENTS
from oms_platform import SERVICES, load_topics

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 350
SAME_FILES = ("__init__.py", "__main__.py", "inputs.py", "main.py", "store.py", "tables.py")
SAME_PLACES = ("domain", "decisions", "views", "api")
"""Files, or packages of the same name where one outgrew a file."""


def _package(service: str) -> Path:
    return ROOT / f"services/{service}/src/oms_{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    folder = _package(service)
    missing = [name for name in SAME_FILES if not (folder / name).is_file()]
    missing += [
        name
        for name in SAME_PLACES
        if not (folder / f"{name}.py").is_file() and not (folder / name / "__init__.py").is_file()
    ]
    assert not missing


@pytest.mark.parametrize("service", SERVICES)
def test_the_composition_root_decides_nothing(service: str) -> None:
    tree = ast.parse((_package(service) / "main.py").read_text())
    deciding = (ast.If, ast.For, ast.While, ast.Try, ast.FunctionDef, ast.IfExp, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, deciding)]


@pytest.mark.parametrize("service", SERVICES)
def test_readers_of_a_topic_are_those_who_hear_it(service: str) -> None:
    inputs = importlib.import_module(f"oms_{service}.inputs")
    heard = {event.TOPIC for event in inputs.HEARS}
    strangers = {"channel"} if hasattr(inputs, "STRANGERS") else set()
    declared = {
        "channel" if re.fullmatch(r"oms\.channel\.[a-z-]+\.v1", topic.name) else topic.name
        for topic in load_topics(ROOT / "deploy/topics.toml")
        if service in topic.readers
    }
    assert declared == heard | strangers


def test_every_event_is_numbered_by_the_service_that_owns_its_topic() -> None:
    owners = {topic.name: topic.owner for topic in load_topics(ROOT / "deploy/topics.toml")}
    numbering = {
        topic: service
        for service in SERVICES
        for kind in importlib.import_module(f"oms_{service}.inputs").KINDS
        for topic in kind.topics
    }
    for event in EVENTS.values():
        if event.TYPE.startswith("oms.channel.") and not event.TOPIC.endswith("answers.v1"):
            continue
        owner = numbering[event.TOPIC]
        assert owners.get(event.TOPIC, "order") == owner, event.TYPE


def test_the_chassis_says_no_business_word() -> None:
    words = re.compile(
        r"\b(sku|invoice|payment|shipment|parcel|warehouse|refund|carrier)s?\b", re.I
    )
    for path in (ROOT / "chassis/src").rglob("*.py"):
        code = ast.parse(path.read_text())
        names = {n.id for n in ast.walk(code) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(code) if isinstance(n, ast.Attribute)}
        assert not [n for n in names if words.search(n.replace("_", " "))], path


def test_no_file_outgrows_a_screenful_of_screens() -> None:
    folders = ("contracts", "chassis", "services", "cli", "deploy", "tests", "bench")
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert not long


def test_the_import_contracts_fail_on_a_planted_break(tmp_path: Path) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "decisions.py").write_text("import asyncpg\n")
    (tmp_path / "pyproject.toml").write_text(
        textwrap.dedent(
            """
            [tool.importlinter]
            root_package = "planted"
            include_external_packages = true
            [[tool.importlinter.contracts]]
            name = "Cores import nothing that can block"
            type = "forbidden"
            source_modules = ["planted.decisions"]
            forbidden_modules = ["asyncpg"]
            """
        )
    )
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [linter], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "planted.decisions" in ran.stdout
