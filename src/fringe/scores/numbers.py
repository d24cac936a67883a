"""Numbers as people read them."""

import math
from collections.abc import Iterable

__all__ = ["error_note", "format_percent", "format_value", "size_label"]


def format_value(
    value: float, std: float = math.nan, decimals: int | None = None, error: float = math.nan
) -> str:
    """Return "5.30", with a spread "5.30 ± 0.04", with a standard error "5.30 ± 0.04 (SE 0.07)".

    Two decimals, more for values under 0.1.
    """
    size = abs(value)
    if decimals is None and 0 < size < 1e-5:
        kind = ".1e"
    else:
        # Two decimals as the paper; below 0.1 they would hold fewer than two digits.
        if decimals is None:
            decimals = 2 if size >= 0.095 or size == 0 else 1 - math.floor(math.log10(size))
            # A spread that is not zero must not be printed as zero, if more digits can help it. A
            # spread of equal numbers may be a rounding error.
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
    """Return what a standard error covers, in a sentence or two.

    Parameters
    ----------
    real_errors : iterable of float
        The parts of the real images in all errors that are printed; NaN where only statistics of
        the real images are known.
    repeated : bool
        Whether a spread of repeated draws is printed next to the errors.
    label : str
        How the first sentence begins.
    """
    known = [not math.isnan(error) for error in real_errors]
    note = f"{label} of one evaluation, from the sampling of "
    if all(known):
        note += "all images, real and generated."
    elif any(known):
        note += (
            "all images, real and generated; of the generated images only, where the real ones are "
            "known by published statistics."
        )
    else:
        note += (
            "the generated images only; of the real ones nothing but published statistics is known."
        )
    if repeated:
        note += (
            " Repeated draws come from the same candidates and real images, so that their spread "
            "(±) is only a part of this error."
        )
    return note


def format_percent(change: float) -> str:
    """Return a relative change as the paper prints it: "−11.3%", "+0.4%"."""
    text = f"{100 * change:+.1f}%"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text.replace("-", "−")


def size_label(n_real: int, n_generated: int, all_real: int | None = None) -> str:
    """Return "5k + 5k", "1,600 + 800" or, where every real image is used, "All + 50k"."""

    def short(count: int) -> str:
        return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else f"{count:,}"

    real = "All" if all_real is not None and n_real == all_real else short(n_real)
    return f"{real} + {short(n_generated)}"
