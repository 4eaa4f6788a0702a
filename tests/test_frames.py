"""`detloop frames`, on films that the test encodes itself: frame n is a grey of 10 n."""

import sys
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from detloop.cli import main
from detloop.frames import write_frames

FRAMES = 12


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return encode_film(tmp_path / "film.avi")


def encode_film(path: Path, frames: int = FRAMES, size_wh: tuple[int, int] = (64, 48)) -> Path:
    width, height = size_wh
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(1, frames + 1):
            picture = np.full((height, width, 3), 10 * number % 256, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def encode_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        samples.sample_rate = 8000
        container.mux(stream.encode(samples))
        container.mux(stream.encode())
    return path


def frame_numbers(folder: Path) -> list[int]:
    """Which frames of the film lie in the folder, told from their grey."""
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{n:06d}.jpg" for n in range(1, len(files) + 1)]
    return [round(float(np.asarray(Image.open(file)).mean()) / 10) for file in files]


@pytest.mark.parametrize(
    ("every", "first", "expected"),
    [
        (1, None, list(range(1, 13))),
        (1, 5, [1, 2, 3, 4, 5]),
        (5, None, [1, 6, 11]),
        (3, 2, [1, 4]),
        (1, 100, list(range(1, 13))),
    ],
)
def test_every_nth_frame_until_enough(
    film: Path, tmp_path: Path, every: int, first: int | None, expected: list[int]
) -> None:
    summary = write_frames(video=str(film), output=tmp_path / "frames", every=every, first=first)
    assert frame_numbers(tmp_path / "frames") == expected
    assert (summary.frames, summary.width, summary.height) == (len(expected), 64, 48)
    assert summary.metadata()["frames"] == len(expected)


def test_frames_of_an_earlier_run_are_replaced(film: Path, tmp_path: Path) -> None:
    write_frames(video=str(film), output=tmp_path / "frames")
    write_frames(video=str(film), output=tmp_path / "frames", first=2)
    assert frame_numbers(tmp_path / "frames") == [1, 2]


def test_a_folder_with_other_files_is_not_replaced(film: Path, tmp_path: Path) -> None:
    keepsake = tmp_path / "photos" / "holiday.jpg"
    keepsake.parent.mkdir()
    keepsake.write_bytes(b"precious")
    result = CliRunner().invoke(main, ["frames", "--video", str(film), "--output", str(keepsake.parent)])
    assert result.exit_code == 1
    assert "holds other files, such as holiday.jpg" in result.stderr
    assert keepsake.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("none.avi", lambda path: None, "no such film"),
        ("text.avi", lambda path: path.write_text("not a film\n" * 100), "cannot be read as a film"),
        ("empty.avi", lambda path: path.write_bytes(b""), "cannot be read as a film"),
        ("folder.avi", lambda path: path.mkdir(), "is a folder"),
        ("sound.wav", encode_sound, "has no video stream"),
    ],
)
def test_what_is_no_film_gets_one_line_and_leaves_nothing(tmp_path: Path, name: str, make, reason: str) -> None:
    make(tmp_path / name)
    result = CliRunner().invoke(main, ["frames", "--video", str(tmp_path / name), "--output", str(tmp_path / "out")])
    assert result.exit_code == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(f"detloop: error: {tmp_path / name}: ")
    assert reason in last
    assert not list(tmp_path.glob("out*"))


def test_without_pyav_the_error_names_the_extra(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    result = CliRunner().invoke(main, ["frames", "--video", str(film), "--output", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "detloop[video]" in result.stderr
