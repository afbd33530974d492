"""Settings from the environment; policies that cannot be misspelt."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from oms_chassis.decision import Rules
from oms_chassis.settings import PolicyError, Settings, load_policy

REQUIRED = {
    "service": "billing",
    "kafka_bootstrap": "kafka:9092",
    "database_dsn": "postgresql://oms:secret@database/billing",
}


class Step(Rules, frozen=True):
    after_seconds: float
    text: str = ""


class Policy(Rules, frozen=True):
    capture_within_seconds: float = 60.0
    attempts_max: int = 3
    steps: tuple[Step, ...] = (Step(1.0),)


def rules_from(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policies.toml"
    file.write_text(text)
    return load_policy(file, "billing", Policy)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (REQUIRED | {"max_records": "7", "run_dir": "/elsewhere"}).items():
        monkeypatch.setenv(f"OMS_{name.upper()}", value)
    settings = Settings()
    assert (settings.service, settings.max_records, settings.tenant) == ("billing", 7, "main")


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Settings(**REQUIRED))


def test_a_ratio_above_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="trace_ratio"):
        Settings(**REQUIRED, trace_ratio=1.5)


def test_every_setting_says_what_it_means() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert silent == []


def test_without_a_file_the_defaults_hold() -> None:
    assert load_policy(None, "billing", Policy) == Policy()


def test_a_section_replaces_defaults_deeply(tmp_path: Path) -> None:
    steps = "steps = [{after_seconds = 2}, {after_seconds = 3.5, text = 'x'}]"
    rules = rules_from(tmp_path, f"[billing]\nattempts_max = 5\n{steps}")
    assert rules == Policy(attempts_max=5, steps=(Step(2.0), Step(3.5, "x")))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[billing]\natempts_max = 5", r"unknown field `atempts_max`"),
        (
            "[billing]\nsteps = [{after_seconds = 1, txt = 'x'}]",
            r"unknown field `txt`",
        ),
        ("[billing]\nattempts_max = '5'", r"Expected `int`, got `str` - at `\$\.attempts_max`"),
        ("[biling]\nattempts_max = 5", r"no section \[billing\]"),
        ("[billing", r"\[billing\]: Expected ']'"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        rules_from(tmp_path, text)
