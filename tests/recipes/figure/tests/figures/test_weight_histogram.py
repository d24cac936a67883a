"""Figure S3 shows every weight, and says how many are 0."""

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.figures.weight_histogram import weight_histogram


def test_every_weight_is_in_a_bar() -> None:
    weights = np.repeat([0.0, 1.0, 3.0], [50, 40, 10])
    figure = weight_histogram(weights, title="Faces", simulated=True)
    (axes,) = figure.axes
    heights = [bar.get_height() for bar in axes.patches]
    assert sum(heights) == 100
    assert heights[0] == 50
    assert figure.get_supxlabel().startswith("50% are 0.")


@pytest.mark.parametrize("weights", [[], [1.0, -1.0], [0.0, 0.0]])
def test_weights_that_cannot_be_drawn_are_refused(weights: list[float]) -> None:
    with pytest.raises(FringeError, match="not negative"):
        weight_histogram(weights, title="Faces")
