"""The report that `detloop records` writes, as its reader sees it."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from detloop.cli import main
from detloop.images import open_source
from detloop.records import write_records
from detloop.records.report import LeftOut, ScoreRules, write_report
from tests.drawn import draw_image
from tests.page import Page
from tests.records.report.gathered import Labelled, gathered
from tests.tables import DETECTION_HEADER, row, write_csv

BOX = (10, 8, 50, 40)


def page_of(
    folder: Path,
    images: Sequence[Labelled],
    classes: Sequence[str] = ("person",),
    rules: ScoreRules | None = None,
    left_out: Sequence[LeftOut] = (),
) -> Page:
    """The page of images that are drawn first, where they are not there yet."""
    for image in images:
        if not (folder / "images" / image.filename).exists():
            draw_image(folder / "images" / image.filename, [BOX], image.size_wh)
    output = folder / "report.html"
    size_bytes = write_report(gathered(images, classes, rules), left_out, open_source(str(folder / "images")), output)
    assert size_bytes == output.stat().st_size <= 5_000_000
    return Page(output.read_text(encoding="utf-8"))


def words(page: Page) -> str:
    return " ".join(page.texts_in("p"))


def paths(page: Page, kind: str) -> list[str]:
    return [path["d"] for path in page.attributes("path") if path["class"] == kind]


def bar_edges(path: str) -> list[float]:
    """The x of every bar's left and right edge."""
    return [float(x) for pair in re.findall(r"M([\d.]+),\d+V[\d.]+H([\d.]+)", path) for x in pair]


def test_the_command_writes_it_and_its_last_line_names_it(tmp_path: Path) -> None:
    for name in "abcd":
        draw_image(tmp_path / "images" / f"{name}.jpg", [BOX])
    (tmp_path / "images" / "d.jpg").write_bytes(b"no image")
    rows = [row(f"{name}.jpg", BOX) for name in "abcd"]
    rows += [row("a.jpg", BOX, "dog"), row("a.jpg", (5, 5, 5, 9)), row("b.jpg", (50, 10, 99, 40)), row("c.jpg", BOX)]
    table = write_csv(tmp_path / "detections.csv", rows)
    arguments = ["--detections", table, "--images", tmp_path / "images", "--output", tmp_path / "out", "--first", "2"]
    result = CliRunner().invoke(main, ["records", *map(str, arguments), "--classes", "person,horse"])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    figures = dict(zip(page.texts_in("dt"), page.texts_in("dd")[::2], strict=True))
    assert figures == {"Images": "3", "Boxes": "5", "Boxes per image": "1.67", "Images without a box": "0"}
    assert ["person", "3", "2", "2", "1"] in page.rows()
    assert "Without a train box, so never learned: horse." in words(page)
    left_out = {cells[0]: cells[1] for cells in page.rows() if len(cells) == 3}
    assert left_out == {
        "Boxes of other classes": "1",
        "Boxes without area": "1",
        "Boxes clipped": "1",
        "Unreadable images": "1",
    }
    assert page.texts_in("li")[-2:] == ["dog: 1", "d.jpg is not an image (no known image format)"]


def test_bars_change_at_the_ignore_band_and_the_threshold(tmp_path: Path) -> None:
    """The chart of one class is 520 wide: scores 0 to 1 lie on x from 58 to 494."""
    scores = np.linspace(0.2, 0.999, 60)
    image = Labelled("a.png", [("person", float(score), BOX) for score in scores])
    rules = ScoreRules({"person": 0.61}, {"person": "best F1 of 20 labelled images"}, ignore_from=0.4)
    page = page_of(tmp_path, [image], rules=rules)

    def x(score: float) -> float:
        return 58 + 436 * score

    for kind, low, high in (("dropped", 0.2, 0.4), ("ignored", 0.4, 0.61), ("learned", 0.61, 1.0)):
        (path,) = paths(page, kind)
        edges = bar_edges(path)
        assert (min(edges), max(edges)) == pytest.approx((x(low), x(high)), abs=0.06), kind
    marks = [float(line["x1"]) for line in page.attributes("line") if line["class"] == "mark"]
    assert marks[:2] == pytest.approx([x(0.61), x(0.4)], abs=0.06)
    assert {"0.61", "0.4"} <= set(page.texts_in("text"))
    assert ["person", "0.61", "best F1 of 20 labelled images"] in page.rows()


def test_without_thresholds_every_box_is_learned(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Labelled("a.png", [("person", 0.3, BOX)])])
    assert paths(page, "learned")
    assert not paths(page, "dropped") + paths(page, "ignored")
    assert "No threshold was asked for: every box is learned." in words(page)


def test_ignored_boxes_are_drawn_dashed_and_said_so(tmp_path: Path) -> None:
    """Along its upper line a solid frame has the class's colour throughout, a dashed one in about half."""
    boxes = [("person", 0.9, (40, 100, 240, 300)), ("person", 0.4, (340, 100, 540, 300))]
    rules = ScoreRules({"person": 0.5}, ignore_from=0.3)
    page = page_of(tmp_path, [Labelled("a.png", boxes, size_wh=(600, 400))], rules=rules)
    (picture,) = page.pictures()
    assert picture.shape == (400, 600, 3)
    bright = picture[97, :, :2].mean(axis=1) > 120
    assert bright[60:220].mean() > 0.95
    assert 0.3 < bright[360:520].mean() < 0.7
    assert [image["alt"] for image in page.attributes("img")] == ["1 box, 1 ignored on a.png"]
    assert "Dashed boxes are ignored." in words(page)
    assert ["person", "1", "0", "1", "0", "1"] in page.rows()


def test_labels_made_by_hand_have_no_scores_and_are_shown_by_chance(tmp_path: Path) -> None:
    header = [name for name in DETECTION_HEADER if name != "score"]
    names = [f"{number:02d}.png" for number in range(40)]
    for name in names:
        draw_image(tmp_path / "images" / name, [BOX])
    rows = [tuple(value for index, value in enumerate(row(name, BOX)) if index != 4) for name in names]
    table = write_csv(tmp_path / "labels.csv", rows, header)
    write_records(detections=table, images=str(tmp_path / "images"), output=tmp_path / "out", first=30)
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "Every box in the table has a score of 1" in words(page)
    assert "These 24 images were picked by chance." in words(page)
    shown = [text for text in page.texts_in("h3") if text.endswith(".png")]
    assert len(set(shown)) == 24
    assert not [text for text in page.texts_in("span") if "doubt" in text]


def test_the_smallest_data_set(tmp_path: Path) -> None:
    for name in "ab":
        draw_image(tmp_path / "images" / f"{name}.png", [(0, 0, 1, 1)], size_wh=(1, 1))
    table = write_csv(tmp_path / "detections.csv", [row(f"{name}.png", (0, 0, 1, 1), size_wh=(1, 1)) for name in "ab"])
    write_records(detections=table, images=str(tmp_path / "images"), output=tmp_path / "out", first=1)
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "All images are 1 \N{MULTIPLICATION SIGN} 1 pixels." in words(page)
    assert [picture.shape for picture in page.pictures()] == [(360, 360, 3)] * 2


def test_an_image_that_cannot_be_decoded_says_so_in_its_place(tmp_path: Path) -> None:
    """The records copy it, since its marks are whole; only here is it decoded."""
    (tmp_path / "images").mkdir()
    whole = draw_image(tmp_path / "images" / "a.png", [BOX], size_wh=(300, 200)).read_bytes()
    (tmp_path / "images" / "a.png").write_bytes(whole[:60] + bytes(40) + whole[100:])
    page = page_of(
        tmp_path, [Labelled(name, [("person", 0.5, BOX)], size_wh=(300, 200)) for name in ("a.png", "b.png")]
    )
    assert [text for text in page.texts_in("p") if text.startswith("Cannot be shown: cannot be decoded")]
    assert len(page.pictures()) == 1


ODD_NAMES = ['"><img src=x onerror=alert(1)>.png', "böse {{ 7 * 7 }} 猫 & co.png", "not utf-8 \udcff.png"]


def test_odd_names_are_shown_and_never_run(tmp_path: Path) -> None:
    class_name = "<b onclick='x()'>&猫"
    reason = "<script>alert(2)</script>"
    page = page_of(
        tmp_path,
        [Labelled(name, [(class_name, 0.4, BOX)]) for name in ODD_NAMES],
        [class_name],
        ScoreRules({class_name: 0.3}, {class_name: reason}),
        [LeftOut("Unreadable images", 1, reason, (ODD_NAMES[0],))],
    )
    assert {name.replace("\udcff", "?") for name in ODD_NAMES} <= set(page.texts_in("h3"))
    assert [class_name, "3", "0", "3", "0"] in page.rows()
    assert [class_name, "0.3", reason] in page.rows()
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "b"})
    assert len(page.attributes("img")) == len(ODD_NAMES)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Labelled("a.png", [("person", 0.4, BOX)])])
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "script", "iframe", "object", "base"})
    references = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert len(references) == 3
    assert all(reference.startswith("data:") for reference in references)
    assert not re.search(r"url\(|@import|https?:", page.html)


def test_the_page_stays_below_five_megabytes(tmp_path: Path) -> None:
    """Noise is what JPEG stores worst; 1,500 classes with long names and as many left out fill the text."""
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "images" / "00.png")
    names = [f"{number:02d}.png" for number in range(30)]
    for name in names[1:]:
        (tmp_path / "images" / name).write_bytes((tmp_path / "images" / "00.png").read_bytes())
    classes = [f"{number} {'&' * 300}" for number in range(1500)]
    images = [
        Labelled(
            name,
            [(each, 0.2 + (index % 7) / 10, BOX) for index, each in enumerate(classes[start::30])],
            "train",
            (600, 600),
        )
        for start, name in enumerate(names)
    ]
    rules = ScoreRules(dict.fromkeys(classes, 0.5), dict.fromkeys(classes, "<" * 2000), 0.3)
    left_out = [LeftOut("Boxes of other classes", 9, "&" * 2000, tuple(classes))]
    page = page_of(tmp_path, images, classes, rules, left_out)
    assert len(page.html) > 2_000_000
    assert len(page.attributes("img")) == 24
    assert "1,300 more classes" in page.texts_in("th")


def test_large_images_are_shown_small_and_in_time(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.jpg", [(1000, 600, 3000, 2400)], size_wh=(4000, 3000))
    image = Labelled("a.jpg", [("person", 0.6, (1000, 600, 3000, 2400))], size_wh=(4000, 3000))
    page = page_of(tmp_path, [image])
    (picture,) = page.pictures()
    assert picture.shape == (480, 640, 3)
    red = picture[:, :, 0].astype(int) - picture[:, :, 1] > 100
    rows, columns = np.nonzero(red[100:, :])
    assert (columns.min(), columns.max()) == pytest.approx((160, 479), abs=8)
    assert rows.max() + 100 == pytest.approx(383, abs=8)


def test_many_classes_are_folded(tmp_path: Path) -> None:
    classes = [f"class {number:03d}" for number in range(120)]
    boxes = [(name, 0.5, BOX) for position, name in enumerate(classes) for _ in range(200 - position)]
    page = page_of(tmp_path, [Labelled("a.png", boxes)], classes)
    charts = [text for text in page.texts_in("h3") if text.startswith("class ") or text.endswith("more classes")]
    assert charts == [*classes[:96], "24 more classes"]
    assert page.texts_in("summary") == ["85 more charts"]
    assert "and 108 more classes" in page.texts_in("li")


def test_nothing_left_out_is_said(tmp_path: Path) -> None:
    page = page_of(tmp_path, [Labelled("a.png", [("person", 0.5, BOX)])], left_out=[LeftOut("Boxes clipped", 0, "")])
    assert page.texts_in("p")[-1] == "Nothing."
