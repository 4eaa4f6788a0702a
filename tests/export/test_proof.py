"""How an export is held against its checkpoint."""

import math

import numpy as np
import pytest

from detloop.export.proof import Detected, largest_difference

BOX, FAR_BOX = (0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8)


def detected(*detections: tuple[tuple[float, ...], float, int]) -> Detected:
    boxes, scores, class_ids = zip(*detections, strict=True) if detections else ((), (), ())
    return Detected(np.array(boxes, dtype=float).reshape(-1, 4), np.array(scores), np.array(class_ids))


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ([], [], 0.0),
        ([(BOX, 0.9, 1)], [(BOX, 0.9, 1)], 0.0),
        ([(BOX, 0.9, 1)], [(BOX, 0.89, 1)], 0.01),  # another score
        ([(BOX, 0.9, 1)], [((0.1, 0.2, 0.3, 0.45), 0.9, 1)], 0.05),  # another edge
        ([(BOX, 0.9, 1)], [(BOX, 0.9, 2)], math.inf),  # another class
        ([(BOX, 0.9, 1)], [], math.inf),  # missing
        ([], [(BOX, 0.9, 1)], math.inf),  # one too many
        ([(BOX, 0.9, 1), (FAR_BOX, 0.9, 1)], [(FAR_BOX, 0.9, 1), (BOX, 0.9, 1)], 0.0),  # another order
        ([(BOX, 0.9, 1)], [(BOX, 0.9, 1), (FAR_BOX, 0.0005, 1)], 0.0),  # noise needs no partner
    ],
)
def test_the_largest_difference(one, other, difference):
    assert largest_difference(detected(*one), detected(*other)) == pytest.approx(difference)
