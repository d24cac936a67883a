"""Tests of the formatting of numbers."""

import pytest

from fringe.scores.numbers import error_note, format_percent, format_value


@pytest.mark.parametrize(
    ("value", "std", "text"),
    [
        (5.3, 0.04, "5.30 ± 0.04"),
        (209.456, 1.86, "209.46 ± 1.86"),
        (0.0123, 0.0002, "0.0123 ± 0.0002"),
        (0.0811, float("nan"), "0.081"),
        (1.41, 0.0031, "1.410 ± 0.003"),
        (-0.25, float("nan"), "−0.25"),
        (0.0, 0.0, "0.00 ± 0.00"),
        (2670.911606, 4.5e-13, "2670.91 ± 0.00"),
        (3.2e-7, 1e-8, "3.2e-07 ± 1.0e-08"),
    ],
)
def test_values_have_at_least_two_digits(value, std, text):
    assert format_value(value, std) == text


@pytest.mark.parametrize(
    ("value", "std", "error", "text"),
    [
        (114.281, 0.64, 0.7, "114.28 ± 0.64 (SE 0.70)"),
        (5.3, float("nan"), 0.07, "5.30 (SE 0.07)"),
        (1.41, 0.01, 0.0031, "1.410 ± 0.010 (SE 0.003)"),
        (3.2e-7, 1e-8, 2e-8, "3.2e-07 ± 1.0e-08 (SE 2.0e-08)"),
    ],
)
def test_values_with_a_standard_error(value, std, error, text):
    assert format_value(value, std, error=error) == text


def test_note_says_what_a_standard_error_covers():
    nan = float("nan")
    assert error_note([0.1, 0.2]).endswith("of all images, real and generated.")
    assert "if only published statistics of the real images are known" in error_note([0.1, nan])
    assert "the generated images only, because" in error_note(iter([nan]))
    assert "is only a part of this error" in error_note([0.1], repeated=True)


def test_percent():
    assert format_percent(-0.11321) == "−11.3%"
    assert format_percent(0.004) == "+0.4%"
    assert format_percent(-0.0001) == "0.0%"
