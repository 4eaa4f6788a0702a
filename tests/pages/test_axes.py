"""Round values on axes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detloop.pages.axes import Frame, Tick, round_values, thinned


@pytest.mark.parametrize(
    ("highest", "most", "expected"),
    [(10, 6, [0, 2, 4, 6, 8, 10]), (1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]), (7, 4, [0, 5, 10]), (61, 4, [0, 50, 100])],
)
def test_round_values(highest: float, most: int, expected: list[float]) -> None:
    assert round_values(0, highest, most) == pytest.approx(expected)


@given(highest=st.floats(1e-6, 1e9), most=st.integers(3, 10))
def test_they_begin_at_the_lowest_and_reach_the_highest(highest: float, most: int) -> None:
    values = round_values(0, highest, most)
    assert values[0] == 0
    assert values[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(values) <= most + 1


def test_a_share_lies_inside_the_frame() -> None:
    frame = Frame(width=100, height=50, left=20, right=10, top=5, bottom=15)
    assert (frame.x(0), frame.x(1), frame.y(0), frame.y(1)) == (20, 90, 35, 5)


@pytest.mark.parametrize(("count", "expected"), [(3, [0, 1, 2]), (8, list(range(8))), (9, [0, 2, 4, 6, 8])])
def test_ticks_are_thinned_evenly(count: int, expected: list[int]) -> None:
    ticks = [Tick(float(position), "") for position in range(count)]
    assert [tick.position for tick in thinned(ticks, 8)] == expected
