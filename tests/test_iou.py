"""How much boxes overlap."""

import numpy as np
import pytest

from detloop.iou import box_iou

BOX, NEAR, FAR = [0.0, 0, 100, 100], [0.0, 0, 100, 80], [200.0, 0, 300, 100]


@pytest.mark.parametrize(
    ("box", "other", "expected"),
    [
        (BOX, BOX, 1.0),
        (BOX, NEAR, 0.8),
        (BOX, FAR, 0.0),
        (BOX, [100.0, 0, 200, 100], 0.0),  # they touch
        ([0.0, 0, 2, 2], [1.0, 1, 3, 3], 1 / 7),
        ([5.0, 5, 5, 5], [5.0, 5, 5, 5], 0.0),  # no area
        ([5.0, 5, 5, 5], BOX, 0.0),
    ],
)
def test_intersection_over_union(box: list[float], other: list[float], expected: float) -> None:
    assert box_iou(np.array([box]), np.array([other])).tolist() == [[pytest.approx(expected)]]


def test_every_box_is_measured_against_every_other() -> None:
    assert box_iou(np.array([BOX, FAR]), np.array([BOX, NEAR, FAR])).tolist() == [[1, 0.8, 0], [0, 0, 1]]
    assert box_iou(np.zeros((0, 4)), np.array([BOX])).shape == (0, 1)
