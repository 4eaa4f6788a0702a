"""SSD's anchors against the shapes of the boxes."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from detloop.train.checks.anchors import anchor_shapes, check_anchors
from detloop.train.checks.survey import survey_side
from detloop.train.odapi.config import set_fields
from tests.train.checks.configs import RESIZER, config
from tests.train.checks.made_records import example, write_folder

ANCHORS = "model.ssd.anchor_generator.ssd_anchor_generator"
SSD = f"{ANCHORS}={{ num_layers: 6 min_scale: 0.2 max_scale: 0.95 aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333] }}"
MATCHER = "model.ssd.matcher.argmax_matcher"


def ssd(*assignments):
    size = (f"{RESIZER}.fixed_shape_resizer.width=400", f"{RESIZER}.fixed_shape_resizer.height=300")
    return config(SSD, *size, f"{MATCHER}.matched_threshold=0.5", *assignments)


def survey(folder, width_px, height_px):
    """Two boxes of one shape in an image of 800x600 pixels."""
    far = {"bbox_xmax": [0.1 + width_px / 800, 0.5 + width_px / 800], "bbox_ymax": [0.1 + height_px / 600] * 2}
    edges = {"bbox_ymin": [0.1, 0.1], **far}
    records = write_folder(folder, [example(width=[800], height=[600], **edges)])
    return survey_side("train", records.train, records.label_map)


@pytest.mark.parametrize(
    ("width_px", "height_px", "assignments", "typical"),
    [
        (300, 300, [], None),
        (60, 60, [], None),
        (35, 90, [], "0.45"),
        (35, 90, [f"{MATCHER}.matched_threshold=0.3"], None),
        (35, 90, [f"{ANCHORS}.min_scale=0.1"], None),
        (20, 20, [], "0.11"),
    ],
)
def test_boxes_of_a_shape_that_no_anchor_has_are_a_warning(tmp_path, width_px, height_px, assignments, typical):
    findings = check_anchors(ssd(*assignments), survey(tmp_path, width_px, height_px))
    assert [finding.severity for finding in findings] == ["warning"] * (typical is not None)
    assert typical is None or f"overlap no anchor by {typical}" in findings[0].what


def test_what_is_advised_helps(tmp_path):
    slim, message = survey(tmp_path, 35, 90), ssd()
    (finding,) = check_anchors(message, slim)
    advised = re.search(r"--set (\S+=\S+) \(then 0\.\d\d\)", finding.advice)
    set_fields(message, [advised[1]])
    assert check_anchors(message, slim) == []


def test_scales_given_one_by_one_are_heeded(tmp_path):
    slim = survey(tmp_path, 35, 90)
    (finding,) = check_anchors(ssd(f"{ANCHORS}.scales=[0.2, 0.4, 0.6, 0.7, 0.8, 0.9]"), slim)
    assert "give scales that fit" in finding.advice
    assert check_anchors(ssd(f"{ANCHORS}.scales=[0.1, 0.4, 0.6, 0.7, 0.8, 0.9]"), slim) == []


API_SHAPES = """
import json, sys
from detloop.train.odapi.runtime import load_api
load_api("tf1")
import tensorflow.compat.v1 as tf
from object_detection.anchor_generators.multiple_grid_anchor_generator import create_ssd_anchors
anchors = create_ssd_anchors(**json.loads(sys.argv[1])).generate([(1, 1)] * 6, im_height=300, im_width=400)
edges = tf.Session().run([grid.get() for grid in anchors])
print(json.dumps([edge.tolist() for grid in edges for edge in grid]))
"""


def test_the_shapes_are_those_of_the_api():
    generator = ssd(f"{ANCHORS}.interpolated_scale_aspect_ratio=0.5", f"{ANCHORS}.base_anchor_height=0.5")
    given = {
        "min_scale": 0.2,
        "aspect_ratios": [1.0, 2.0, 0.5, 3.0, 0.3333],
        "interpolated_scale_aspect_ratio": 0.5,
        "base_anchor_size": [0.5, 1.0],
    }
    command = [sys.executable, "-c", API_SHAPES, json.dumps(given)]
    ymin, xmin, ymax, xmax = np.array(json.loads(subprocess.check_output(command, text=True))).T
    shapes = np.stack([(xmax - xmin) * 400 / 300, ymax - ymin], axis=1)
    ours = anchor_shapes(generator.model.ssd.anchor_generator.ssd_anchor_generator, 0.2)
    np.testing.assert_allclose(ours, shapes, rtol=1e-4)


def test_other_models_are_left_alone(tmp_path):
    slim = survey(tmp_path, 35, 90)
    assert check_anchors(config("model.faster_rcnn.num_classes=2"), slim) == []
