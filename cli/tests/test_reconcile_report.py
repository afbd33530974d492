"""What `oms reconcile` says, as a table and as JSON."""

from __future__ import annotations

import io
import json

from rich.console import Console

from oms_cli.reconcile import Finding, Report
from oms_cli.reconcile.command import as_text, show

GOOD = Finding("I5", "no label is bought twice", 46, repeats=3)
BAD = Finding("I10", "no lock is orphaned", 6, ("billing: ExclusiveLock on a tuple of nobody",))


def test_json_has_every_check_with_its_violations_and_repeats():
    told = json.loads(as_text(Report([GOOD, BAD], 2, ["order: 1 records unread"])))
    assert (told["ok"], told["in_motion"]) == (False, 2)
    assert told["unquiet"] == ["order: 1 records unread"]
    assert [(f["id"], f["count"], f["repeats"]) for f in told["findings"]] == [
        ("I5", 46, 3), ("I10", 6, 0),
    ]  # fmt: skip
    assert told["findings"][1]["violations"] == list(BAD.violations)


def test_a_table_says_how_often_something_was_absorbed_and_names_what_is_wrong():
    console = Console(file=io.StringIO(), width=120, no_color=True)
    show(Report([GOOD, BAD], 0, ()), console)
    text = console.file.getvalue()
    assert "no label is bought twice (3 repeats were absorbed)" in text
    assert "I10 no lock is orphaned: 1 violations" in text and BAD.violations[0] in text
