"""The model's image size against the images and boxes in the records."""

import pytest

from detloop.train.checks.image_size import check_image_size, input_size
from detloop.train.checks.survey import survey_side
from tests.train.checks.configs import RESIZER, config
from tests.train.checks.made_records import example, write_folder

KEEP = f"{RESIZER}.keep_aspect_ratio_resizer"


def fixed(width, height):
    return config(f"{RESIZER}.fixed_shape_resizer.width={width}", f"{RESIZER}.fixed_shape_resizer.height={height}")


def survey(folder, width, height, box=0.4):
    far = [0.1 + box, 0.5 + box]
    one = example(width=[width], height=[height], bbox_xmax=far, bbox_ymax=far)
    records = write_folder(folder, [one])
    return survey_side("train", records.train, records.label_map)


@pytest.mark.parametrize(
    ("size", "images", "box", "what"),
    [
        ((300, 300), (640, 480), 0.4, None),
        ((300, 300), (160, 300), 0.4, None),
        ((300, 300), (1920, 600), 0.4, "300x300, one side 3.2 times as much as the other"),
        ((640, 640), (300, 310), 0.4, "it enlarges images of 300x310 pixels to 640x640"),
        ((300, 300), (640, 480), 0.02, "half of the boxes are less than 6.0 pixels wide or high"),
        ((300, 300), (640, 480), 0.03, None),
    ],
)
def test_a_size_that_does_not_suit_the_images_is_a_warning(tmp_path, size, images, box, what):
    findings = check_image_size(fixed(*size), survey(tmp_path, *images, box=box))
    assert [finding.severity for finding in findings] == ["warning"] * (what is not None)
    assert what is None or what in findings[0].what


@pytest.mark.parametrize(
    ("assignments", "images", "seen"),
    [
        ([f"{KEEP}.min_dimension=600", f"{KEEP}.max_dimension=1024"], (1200, 600), (1024, 512)),
        ([f"{KEEP}.min_dimension=600", f"{KEEP}.max_dimension=1024"], (800, 600), (800, 600)),
        ([f"{KEEP}.max_dimension=512", f"{KEEP}.pad_to_max_dimension=true"], (800, 600), (512, 512)),
        ([f"{RESIZER}.pad_to_multiple_resizer.multiple=32"], (100, 64), (128, 64)),
        ([f"{RESIZER}.identity_resizer={{}}"], (100, 64), (100, 64)),
    ],
)
def test_every_resizer_gives_its_size(assignments, images, seen):
    assert input_size(config(*assignments), images) == seen


def test_images_of_unknown_size_are_left_alone(tmp_path):
    records = write_folder(tmp_path, [example(width=[], height=[])])
    assert check_image_size(fixed(1000, 10), survey_side("train", records.train, records.label_map)) == []
