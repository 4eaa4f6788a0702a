"""`detloop detect` on the command line: what it prints and how it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detloop.cli import main
from tests.drawn import draw_image
from tests.tiny_models import write_frozen_graph


@pytest.fixture
def detect(tmp_path: Path, frozen_graph: Path, color_label_map: Path) -> Callable[..., Result]:
    """Runs the command on tmp_path/images; options replace those of the call, as label_map="a.pbtxt"."""
    draw_image(tmp_path / "images" / "a.png", [(8, 8, 30, 30)])
    (tmp_path / "images" / "b.jpg").write_text("no image")

    def run(*flags: str, **options: object) -> Result:
        paths = {"images": tmp_path / "images", "output": tmp_path / "detections.csv"}
        given = {"model": frozen_graph, "label_map": color_label_map, **paths, **options}
        arguments = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        return CliRunner().invoke(main, ["detect", *arguments, *flags])

    return run


def test_the_summary_tells_what_was_found(tmp_path: Path, detect: Callable[..., Result]) -> None:
    result = detect()
    assert result.exit_code == 0
    found, classes, speed, unreadable = result.stdout.splitlines()
    assert found == f"found 1 boxes in 2 images; written to {tmp_path / 'detections.csv'}"
    assert classes == "classes: red (1)"
    assert " images/s, " in speed
    expected = "could not read 1 images, see images.csv: b.jpg: is not an image (no known image format)"
    assert unreadable == expected
    assert "detect: 2/2 images" in result.stderr


def test_the_summary_tells_how_often_an_image_was_looked_at(detect: Callable[..., Result]) -> None:
    result = detect("--flip", tile="48x64", overlap=0.5, scales="1,1.5", merge="wbf", cross_class_iou=0.9)
    assert result.exit_code == 0, result.stderr
    assert " images/s, 28 passes an image, " in result.stdout
    assert "classes: red (1)" in result.stdout


@pytest.mark.parametrize(
    ("options", "flags", "message"),
    [
        ({"model": "missing.pb"}, [], "missing.pb: no such model"),
        ({"label_map": "missing.pbtxt"}, [], "missing.pbtxt: no such label map"),
        ({"images": "nowhere"}, [], "nowhere: no such image folder"),
        (
            {"images": "ftp://host/images"},
            [],
            "ftp://...: cannot read this kind of URI; give a local path or one of file://, s3://",
        ),
        ({"tile": "1x1"}, [], "--tile 1x1: must be WIDTHxHEIGHT in pixels, 32 or more each, as 384x384"),
        ({"tile": "100x31"}, [], "--tile 100x31: must be WIDTHxHEIGHT in pixels, 32 or more each, as 384x384"),
        ({"tile": "abc"}, [], "--tile abc: must be WIDTHxHEIGHT in pixels, 32 or more each, as 384x384"),
        ({"tile": "96x64"}, [], "--tile 96x64: no image is larger than that, a.png is 96x64; give a smaller tile"),
        ({"tile": "40x40", "overlap": "1.0"}, [], "--overlap 1: must be a share from 0 to 0.9, as 0.25"),
        ({"scales": "0"}, [], "--scales 0: must be numbers above 0 with commas between them, as 1,1.5"),
        ({"scales": "1,-2"}, [], "--scales 1,-2: must be numbers above 0 with commas between them, as 1,1.5"),
        ({"scales": ""}, [], "--scales : must be numbers above 0 with commas between them, as 1,1.5"),
        ({"scales": "0.5"}, ["--flip"], "--scales 0.5: without --tile a scale is 1 or more"),
        ({"merge": "best"}, [], "--merge best: there are finest, nms, wbf"),
        ({"merge-iou": 0}, [], "--merge-iou 0: must be an IoU above 0 and not above 1, as 0.5"),
        ({"cross-class-iou": 2}, [], "--cross-class-iou 2: must be an IoU above 0 and not above 1, as 0.5"),
        ({"output": "images.csv"}, [], "images.csv: images.csv is the table of the images"),
        ({"output": "."}, [], ".: is a folder; give the CSV file to write"),
        ({}, ["--strict"], "images/b.jpg: is not an image (no known image format)"),
    ],
)
def test_wrong_input_ends_in_one_line_and_writes_nothing(
    tmp_path: Path, detect: Callable[..., Result], options: dict[str, str], flags: list[str], message: str
) -> None:
    result = detect(*flags, **options)
    assert result.exit_code == 1
    last_line = result.stderr.splitlines()[-1]
    assert last_line.startswith("detloop: error: ")
    assert message in last_line
    assert result.stderr.count("error") == 1
    assert result.stdout == ""
    assert not list(tmp_path.glob("*.csv"))


def test_an_empty_folder_is_an_error(tmp_path: Path, detect: Callable[..., Result]) -> None:
    (tmp_path / "empty").mkdir()
    result = detect(images=tmp_path / "empty")
    assert result.exit_code == 1
    assert f"{tmp_path / 'empty'}: no image there (looked for .bmp, .gif, .jpeg" in result.stderr


def test_a_graph_that_lacks_an_output_is_an_error_that_says_what_it_has(
    tmp_path: Path, detect: Callable[..., Result]
) -> None:
    model = write_frozen_graph(tmp_path / "model.pb", without="num_detections")
    result = detect(model=model)
    assert result.exit_code == 1
    assert f"{model}: lacks num_detections:0; it has the inputs image_tensor" in result.stderr
    assert not (tmp_path / "detections.csv.partial").exists()
