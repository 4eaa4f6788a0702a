"""What the teacher of `detloop run` must detect for the labels that are asked for."""

import pytest

from detloop.errors import DetloopError
from detloop.records.trust_choice import lowest_score_needed


@pytest.mark.parametrize(
    ("threshold", "choose", "ignore_from", "expected"),
    [
        ("", None, None, 1.0),
        ("0.5,car=0.4", None, None, 0.4),
        ("0.5", None, 0.25, 0.249999),
        ("", "scores", None, 0.05),
        ("", None, 0.0, 0.0),
    ],
)
def test_the_lowest_score_that_the_labels_need(
    threshold: str, choose: str | None, ignore_from: float | None, expected: float
) -> None:
    assert lowest_score_needed(threshold, choose, ignore_from) == pytest.approx(expected)


def test_a_threshold_that_is_none_is_found_at_once() -> None:
    with pytest.raises(DetloopError, match="not a number"):
        lowest_score_needed("person=high", None, None)
