"""The report on images that the tests draw: what stands on the page, and what is refused."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detloop.errors import DetloopError
from detloop.pages.drawing import CLASS_COLORS
from detloop.report import ReportSummary, write_comparison
from detloop.store import open_store
from tests.drawn import draw_image
from tests.page import Page
from tests.tables import IMAGES_HEADER, row, write_csv

METRICS = {
    "AP": 0.4321,
    "AP50": 0.8125,
    "AP75": None,
    "AR100": 0.5,
    "images": 120,
    "ground_truth_boxes": 1234,
    "detected_boxes": 1100,
    "per_class": [
        {
            "class": "person",
            "AP": 0.4321,
            "AP50": 0.8125,
            "AR100": 0.5,
            "ground_truth_boxes": 1234,
            "detected_boxes": 1100,
        }
    ],
}
LOG_HEADER = ("step", "loss", "learning_rate", "images_per_second")
ImageRows = Sequence[tuple[object, ...]]


def write_tables(folder: Path, boxes: ImageRows, images: ImageRows) -> Path:
    folder.mkdir()
    write_csv(folder / "images.csv", images, IMAGES_HEADER)
    return write_csv(folder / "detections.csv", boxes)


class Run:
    """Images and the tables of both sides in a folder, and the report on them."""

    def __init__(self, folder: Path, names: Sequence[str], size_wh: tuple[int, int] = (96, 64)) -> None:
        self.folder, self.names, self.size_wh = folder, names, size_wh
        self.output = folder / "report.html"
        for name in names:
            draw_image(folder / "images" / name, [(30, 10, 60, 50)], size_wh)

    def looked_at(self, names: Sequence[str] | None = None) -> ImageRows:
        return [(name, *self.size_wh, 1, "") for name in (self.names if names is None else names)]

    def tables(self, side: str, boxes: ImageRows, images: ImageRows | None = None) -> None:
        write_tables(self.folder / side, boxes, self.looked_at() if images is None else images)

    def write(self, **options: object) -> ReportSummary:
        arguments: dict[str, object] = {
            "images": str(self.folder / "images"),
            "teacher": self.folder / "teacher" / "detections.csv",
            "student": self.folder / "student" / "detections.csv",
            "metrics": None,
            "output": self.output,
        }
        return write_comparison(**(arguments | options))  # type: ignore[arg-type]

    def page(self, **options: object) -> Page:
        self.write(**options)
        return Page(self.output.read_text(encoding="utf-8"))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(names: Sequence[str], **options: object) -> Run:
        return Run(tmp_path, names, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def simple_run(make_run: Callable[..., Run]) -> Run:
    run = make_run(["a.png", "b.png"])
    run.tables("teacher", [row("a.png", (30, 10, 60, 50)), row("a.png", (1, 1, 9, 9)), row("b.png", (5, 5, 20, 20))])
    run.tables("student", [row("a.png", (31, 10, 60, 50), score=0.7), row("a.png", (0, 0, 9, 9), name="dog")])
    return run


def test_both_sides_are_shown_on_the_same_ten_images_evenly_spread(make_run: Callable[..., Run]) -> None:
    names = [f"{number:06d}.png" for number in range(1, 29)]
    run = make_run(names)
    run.tables("teacher", [row(name, (30, 10, 60, 50)) for name in names])
    run.tables("student", [row(name, (30, 10, 60, 50)) for name in names[:3]])
    page = run.page()
    shown = page.texts_in("h3")
    assert shown == [f"{number:06d}.png" for number in range(1, 29, 3)]
    alts = [image["alt"] for image in page.attributes("img")]
    assert alts[0:2] == ["Teacher: 1 box on 000001.png", "Student: 1 box on 000001.png"]
    assert alts[2:4] == ["Teacher: 1 box on 000004.png", "Student: no box on 000004.png"]
    assert len(alts) == 20


@pytest.mark.parametrize(("images", "pictures", "expected"), [(3, 10, [0, 1, 2]), (1, 10, [0]), (5, 2, [0, 4])])
def test_fewer_images_or_pictures(
    make_run: Callable[..., Run], images: int, pictures: int, expected: list[int]
) -> None:
    names = [f"{number}.png" for number in range(images)]
    run = make_run(names)
    for side in ("teacher", "student"):
        run.tables(side, [row(name, (30, 10, 60, 50)) for name in names])
    assert run.page(pictures=pictures).texts_in("h3") == [names[number] for number in expected]


def test_only_images_that_both_could_read_are_shown(make_run: Callable[..., Run]) -> None:
    run = make_run(["a.png", "b.png", "c.png", "d.png"])
    run.tables("teacher", [row("d.png", (30, 10, 60, 50))], run.looked_at(["a.png", "b.png", "d.png"]))
    damaged = ("b.png", 0, 0, 0, "the file is empty (0 bytes)")
    run.tables("student", [], [*run.looked_at(["a.png"]), damaged, *run.looked_at(["c.png", "d.png"])])
    page = run.page()
    assert page.texts_in("h3") == ["a.png", "d.png"]
    assert ["Images that could not be read", "0", "1"] in page.rows()


def test_images_may_lie_in_a_bucket(simple_run: Run, minio_bucket: str) -> None:
    store = open_store(minio_bucket)
    for name in simple_run.names:
        store.write_file(name, simple_run.folder / "images" / name)
    simple_run.write()
    of_local_images = simple_run.output.read_bytes()
    simple_run.write(images=minio_bucket)
    assert simple_run.output.read_bytes() == of_local_images


def test_boxes_are_drawn_where_they_lie(make_run: Callable[..., Run]) -> None:
    """In the scaled picture the frame goes around the box: its colour is found there, and nowhere on the other side."""
    run = make_run(["a.png"], size_wh=(480, 320))
    run.tables("teacher", [row("a.png", (200, 150, 280, 250), size_wh=(480, 320))])
    run.tables("student", [])
    teacher, student = run.page().pictures()
    assert teacher.shape == student.shape == (320, 480, 3)
    changed = np.abs(teacher.astype(int) - student.astype(int)).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    assert abs(columns.min() - 197) <= 3
    assert abs(rows.max() - 253) <= 3
    assert not changed[160:240, 210:270].any(), "the inside of the box is covered"
    frame_color = np.array([int(CLASS_COLORS[0][start : start + 2], 16) for start in (1, 3, 5)])
    assert np.abs(teacher[160:240, 197:199].mean(axis=(0, 1)) - frame_color).max() < 40


def test_what_each_found_is_counted_by_class(simple_run: Run) -> None:
    page = simple_run.page()
    rows = page.rows()
    assert ["Images looked at", "2", "2"] in rows
    assert ["Images with boxes", "2", "1"] in rows
    assert ["Boxes", "3", "2"] in rows
    assert ["Boxes per image", "1.50", "1.00"] in rows
    assert ["person", "3", "1"] in rows
    assert ["dog", "0", "1"] in rows


def test_boxes_at_or_below_the_threshold_are_neither_counted_nor_shown(make_run: Callable[..., Run]) -> None:
    run = make_run(["a.png", "b.png"])
    run.tables(
        "teacher",
        [
            row("a.png", (30, 10, 60, 50), score=0.41),
            row("a.png", (1, 1, 9, 9), score=0.4),
            row("b.png", (5, 5, 20, 20), score=0.2),
        ],
    )
    run.tables("student", [])
    summary = run.write(threshold=0.4)
    assert (summary.teacher_boxes, summary.student_boxes) == (1, 0)
    alts = [image["alt"] for image in run.page(threshold=0.4).attributes("img")]
    assert alts[0] == "Teacher: 1 box on a.png"
    assert alts[2] == "Teacher: no box on b.png"


def test_metrics_and_what_they_are_measured_against(simple_run: Run, tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps(METRICS))
    page = simple_run.page(metrics=metrics)
    figures = dict(zip(page.texts_in("dt"), page.texts_in("dd")[::2], strict=True))
    assert figures == {"AP": "0.432", "AP50": "0.812", "AP75": "-", "AR100": "0.500"}
    assert ["person", "0.432", "0.812", "0.500", "1,234", "1,100"] in page.rows()
    assert "Measured on 120 validation images, against the teacher's labels." in " ".join(page.texts_in("p"))


def test_the_loss_falls_from_left_to_right(simple_run: Run, tmp_path: Path) -> None:
    log = write_csv(
        tmp_path / "log.csv", [(step, 9 / step, 0.001, 4 + step % 3) for step in range(1, 2001)], LOG_HEADER
    )
    page = simple_run.page(training_log=log)
    assert "at 5.0 images a second" in " ".join(page.texts_in("p"))
    for line in page.attributes("polyline"):
        points = [tuple(map(float, point.split(","))) for point in line["points"].split()]
        assert 100 < len(points) < 500
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        assert [y for _, y in points] == sorted(y for _, y in points), "y grows downwards as the loss falls"
    assert {"step 0", "500", "2,000", "10"} <= set(page.texts_in("text"))


def test_a_log_without_steps_draws_nothing(simple_run: Run, tmp_path: Path) -> None:
    page = simple_run.page(training_log=write_csv(tmp_path / "log.csv", [], LOG_HEADER))
    assert not page.attributes("svg")


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_short_logs_are_drawn(simple_run: Run, tmp_path: Path, steps: int) -> None:
    log = write_csv(tmp_path / "log.csv", [(step, 0, 0, 1) for step in range(1, steps + 1)], LOG_HEADER)
    page = simple_run.page(training_log=log)
    assert [len(line["points"].split()) for line in page.attributes("polyline")] == [steps, steps]


ODD_NAMES = [
    "<script>alert('1')<script>.png",
    '"><img src=x onerror=alert(1)>.png',
    "a, b & c.png",
    "böse {{ 7 * 7 }} 猫.png",
    "not utf-8 \udcff.png",
]


def test_odd_names_are_shown_and_never_run(make_run: Callable[..., Run]) -> None:
    names = sorted(ODD_NAMES)
    run = make_run(names)
    class_name = "<b onclick='x()'>&猫\udcff"
    run.tables("teacher", [row(name, (30, 10, 60, 50), name=class_name) for name in names])
    run.tables("student", [])
    page = run.page()
    assert page.texts_in("h3") == [name.replace("\udcff", "?") for name in names]
    assert ["<b onclick='x()'>&猫?", "5", "0"] in page.rows()
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "b"})
    assert len(page.attributes("img")) == 2 * len(names)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_the_page_needs_nothing_from_elsewhere(simple_run: Run, tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps(METRICS))
    page = simple_run.page(metrics=metrics)
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "script", "iframe", "object", "base"})
    references = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert references
    assert all(reference.startswith("data:") for reference in references)
    assert not re.search(r"url\(|@import|https?:", page.html)


def test_the_page_stays_below_five_megabytes(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """Noise is what JPEG stores worst: six pairs of it would take some 9 MB at the first choice of quality."""
    names = [f"{number:02d}.jpg" for number in range(6)]
    run = make_run([])
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (720, 720, 3), dtype=np.uint8)
    for name in names:
        Image.fromarray(noise).save(tmp_path / "images" / name)
    for side in ("teacher", "student"):
        run.tables(side, [], [(name, 720, 720, 0, "") for name in names])
    summary = run.write(pictures=6)
    assert summary.size_bytes == run.output.stat().st_size
    assert 2_500_000 < summary.size_bytes <= 5_000_000


def test_the_summary_says_what_is_on_the_page(simple_run: Run) -> None:
    summary = simple_run.write()
    assert summary.metadata() == {
        "pictures": 2,
        "images": 2,
        "teacher_boxes": 3,
        "student_boxes": 2,
        "size_bytes": simple_run.output.stat().st_size,
    }
    assert str(simple_run.output) in str(summary)


def _without(key: str) -> str:
    return json.dumps({name: value for name, value in METRICS.items() if name != key})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("teacher/images.csv", None, "no such images table"),
        ("student/detections.csv", None, "no such detections table"),
        ("student/images.csv", "filename,width,height,detections,error\n", "have no readable image in common"),
        (
            "student/images.csv",
            "filename,width,height,detections,error\nb.png,96,64,0,\na.png,96,64,0,\n",
            "a.png stands after b.png",
        ),
        ("student/images.csv", "filename,width,height,detections,error\na.png,9,64,0,\n", "a.png is 96x64 in"),
        ("images/a.png", "not an image", "is not an image"),
        ("images/a.png", None, "cannot be read"),
        ("metrics.json", None, "no such metrics file"),
        ("metrics.json", "{", "not the metrics.json"),
        ("metrics.json", "[]", "not the metrics.json"),
        ("metrics.json", _without("AP75"), "'AP75' is missing"),
        ("metrics.json", json.dumps(METRICS | {"AP": "high"}), "'high' is not a number"),
        ("metrics.json", json.dumps(METRICS | {"images": None}), "not the metrics.json"),
        ("metrics.json", json.dumps(METRICS | {"per_class": [1]}), "not the metrics.json"),
        ("log.csv", None, "no such training log"),
        ("log.csv", "step,loss\n1,2\n", "column images_per_second is missing"),
        ("log.csv", "step,loss,images_per_second\n1,2,3\n2,nan,3\n", "line 3: 'nan' is not a number"),
    ],
)
def test_what_is_wrong_gets_one_line_and_no_page(
    simple_run: Run, tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    write_csv(tmp_path / "log.csv", [(1, 2, 3, 4)], LOG_HEADER)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(DetloopError) as caught:
        simple_run.write(metrics=tmp_path / "metrics.json", training_log=tmp_path / "log.csv")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("report.html*"))


def test_other_images_than_the_tables_say_are_refused(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(["a.png"])
    for side in ("teacher", "student"):
        run.tables(side, [])
    draw_image(tmp_path / "images" / "a.png", size_wh=(64, 96))
    with pytest.raises(DetloopError, match=r"a\.png is 64x96 pixels, but 96x64 in the tables"):
        run.write()
