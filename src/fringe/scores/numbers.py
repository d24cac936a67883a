"""Numbers as people read them."""

import math

__all__ = ["format_percent", "format_value"]


def format_value(value: float, std: float = math.nan, decimals: int | None = None) -> str:
    """Return "5.30" or, with a spread, "5.30 ± 0.04": two decimals, more for values under 0.1."""
    size = abs(value)
    if decimals is None and 0 < size < 1e-5:
        return f"{value:.1e}" + ("" if math.isnan(std) else f" ± {std:.1e}")
    # Two decimals as the paper; below 0.1 they would hold fewer than two digits.
    if decimals is None:
        decimals = 2 if size >= 0.095 or size == 0 else 1 - math.floor(math.log10(size))
        # A spread that is not zero must not be printed as zero, if two more digits can help it.
        while decimals < 6 and std > 0 and round(std, decimals) == 0:
            decimals += 1
    text = f"{value:.{decimals}f}".replace("-", "−")
    return text if math.isnan(std) else f"{text} ± {std:.{decimals}f}"


def format_percent(change: float) -> str:
    """Return a relative change as the paper prints it: "−11.3%", "+0.4%"."""
    text = f"{100 * change:+.1f}%"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text.replace("-", "−")
