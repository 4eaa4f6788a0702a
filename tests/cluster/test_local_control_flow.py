"""Conditions, alternatives and loops on this machine, which kfp.local alone would run otherwise than a cluster does."""

import builtins
from pathlib import Path
from typing import NamedTuple

import pytest
from kfp import dsl

from detloop.cluster import run_locally
from detloop.errors import DetloopError

RESULTS = {
    "plan": ("plan.note",),
    "found": ("find.found", "join.found"),
    "model": ("keep.model",),
    "evaluation": ("keep.model",),
    "report": ("told.note",),
}


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def plan(images: int, parts: int, note: dsl.Output[dsl.Artifact]) -> NamedTuple(
    "Plan", [("images", int), ("parts", list[str])]
):  # type: ignore[valid-type]
    from pathlib import Path

    Path(note.path).write_text(f"{images} images")
    return images, [f"{number + 1}/{int(parts)}" for number in range(int(parts))]


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def find(found: dsl.Output[dsl.Dataset], part: str = "all") -> None:
    from pathlib import Path

    from detloop.errors import DetloopError

    if part == "3/3":
        raise DetloopError("part 3/3 is bad")
    Path(found.path).write_text(f"{part};")


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def join(parts: dsl.Input[list[dsl.Dataset]], found: dsl.Output[dsl.Dataset]) -> None:
    from pathlib import Path

    Path(found.path).write_text("".join(Path(part.path).read_text() for part in parts))


@dsl.component(base_image="tiny:1", install_kfp_package=False)
def keep(found: dsl.Input[dsl.Dataset], place: str, model: dsl.Output[dsl.Model]) -> None:
    from pathlib import Path

    Path(model.path).write_text(f"{Path(found.path).read_text()} at {place}")


@dsl.pipeline(name="branching")
def branching(images: int, parts: int, place: str = "") -> None:
    planned = plan(images=images, parts=parts)
    with dsl.If(planned.outputs["images"] > 0, "some"):
        with dsl.If(parts == 1, "one"):
            whole = find()
        with dsl.Else("many"):
            with dsl.ParallelFor(planned.outputs["parts"]) as part:
                each = find(part=part)
            joined = join(parts=dsl.Collected(each.outputs["found"]))
        found = dsl.OneOf(whole.outputs["found"], joined.outputs["found"])
        with dsl.If(place != "", "a place"):
            keep(found=found, place=place)


def made(tmp_path: Path, **arguments: object) -> dict[str, str]:
    """What each result of a run holds; a result named model would be copied as a real one's folder."""
    results = {"kept" if name == "model" else name: sources for name, sources in RESULTS.items()}
    summary = run_locally(branching, results, arguments, tmp_path / "out")
    return {step.name: step.path.read_text() for step in summary.steps}


@pytest.mark.parametrize(("parts", "found"), [(1, "all;"), (2, "1/2;2/2;")])
def test_one_way_is_gone_and_its_result_taken(tmp_path: Path, parts: int, found: str) -> None:
    assert made(tmp_path, images=7, parts=parts) == {"plan": "7 images", "found": found}


@pytest.mark.parametrize("place", ["/it's/here", "a\\b", "Größe"])
def test_a_text_in_a_condition_stays_what_it_is(tmp_path: Path, place: str) -> None:
    assert made(tmp_path, images=7, parts=1, place=place)["kept"] == f"all; at {place}"


def test_where_there_is_nothing_to_do_nothing_is_done(tmp_path: Path) -> None:
    assert made(tmp_path, images=0, parts=1, place="here") == {"plan": "0 images"}
    summary = run_locally(branching, RESULTS, {"images": 0, "parts": 1}, tmp_path / "out")
    assert "there was nothing to do" in str(summary)


def test_a_part_that_fails_fails_the_run_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(DetloopError, match=r"^step find-2: part 3/3 is bad$"):
        made(tmp_path, images=7, parts=3)


def test_a_loop_leaves_print_as_it_was(tmp_path: Path) -> None:
    before = builtins.print
    made(tmp_path, images=7, parts=2)
    assert builtins.print is before
