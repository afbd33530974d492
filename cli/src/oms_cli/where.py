"""Which system a command speaks with: the one that runs in this checkout."""

from __future__ import annotations

from pathlib import Path

import typer

from oms_cli.stack import System
from oms_platform import default_run_dir, load_topics
from oms_platform.topics import TopicSpec

TOPICS = Path("deploy/topics.toml")


def checkout() -> Path:
    """The checkout around the working directory, or the one this command was installed from."""
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / TOPICS).exists():
            return folder
    typer.echo(f"run this inside a checkout: {TOPICS} is nowhere above", err=True)
    raise typer.Exit(2)


def running() -> System:
    """The system of this checkout; exits with 2 if none is up."""
    run_dir = default_run_dir(checkout())
    try:
        return System.load(run_dir)
    except FileNotFoundError:
        typer.echo("no system is running here: `oms up` brings one up", err=True)
        raise typer.Exit(2) from None


def topics() -> list[TopicSpec]:
    """Every topic there is."""
    return load_topics(checkout() / TOPICS)
