"""The matrix cannot rot: every row is covered by a test that ran clean, or open with its reason."""

import pytest
from matrix import BEGIN, END, PAGE, Result, page, witnesses
from rows import CHECKOUT, ELSEWHERE, FAULTS, OPEN, SOMETIMES, declared, row, smoke


@smoke
def test_every_row_is_covered_or_open_with_its_reason() -> None:
    covered = {one.number for one in declared()} | ELSEWHERE.keys()
    assert covered | OPEN.keys() == FAULTS.keys()
    assert not covered & OPEN.keys()


@smoke
def test_tests_of_other_suites_that_cover_rows_are_there() -> None:
    for test in (test for tests in ELSEWHERE.values() for test in tests):
        path, _, name = test.partition("::")
        assert f"def {name}(" in (CHECKOUT / path).read_text(), test


def test_every_covered_row_ran_clean_and_saw_its_fault_happen() -> None:
    for one in declared():
        result = Result.load(one.test)
        assert result is not None, f"{one.test} was never recorded: make faults"
        assert (result.number, result.name) == (one.number, one.name), one.test
        assert result.runs and not result.failures and result.witnessed, one.test
        assert not result.violations, one.test


def test_all_that_must_happen_sometimes_was_witnessed() -> None:
    unseen = [what for what, witness in SOMETIMES.items() if not witnesses(witness)]
    assert not unseen, f"no trial saw that {'; '.join(unseen)}"


@smoke
def test_the_page_shows_the_matrix_as_it_is() -> None:
    text = PAGE.read_text()
    assert text == page(text), "type: python tests/faults/matrix.py"


@smoke
def test_a_page_that_tells_something_else_is_noticed() -> None:
    assert (
        page(f"{BEGIN}\n| 1 | all is well |\n{END}\n") != f"{BEGIN}\n| 1 | all is well |\n{END}\n"
    )


@smoke
def test_no_test_can_claim_a_row_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no row 99"):
        row(99, "nothing")
