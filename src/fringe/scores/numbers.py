"""Formatting of numbers for readers."""

import math
from collections.abc import Iterable

__all__ = ["error_note", "format_percent", "format_value", "size_label"]


def format_value(
    value: float, std: float = math.nan, decimals: int | None = None, error: float = math.nan
) -> str:
    """Format a value: "5.30", with a spread "5.30 ± 0.04", with an error "5.30 ± 0.04 (SE 0.07)".

    The text has two decimals, more for values below 0.1.
    """
    size = abs(value)
    if decimals is None and 0 < size < 1e-5:
        kind = ".1e"
    else:
        # Two decimals as in the paper. Values below 0.1 get more, so that two digits are shown.
        if decimals is None:
            decimals = 2 if size >= 0.095 or size == 0 else 1 - math.floor(math.log10(size))
            # A nonzero spread gets more digits so that it is not printed as zero. A tiny spread is
            # a rounding error of equal numbers.
            for spread in (std, error):
                while decimals < 6 and spread > 1e-9 * size and round(spread, decimals) == 0:
                    decimals += 1
        kind = f".{decimals}f"
    text = f"{value:{kind}}"
    if kind != ".1e":
        text = text.replace("-", "−")
    if not math.isnan(std):
        text += f" ± {std:{kind}}"
    return text if math.isnan(error) else f"{text} (SE {error:{kind}})"


def error_note(
    real_errors: Iterable[float], *, repeated: bool = False, label: str = "SE: standard error"
) -> str:
    """Return one or two sentences on what a standard error covers.

    Parameters
    ----------
    real_errors : iterable of float
        For each printed error, its part from the real images; NaN if only statistics of the real
        images are known.
    repeated : bool
        Whether a spread of repeated draws is printed next to the errors.
    label : str
        The beginning of the first sentence.
    """
    known = [not math.isnan(error) for error in real_errors]
    note = f"{label} of one evaluation, from the sampling of "
    if all(known):
        note += "all images, real and generated."
    elif any(known):
        note += (
            "all images, real and generated, or of only the generated images if only published "
            "statistics of the real images are known."
        )
    else:
        note += (
            "the generated images only, because only published statistics of the real images are "
            "known."
        )
    if repeated:
        note += (
            " Repeated draws use the same candidates and real images, so their spread (±) is only "
            "a part of this error."
        )
    return note


def format_percent(change: float) -> str:
    """Format a relative change as in the paper: "−11.3%", "+0.4%"."""
    text = f"{100 * change:+.1f}%"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text.replace("-", "−")


def size_label(n_real: int, n_generated: int, all_real: int | None = None) -> str:
    """Return "5k + 5k", "1,600 + 800" or, if all real images are used, "All + 50k"."""

    def short(count: int) -> str:
        return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else f"{count:,}"

    real = "All" if all_real is not None and n_real == all_real else short(n_real)
    return f"{real} + {short(n_generated)}"
