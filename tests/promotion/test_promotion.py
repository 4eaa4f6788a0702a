"""Selecting what no champion has seen, and promoting a model that is not worse than the champion."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from detloop.cli import main
from detloop.errors import DetloopError
from detloop.listing import read_listing
from detloop.promotion import Promotion, Selection, champion_version, promote_model, read_champion, select_images
from detloop.store import open_store
from tests.drawn import draw_image
from tests.promotion.conftest import Export, Metrics


def select(tmp_path: Path, promoted: str, **options: object) -> Selection:
    given = {"images": str(tmp_path / "images"), "output": tmp_path / "listing.csv", "promoted": promoted, **options}
    return select_images(**given)  # type: ignore[arg-type]


def promote(tmp_path: Path, promoted: str, model: Path, metrics: Path, **options: object) -> Promotion:
    given = {"model": model, "metrics": metrics, "listing": tmp_path / "listing.csv", "promoted": promoted, **options}
    return promote_model(**given)  # type: ignore[arg-type]


def listed_names(tmp_path: Path) -> list[str]:
    return [os.path.basename(image.uri) for image in read_listing(tmp_path / "listing.csv")]


@pytest.fixture
def promoted(tmp_path: Path, images: Path, export: Export, metrics: Metrics) -> str:
    """A location whose champion has seen the 40 images and measured an AP of 0.5."""
    place = str(tmp_path / "promoted")
    select(tmp_path, place)
    assert promote(tmp_path, place, export(), metrics("first", 0.5)).is_new
    return place


@pytest.mark.parametrize("place", ["", "nothing-yet"])
def test_the_first_run_looks_at_all_images(tmp_path: Path, images: Path, place: str) -> None:
    selection = select(tmp_path, place and str(tmp_path / place), shards=3, checkpoint="zoo/model", classes="cat")
    assert (selection.images, selection.new, selection.listed, selection.champion) == (40, 40, 40, None)
    assert list(map(str, selection.shards)) == ["1/2", "2/2"]
    assert (selection.checkpoint, selection.classes) == ("zoo/model", "cat")
    assert len(listed_names(tmp_path)) == 40


def test_what_a_champion_has_seen_is_left_out_and_its_weights_and_classes_go_on(tmp_path: Path, promoted: str) -> None:
    draw_image(tmp_path / "images/40.png")
    draw_image(tmp_path / "images/07.png", size_wh=(50, 50))
    (tmp_path / "images/08.png").unlink()
    selection = select(tmp_path, promoted)
    assert listed_names(tmp_path) == ["07.png", "40.png"]
    assert (selection.listed, selection.images, len(selection.shards)) == (40, 2, 1)
    assert Path(selection.checkpoint, "saved_model/variables/variables.data-00000-of-00001").read_text() == "first"
    assert selection.classes == "person,car"
    assert selection.champion is not None
    assert selection.champion.figure == 0.5


def test_with_nothing_new_there_is_nothing_to_do(tmp_path: Path, promoted: str) -> None:
    selection = select(tmp_path, promoted, shards=4)
    assert (selection.images, selection.shards, listed_names(tmp_path)) == (0, (), [])
    assert "nothing is detected, trained or promoted" in str(selection)


def test_too_few_new_images_wait_for_more(tmp_path: Path, promoted: str) -> None:
    for number in (40, 41):
        draw_image(tmp_path / f"images/{number}.png")
    assert select(tmp_path, promoted, least_new=3).images == 0
    assert select(tmp_path, promoted, least_new=2).images == 2


def test_all_images_and_other_weights_can_be_asked_for(tmp_path: Path, promoted: str) -> None:
    selection = select(tmp_path, promoted, new_only=False, warm_start=False, checkpoint="zoo/model", classes="cat")
    assert (selection.images, selection.checkpoint, selection.classes) == (40, "zoo/model", "cat")


@pytest.mark.parametrize(
    ("new", "champion", "least_gain", "is_new"),
    [
        (0.5, 0.4, 0.0, True),
        (0.4, 0.4, 0.0, True),
        (0.39, 0.4, 0.0, False),
        (0.44, 0.4, 0.05, False),
        (0.46, 0.4, 0.05, True),
        (None, 0.4, 0.0, False),
        (0.5, None, 0.0, False),
    ],
)
def test_a_model_that_is_not_worse_takes_the_champions_place(
    tmp_path: Path,
    promoted: str,
    export: Export,
    metrics: Metrics,
    new: float | None,
    champion: float | None,
    least_gain: float,
    is_new: bool,
) -> None:
    draw_image(tmp_path / "images/40.png")
    select(tmp_path, promoted)
    before = read_champion(promoted)
    measured = {"champion_metrics": metrics("champion", champion), "least_gain": least_gain}
    promotion = promote(tmp_path, promoted, export("second"), metrics("second", new), **measured)
    assert promotion.is_new == is_new
    assert (read_champion(promoted) == before) == (not is_new)
    assert promotion.metadata()["promoted"] == ("yes" if is_new else "no")
    assert select(tmp_path, promoted).images == (0 if is_new else 1)


def test_a_champion_knows_what_all_before_it_have_seen(
    tmp_path: Path, promoted: str, export: Export, metrics: Metrics
) -> None:
    draw_image(tmp_path / "images/40.png")
    draw_image(tmp_path / "images/07.png", size_wh=(50, 50))
    select(tmp_path, promoted)
    promote(tmp_path, promoted, export("second"), metrics("second", 0.7), champion_metrics=metrics("champion", 0.5))
    champion = read_champion(promoted)
    assert champion is not None
    assert len(list(read_listing(champion.listing()))) == 41
    assert select(tmp_path, promoted).images == 0


def test_a_promotion_that_is_killed_leaves_the_champion_what_it_was(
    tmp_path: Path, promoted: str, export: Export, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_champion(promoted)
    draw_image(tmp_path / "images/40.png")
    select(tmp_path, promoted)
    given = {"champion_metrics": metrics("champion", 0.5)}
    store = type(open_store(promoted))
    written: list[str] = []

    def die_at_the_third(self: object, name: str, path: Path) -> None:
        written.append(name)
        if len(written) == 3:
            raise KeyboardInterrupt
        write_file(self, name, path)

    write_file = store.write_file
    model = export("second")
    with monkeypatch.context() as patched:
        patched.setattr(store, "write_file", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            promote(tmp_path, promoted, model, metrics("second", 0.7), **given)
    assert read_champion(promoted) == before
    assert select(tmp_path, promoted).images == 1
    assert promote(tmp_path, promoted, model, metrics("second", 0.7), **given).is_new
    assert select(tmp_path, promoted).images == 0


def test_a_promotion_may_be_done_again_by_a_step_that_is_retried(
    tmp_path: Path, promoted: str, export: Export, metrics: Metrics
) -> None:
    measured = read_champion(promoted)
    assert measured is not None
    draw_image(tmp_path / "images/40.png")
    select(tmp_path, promoted)
    given = {"champion_metrics": metrics("champion", 0.5), "champion": measured.model}
    model = export("second")
    first, again = (promote(tmp_path, promoted, model, metrics("second", 0.7), **given) for _ in range(2))
    assert first.is_new
    assert again.is_new
    assert str(again).startswith("is the champion already, with AP 0.700: ")
    assert read_champion(promoted) == first.champion == again.champion


def test_a_champion_that_came_since_is_not_replaced_unmeasured(
    tmp_path: Path, promoted: str, export: Export, metrics: Metrics
) -> None:
    given = {"champion_metrics": metrics("champion", 0.5), "champion": "elsewhere/versions/0/model"}
    with pytest.raises(DetloopError, match=r"the champion was elsewhere.* by now; nothing was promoted"):
        promote(tmp_path, promoted, export("second"), metrics("second", 0.7), **given)
    with pytest.raises(DetloopError, match=r"has a champion; measure .*/model on the same records"):
        promote(tmp_path, promoted, tmp_path / "exports/second", metrics("second", 0.7))


def test_the_commands_say_what_they_did(tmp_path: Path, images: Path, export: Export, metrics: Metrics) -> None:
    def command(*words: object) -> str:
        result = CliRunner().invoke(main, list(map(str, words)))
        assert result.exit_code == 0, result.output
        return result.output

    promoted, listing = tmp_path / "promoted", tmp_path / "listing.csv"
    place = ["--promoted", promoted]
    said = command("select", "--images", images, "--output", listing, "--shards", 2, *place)
    assert said == f"40 images in 2 shards; nothing has been promoted to {promoted} yet\n"
    result = ["--listing", listing, "--metrics", metrics("first", 0.25)]
    assert "promoted as the first champion, with AP 0.250" in command("promote", *result, *place, "--model", export())
    assert "too few are new" in command("select", "--images", images, "--output", listing, *place)
    again = [
        "--model",
        export("second"),
        "--metric",
        "AP50",
        "--champion-metrics",
        metrics("champion", 0.1),
        "--least-gain",
        0.01,
    ]
    assert "not promoted: AP50 0.900 against the champion's 0.900" in command("promote", *result, *place, *again)


@pytest.mark.parametrize(
    ("metric", "text", "reason"),
    [
        ("mAP", '{"AP": 0.5, "images": 3, "per_class": []}', "has no mAP; it has AP, images"),
        ("AP", "{", "is no metrics.json"),
    ],
)
def test_a_metric_that_is_not_there_is_told(
    tmp_path: Path, images: Path, export: Export, metric: str, text: str, reason: str
) -> None:
    select(tmp_path, "")
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(DetloopError, match=reason):
        promote(tmp_path, str(tmp_path / "promoted"), export(), tmp_path / "metrics.json", metric=metric)
    assert not (tmp_path / "promoted").exists()


@pytest.mark.parametrize("change", [{"version": "../../secret"}, {"figure": "high"}, None])
def test_a_champion_that_no_promotion_wrote_is_refused(tmp_path: Path, promoted: str, change: object) -> None:
    path = Path(promoted, "champion.json")
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, **change} if isinstance(change, dict) else [1]))
    with pytest.raises(DetloopError, match=r"champion\.json: was not written by a promotion"):
        read_champion(promoted)


def test_a_version_is_told_before_and_after(tmp_path: Path, promoted: str) -> None:
    champion = read_champion(promoted)
    assert champion is not None
    assert champion_version(promoted) == champion.version
    assert champion_version("") == champion_version(str(tmp_path / "none")) == ""


def test_a_bucket_holds_a_champion_as_a_folder_does(
    tmp_path: Path, images: Path, export: Export, metrics: Metrics, minio_bucket: str
) -> None:
    place = f"{minio_bucket}/promoted"
    assert select(tmp_path, place).images == 40
    assert promote(tmp_path, place, export(), metrics("first", 0.5)).is_new
    draw_image(tmp_path / "images/40.png")
    selection = select(tmp_path, place)
    assert (selection.images, selection.classes) == (1, "person,car")
    assert selection.checkpoint.startswith(f"{place}/versions/")
