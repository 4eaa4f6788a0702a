"""`detloop zoo list`: the published figures, filtered."""

import re

import pytest

from detloop.zoo.catalog import read_catalog
from tests.test_imports import HEAVY, run_and_list_modules
from tests.zoo.archives import TF2_FILES, TF2_NAME, pack
from tests.zoo.conftest import error_of, zoo


def rows(*arguments: str) -> list[list[str]]:
    """The table's cells, without the headings and the note."""
    result = zoo("list", *arguments)
    assert result.exit_code == 0, result.stderr
    return [re.split(r"  +", line) for line in result.stdout.splitlines()[1:-1]]


def test_the_figures_are_the_published_ones():
    row_of = {row[0]: row[1:] for row in rows()}
    assert row_of["ssd_mobilenet_v2_coco"] == ["tf1", "COCO", "31", "22", "Boxes", "-"]
    assert row_of["efficientdet_d7_coco17_tpu-32"] == ["tf2", "COCO", "325", "51.2", "Boxes", "-"]
    assert row_of["mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8"][3:5] == ["39.0/34.6", "Boxes/Masks"]
    assert row_of["faster_rcnn_resnet101_kitti"][1:4] == ["Kitti", "79", "87 (Pascal mAP@0.5)"]
    assert row_of["ssd_mobilenet_v3_small_coco"][2] == "43 (Pixel 1)"
    assert row_of["faster_rcnn_resnet50_lowproposals_coco"][2:4] == ["64", "-"]


def test_each_row_is_whole_and_names_are_unique():
    models = read_catalog()
    for model in models:
        assert re.fullmatch(r"[\w.-]+", model.name)
        assert re.fullmatch(r"\d*(\.\d)?", model.speed_ms)
        assert re.fullmatch(r"[\d./]*", model.mean_average_precision)
        assert re.fullmatch(r"((tf1|tf2/20\d{6})/)?[\w.-]+\.tar\.gz", model.path)
        assert (model.generation == "tf2") == model.path.startswith("tf2/")
        assert model.outputs in ("Boxes", "Masks", "Boxes/Masks", "Boxes/Keypoints")
    for attribute in ("name", "archive_name"):
        values = [getattr(model, attribute) for model in models]
        assert len(set(values)) == len(values)
    assert sum(model.generation == "tf1" for model in models) == 46
    assert sum(model.generation == "tf2" for model in models) == 42


@pytest.mark.parametrize("generation", ["tf1", "tf2"])
def test_the_generation_filters(generation):
    assert {row[1] for row in rows("--generation", generation)} == {generation}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("RetinaNet50 640", ["ssd_resnet50_v1_fpn_640x640_coco17_tpu-8"]),
        ("kitti", ["faster_rcnn_resnet101_kitti"]),
        ("efficientdet D3", ["efficientdet_d3_coco17_tpu-32"]),
    ],
)
def test_all_words_of_the_filter_must_be_there(text, names):
    assert [row[0] for row in rows("--filter", text)] == names


def test_a_filter_that_leaves_nothing_is_an_error():
    assert "no tf1 model of the zoos has 'yolo' in its name" in error_of(
        zoo("list", "--filter", "yolo", "--generation", "tf1")
    )


def test_the_size_of_a_cached_archive_is_known(cache):
    archive = pack(cache / f"{TF2_NAME}.tar.gz", {**TF2_FILES, "noise": bytes(1_000_000)}, TF2_NAME)
    archive.write_bytes(archive.read_bytes() + bytes(1_500_000))
    (row,) = rows("--filter", TF2_NAME)
    assert row[-1] == "1.5"


def test_sizes_without_a_network_are_not_invented():
    result = zoo("list", "--filter", "efficientdet d0", "--sizes")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].endswith("-")
    assert "1 of 1 sizes are not known: " in result.stderr


def test_the_list_starts_at_once():
    modules, _ = run_and_list_modules(["zoo", "list"])
    assert not modules.intersection(HEAVY)
