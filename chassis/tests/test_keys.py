"""A key is shown once, recognised after, and cannot be read out of the file."""

import json
from pathlib import Path

import msgspec
import pytest

from oms_chassis.keys import Actor, ApiKeys, main, new_key


def test_the_holder_of_a_key_is_recognised_with_its_scopes() -> None:
    picker, picker_line = new_key("picker-7", ["warehouse:pick"])
    shop, shop_line = new_key("web", ["order:place"], channel="web")
    keys = ApiKeys([picker_line, shop_line])
    assert keys.actor(picker) == Actor("picker-7", frozenset({"warehouse:pick"}))
    assert keys.actor(shop) == Actor("web", frozenset({"order:place"}), "web")


def test_an_almost_right_key_is_nobodys() -> None:
    key, line = new_key("picker-7", ["warehouse:pick"])
    wrong = [key[:-1], key + "0", key.upper(), line.sha256, "", "é", "oms_picker-7_"]
    assert [ApiKeys([line]).actor(text) for text in wrong] == [None] * len(wrong)


def test_while_a_key_is_replaced_the_old_and_the_new_one_serve() -> None:
    old, new = new_key("web", ["a"]), new_key("web", ["a"])
    keys = ApiKeys([old[1], new[1]])
    assert keys.actor(old[0]) == keys.actor(new[0]) is not None


def test_the_command_prints_a_key_and_the_line_that_admits_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["new", "--name", "web", "--scope", "order:place", "--scope", "order:read"])
    key, line = (text.split(":", 1)[1].strip() for text in capsys.readouterr().out.splitlines())
    file = tmp_path / "keys.json"
    file.write_text(f"[{line}]")
    assert ApiKeys.load(file).actor(key) == Actor("web", frozenset({"order:place", "order:read"}))
    assert key not in line and json.loads(line)["sha256"]


def test_no_file_admits_nobody() -> None:
    assert ApiKeys.load(None).actor(new_key("web", ["a"])[0]) is None


@pytest.mark.parametrize(
    "text", ["", "{}", '[{"name": "web"}]', '[{"name":"a","sha256":"x","scopes":[]}]']
)
def test_what_is_no_keys_file_stops_the_service(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"keys\.json"):
        ApiKeys.load(file)


def test_a_name_that_would_blur_the_key_is_refused() -> None:
    with pytest.raises(ValueError, match="not a name"):
        new_key("web_shop", ["a"])


def test_the_line_holds_a_digest_only() -> None:
    key, line = new_key("web", ["a"])
    assert key.rpartition("_")[2] not in msgspec.json.encode(line).decode()
