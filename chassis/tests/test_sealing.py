"""Personal data is opaque, unforgeable, and gone with its key."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_chassis.sealing import KeyRing, SealError

PLAIN = b'{"name":"Ada Lovelace"}'


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    path = tmp_path_factory.mktemp("ring") / "ring.json"
    KeyRing.create(path, "2026-10")
    return KeyRing.create(path, "2026-11")


@given(plain=st.binary(), unique=st.binary())
def test_what_was_sealed_can_be_opened(ring: KeyRing, plain: bytes, unique: bytes) -> None:
    assert ring.open(ring.seal(plain, unique)) == plain


def test_the_text_is_not_in_the_seal_and_the_newest_key_is(ring: KeyRing) -> None:
    sealed = ring.seal(PLAIN, b"1")
    assert sealed.startswith("2026-11.") and "Ada" not in sealed


def test_sealing_again_gives_the_same_and_other_uses_look_different(ring: KeyRing) -> None:
    assert ring.seal(PLAIN, b"1") == ring.seal(PLAIN, b"1")
    assert ring.seal(PLAIN, b"1") != ring.seal(PLAIN, b"2")


def test_a_repeated_unique_does_not_repeat_a_nonce(ring: KeyRing) -> None:
    one, other = ring.seal(b"left", b"1"), ring.seal(b"right", b"1")
    assert one[: len("2026-11.") + 16] != other[: len("2026-11.") + 16]


@given(data=st.data())
def test_a_changed_character_is_noticed(ring: KeyRing, data: st.DataObject) -> None:
    sealed = ring.seal(PLAIN, b"1")
    place = data.draw(st.integers(0, len(sealed) - 1))
    put = data.draw(st.sampled_from("ABCxyz019-_.=+/ \n").filter(lambda c: c != sealed[place]))
    with pytest.raises(SealError):
        ring.open(sealed[:place] + put + sealed[place + 1 :])


def test_a_seal_cannot_be_passed_off_as_another_months(ring: KeyRing) -> None:
    with pytest.raises(SealError, match="damaged"):
        ring.open(ring.seal(PLAIN, b"1").replace("2026-11", "2026-10"))


@pytest.mark.parametrize(
    "sealed", ["", "2026-11", "2026-11.", "2026-11.AAAA", "2026-11.é", "plain text", "1999-01.AAAA"]
)
def test_what_is_no_seal_is_refused(ring: KeyRing, sealed: str) -> None:
    with pytest.raises(SealError):
        ring.open(sealed)


def test_an_older_key_can_be_named(ring: KeyRing) -> None:
    sealed = ring.seal(PLAIN, b"1", "2026-10")
    assert sealed.startswith("2026-10.") and ring.open(sealed) == PLAIN
    with pytest.raises(SealError):
        ring.seal(PLAIN, b"1", "2026-09")


def test_the_file_is_private_and_its_keys_stay(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    sealed = KeyRing.create(path, "2026-11").seal(PLAIN, b"1")
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    KeyRing.create(path, "2026-11")
    assert path.read_bytes() == before
    assert KeyRing.create(path, "2026-12").open(sealed) == PLAIN
    assert list(tmp_path.iterdir()) == [path]


def test_a_destroyed_key_takes_its_seals_with_it(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    sealed = KeyRing.create(path, "2026-11").seal(PLAIN, b"1")
    KeyRing.create(path, "2026-12")
    stored = json.loads(path.read_text())
    del stored["2026-11"]
    path.write_text(json.dumps(stored))
    with pytest.raises(SealError, match="not in the ring"):
        KeyRing(path).open(sealed)


def test_a_key_begun_elsewhere_is_found_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    running = KeyRing.create(path, "2026-11")
    sealed = KeyRing.create(path, "2026-12").seal(PLAIN, b"1")
    assert running.open(sealed) == PLAIN


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"2026-11": "c2hvcnQ="}', '{"november": "AA=="}', '{"2026-11": 1}'],
)
def test_what_is_no_ring_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ring.json"
    path.write_text(text)
    with pytest.raises(SealError):
        KeyRing(path)
