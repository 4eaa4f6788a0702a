"""What stands in for a removed function computes what that function computed."""

import pytest

from detloop.train.odapi.mends import HParams


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 1.0, 1.0), (100.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (53.24, 80.09, 67.20)),
        ((0.0, 0.0, 1.0), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0.0, 0.0)),
    ],
)
def test_colours_have_their_published_lab_values(rgb, lab):
    from detloop.train.odapi.lab_color import rgb_to_lab

    assert rgb_to_lab([[rgb]]).numpy()[0, 0] == pytest.approx(lab, abs=0.02)


def test_hyperparameters_are_attributes_that_can_change():
    settings = HParams(drop_path_keep_prob=0.6, num_cells=18)
    settings.set_hparam("drop_path_keep_prob", 1.0)
    assert (settings.drop_path_keep_prob, settings.num_cells, settings.get("absent", 7)) == (1.0, 18, 7)
    assert settings.values() == {"drop_path_keep_prob": 1.0, "num_cells": 18}


def test_a_hyperparameter_that_is_not_there_cannot_be_set():
    with pytest.raises(KeyError, match="no hyperparameter is called absent"):
        HParams().set_hparam("absent", 1)
