"""The steps' functions called as KFP calls them, with real artifacts, and their contracts as KFP reads them."""

import ast
import csv
import json
from pathlib import Path

import pytest
from kfp import dsl

from components.collect import collect
from components.detect import detect
from components.evaluate import evaluate
from components.export import export
from components.promote import promote
from components.records import records as write_records
from components.report import report
from components.select import select
from components.summary import summary
from components.train import train
from detloop.labels import read_label_map
from tests.drawn import BLUE, RED, draw_image

STEPS = (select, detect, collect, write_records, train, export, evaluate, report, promote, summary)
COMPONENTS = {step.name: step for step in STEPS}
STAGE_OF = {"select": "promotion", "promote": "promotion", "collect": "detect"}
"""The stages of components that are not called as these are."""

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def images(folder: Path) -> Path:
    """Six images with a red rectangle and one with a blue one, which is not learnt."""
    for number in range(6):
        draw_image(folder / "images" / f"{number}.png", [(8 + 8 * number, 8, 40 + 8 * number, 48)], color=RED)
    draw_image(folder / "images" / "6.png", [(8, 8, 40, 40)], color=BLUE)
    return folder / "images"


@pytest.fixture(scope="module")
def listing(images: Path, folder: Path) -> dsl.Dataset:
    made = dsl.Dataset(uri=str(folder / "listing"))
    chosen = select.python_func(images=str(images), listing=made, page=dsl.Markdown(uri=str(folder / "page")), shards=2)
    assert chosen == (7, ["1/1"], "", "", "")
    return made


@pytest.fixture(scope="module")
def detections(
    images: Path, folder: Path, frozen_graph: Path, color_label_map: Path, listing: dsl.Dataset
) -> dsl.Dataset:
    made = dsl.Dataset(uri=str(folder / "detections"))
    detect.python_func(
        images=str(images),
        model=dsl.Model(uri=str(frozen_graph)),
        label_map=dsl.Artifact(uri=str(color_label_map)),
        listing=listing,
        detections=made,
        threshold=0.5,
        batch_size=4.0,
    )
    return made


@pytest.fixture(scope="module")
def records_page(folder: Path) -> dsl.HTML:
    return dsl.HTML(uri=str(folder / "records-page"))


@pytest.fixture(scope="module")
def records(
    images: Path, folder: Path, detections: dsl.Dataset, records_page: dsl.HTML, color_label_map: Path
) -> dsl.Dataset:
    made = dsl.Dataset(uri=str(folder / "records"))
    write_records.python_func(
        images=str(images),
        detections=detections,
        teacher_label_map=dsl.Artifact(uri=str(color_label_map)),
        records=made,
        label_map=dsl.Artifact(uri=str(folder / "wanted.pbtxt")),
        page=records_page,
        classes="red",
        first=4.0,
    )
    return made


@pytest.fixture(scope="module")
def metrics(folder: Path) -> dsl.Metrics:
    return dsl.Metrics(uri=str(folder / "metrics"))


@pytest.fixture(scope="module")
def evaluation(
    records: dsl.Dataset, metrics: dsl.Metrics, folder: Path, frozen_graph: Path, color_label_map: Path
) -> dsl.Artifact:
    model = folder / "model"
    model.mkdir()
    (model / "frozen_inference_graph.pb").symlink_to(frozen_graph)
    (model / "label_map.pbtxt").symlink_to(color_label_map)
    made = dsl.Artifact(uri=str(folder / "evaluation"))
    evaluate.python_func(model=dsl.Model(uri=str(model)), records=records, evaluation=made, metrics=metrics)
    return made


def test_detect_writes_both_tables_and_tells_the_counts(detections: dsl.Dataset) -> None:
    with open(Path(detections.path, "detections.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["red"] * 6 + ["blue"]
    assert len(Path(detections.path, "images.csv").read_text().splitlines()) == 1 + 7
    assert (detections.metadata["images"], detections.metadata["boxes"]) == (7, 7)
    assert detections.metadata["passes_per_image"] == 1


def test_detect_looks_at_tiles_and_mirrored_views_when_asked(
    images: Path, tmp_path: Path, frozen_graph: Path, color_label_map: Path, listing: dsl.Dataset
) -> None:
    made = dsl.Dataset(uri=str(tmp_path / "detections"))
    detect.python_func(
        images=str(images),
        model=dsl.Model(uri=str(frozen_graph)),
        label_map=dsl.Artifact(uri=str(color_label_map)),
        listing=listing,
        detections=made,
        tile="64x64",
        flip=True,
        scales="1,1.5",
        merge="nms",
    )
    assert made.metadata["passes_per_image"] > 8


def test_records_splits_the_wanted_class_and_ships_its_label_map(records: dsl.Dataset, folder: Path) -> None:
    names = {path.name for path in Path(records.path).iterdir()}
    assert {"train-00000-of-00001.record", "valid-00000-of-00001.record", "label_map.pbtxt", "split.csv"} <= names
    assert (records.metadata["train_images"], records.metadata["valid_images"]) == (4, 2)
    assert read_label_map(folder / "wanted.pbtxt").names == ["red"]


def test_records_shows_what_it_wrote_on_a_page(records: dsl.Dataset, records_page: dsl.HTML) -> None:
    page = Path(records_page.path).read_bytes()
    assert page == Path(records.path, "report.html").read_bytes()
    assert page.count(b"data:image/jpeg;base64,") == 6


def test_evaluate_measures_a_model_that_finds_everything(evaluation: dsl.Artifact, metrics: dsl.Metrics) -> None:
    written = json.loads(Path(evaluation.path, "metrics.json").read_text())
    assert metrics.metadata["AP50"] == pytest.approx(1.0)
    assert written["AP"] == metrics.metadata["AP"] == evaluation.metadata["AP"]
    assert json.loads(Path(metrics.path).read_text()) == written


def test_report_makes_a_page_and_a_table(
    images: Path, detections: dsl.Dataset, evaluation: dsl.Artifact, tmp_path: Path
) -> None:
    training = tmp_path / "training"
    training.mkdir()
    (training / "training_log.csv").write_text(
        "step,loss,learning_rate,images_per_second\n1,2.5,0.01,9\n2,1.5,0.01,9\n"
    )
    page, summary = dsl.HTML(uri=str(tmp_path / "page")), dsl.Markdown(uri=str(tmp_path / "summary"))
    report.python_func(
        images=str(images),
        teacher=detections,
        student=detections,
        evaluation=evaluation,
        training=dsl.Model(uri=str(training)),
        page=page,
        summary=summary,
    )
    assert Path(page.path).read_text().count("data:image/jpeg;base64,") == 2 * 7
    assert "| red | 1.000 |" in Path(summary.path).read_text()
    assert page.metadata["teacher_boxes"] == 7


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_a_component_imports_one_stage_and_documents_every_parameter(name: str) -> None:
    spec = COMPONENTS[name].component_spec
    assert spec.description
    undocumented = [
        each for each, one in {**(spec.inputs or {}), **(spec.outputs or {})}.items() if not one.description
    ]
    assert undocumented == []
    tree = ast.parse((ROOT / "components" / f"{name}.py").read_text())
    stages = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "detloop" in (node.module or "")
    }
    assert stages == {f"detloop.{STAGE_OF.get(name, name)}"}
