"""What detect writes, against the original script's rules and the pixels themselves."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detloop.detect import DetectSummary, detect_images
from detloop.labels import LabelMap, write_label_map
from tests.drawn import BLUE, GREEN, RED, draw_image
from tests.tiny_models import colored_boxes, write_frozen_graph, write_saved_model

NAMES = {1: "red", 2: "green", 3: "blue"}


def draw_film(folder: Path, count: int, sizes_wh: list[tuple[int, int]] | None = None) -> None:
    """Images 0000.png, ... of rectangles that move, in the three colours and the given sizes by turns."""
    sizes_wh = sizes_wh or [(96, 64)]
    for number in range(count):
        x, y = 3 + 5 * number % 37, 2 + 3 * number % 23
        draw_image(
            folder / f"{number:04d}.png",
            [(x, y, x + 11 + number % 7, y + 9)] if number % 5 else [],
            sizes_wh[number % len(sizes_wh)],
            [RED, GREEN, BLUE][number % 3],
        )


def rows_by_the_original_rules(folder: Path, names: dict[int, str], threshold: float) -> list[list[str]]:
    """The original script's loop; box edges and scores are Python floats, as numpy 1 made of float32 * int."""
    rows: list[list[str]] = []
    for path in sorted(folder.rglob("*.*")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        height, width = pixels.shape[:2]
        boxes, scores = colored_boxes(pixels)
        for i in range(3):
            score = float(scores[i])
            if score > threshold:
                ymin, xmin, ymax, xmax = (float(edge) for edge in boxes[i])
                edges = int(xmin * width), int(ymin * height), int(xmax * width), int(ymax * height)
                name = names.get(i + 1, "N/A")
                row = (path.relative_to(folder), width, height, name, f"{score:.6f}", *edges)
                rows.append([str(value) for value in row])
    return rows


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def run(
    model: Path, label_map: Path, images: Path, output: Path, threshold: float = 0.5, **options: bool | int
) -> DetectSummary:
    return detect_images(
        model=str(model), label_map=str(label_map), images=str(images), output=output, threshold=threshold, **options
    )


@pytest.mark.parametrize("sizes_wh", [[(96, 64)], [(96, 64), (64, 96)], [(50 + 3 * n, 60) for n in range(9)]])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_the_table_is_what_the_original_script_writes(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path, sizes_wh: list[tuple[int, int]], batch_size: int
) -> None:
    images, output = tmp_path / "images", tmp_path / "out" / "detections.csv"
    draw_film(images, 50, sizes_wh)
    summary = run(frozen_graph, color_label_map, images, output, batch_size=batch_size)
    header, *rows = read_csv(output)
    assert header == ["filename", "width", "height", "class", "score", "xmin", "ymin", "xmax", "ymax"]
    assert rows == rows_by_the_original_rules(images, NAMES, 0.5)
    assert summary.boxes == len(rows) == 40
    header, *rows = read_csv(output.with_name("images.csv"))
    assert header == ["filename", "width", "height", "detections", "error"]
    expected = [(f"{n:04d}.png", *sizes_wh[n % len(sizes_wh)], int(n % 5 > 0), "") for n in range(50)]
    assert rows == [[str(value) for value in row] for row in expected]


def test_every_form_of_a_model_gives_the_same_table(
    tmp_path: Path, frozen_graph: Path, saved_model: Path, color_label_map: Path
) -> None:
    draw_film(tmp_path / "images", 11)
    one_at_a_time = write_saved_model(tmp_path / "one", batch_size=1)
    for number, model in enumerate((frozen_graph, frozen_graph.parent, saved_model, saved_model.parent, one_at_a_time)):
        run(model, color_label_map, tmp_path / "images", tmp_path / str(number) / "detections.csv")
    tables = [read_csv(tmp_path / str(number) / "detections.csv") for number in range(5)]
    assert len(tables[0]) > 5
    assert all(table == tables[0] for table in tables)


def test_ids_that_the_label_map_lacks_are_written_as_not_available_with_a_warning(
    tmp_path: Path, color_label_map: Path
) -> None:
    draw_film(tmp_path / "images", 9)
    model = write_frozen_graph(tmp_path / "model.pb", class_ids=(2, 7, 90))
    write_label_map(LabelMap({2: "red", 90: "blue"}), tmp_path / "gaps.pbtxt")
    summary = run(model, tmp_path / "gaps.pbtxt", tmp_path / "images", tmp_path / "detections.csv")
    classes = [row[3] for row in read_csv(tmp_path / "detections.csv")[1:]]
    expected = [["red", "N/A", "blue"][n % 3] for n in range(9) if n % 5]
    assert classes == expected
    assert summary.boxes_of_class == {name: expected.count(name) for name in ("red", "N/A", "blue")}
    assert f"warning: {expected.count('N/A')} boxes are of classes that the label map lacks" in str(summary)


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, [129, 200]), (0.498, [128, 129, 200]), (0.78125, [])])
def test_only_scores_strictly_above_the_threshold_are_written(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path, threshold: float, kept: list[int]
) -> None:
    for brightness in (127, 128, 129, 200):
        draw_image(tmp_path / "images" / f"{brightness}.png", [(5, 5, 20, 20)], color=(brightness, 10, 10))
    run(frozen_graph, color_label_map, tmp_path / "images", tmp_path / "detections.csv", threshold)
    assert [row[0] for row in read_csv(tmp_path / "detections.csv")[1:]] == [f"{value}.png" for value in kept]


def test_images_come_in_the_code_point_order_of_their_names(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path
) -> None:
    names = ["Z.png", "a b.png", "a,b.png", "a-1.png", "a/2.png", "a/1.png", "a.png", "ä.png", "10.png", "9.png"]
    for name in [*names, 'say "cheese".png', "line\nbreak.png", "line\rbreak.png", ".hidden.png"]:
        draw_image(tmp_path / "images" / name, [(4, 4, 30, 30)])
    run(frozen_graph, color_label_map, tmp_path / "images", tmp_path / "detections.csv")
    expected = sorted([*names, 'say "cheese".png', "line\nbreak.png", "line\rbreak.png"])
    for table in ("detections.csv", "images.csv"):
        assert [row[0] for row in read_csv(tmp_path / table)[1:]] == expected


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path, frozen_graph: Path, color_label_map: Path) -> None:
    image = draw_image(tmp_path / "images" / "plain.png", [(4, 4, 30, 30)])
    name = b"caf\xe9.png"
    Path(bytes(image.parent).decode() + "/" + name.decode(errors="surrogateescape")).write_bytes(image.read_bytes())
    run(frozen_graph, color_label_map, tmp_path / "images", tmp_path / "detections.csv")
    assert name + b",96,64,red," in (tmp_path / "detections.csv").read_bytes()


def test_folder_glob_and_manifest_name_the_same_images(
    tmp_path: Path, frozen_graph: Path, color_label_map: Path
) -> None:
    draw_film(tmp_path / "images", 4)
    (tmp_path / "images" / "list.txt").write_text("0003.png\n0001.png\n\n0002.png\n0000.png\n")
    tables = []
    for uri in (tmp_path / "images", tmp_path / "images" / "*.png", tmp_path / "images" / "list.txt"):
        run(frozen_graph, color_label_map, uri, tmp_path / "detections.csv")
        tables.append((tmp_path / "detections.csv").read_bytes())
    assert tables[0].count(b"\n") == 4
    assert tables[1] == tables[0]
    assert tables[2] == tables[0]
