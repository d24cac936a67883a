"""Numbers as tables print them."""

import pytest

from fringe.scores.numbers import format_percent, format_value


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
        (3.2e-7, 1e-8, "3.2e-07 ± 1.0e-08"),
    ],
)
def test_values_show_two_digits_at_least(value, std, text):
    assert format_value(value, std) == text


def test_percent():
    assert format_percent(-0.11321) == "−11.3%"
    assert format_percent(0.004) == "+0.4%"
    assert format_percent(-0.0001) == "0.0%"
