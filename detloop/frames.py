"""A film's frames as numbered JPEG files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from detloop.errors import DetloopError
from detloop.progress import Progress
from detloop.store import existing_file, write_folder_whole

JPEG_QUALITY = 95
FRAME_NAMES = r"\d{6,}\.jpg"


@dataclass(frozen=True)
class FramesSummary:
    """What was written: how many frames, of which size in pixels, and where."""

    output: Path
    frames: int
    width: int
    height: int
    seconds: float

    def __str__(self) -> str:
        rate = self.frames / max(self.seconds, 1e-9)
        return (
            f"wrote {self.frames} frames of {self.width}x{self.height} pixels to {self.output}"
            f" ({self.seconds:.1f} s, {rate:.0f} frames/s)"
        )

    def metadata(self) -> dict[str, int | float | str]:
        """The figures for a pipeline artifact."""
        return {
            "frames": self.frames,
            "width": self.width,
            "height": self.height,
            "seconds": round(self.seconds, 1),
        }


def write_frames(*, video: str, output: Path, every: int = 1, first: int | None = None) -> FramesSummary:
    """Writes the film's frames as output/000001.jpg, 000002.jpg, ...; the folder appears whole or not at all.

    Args:
        video: URI of a film that FFmpeg reads.
        output: folder to write; frames of an earlier run in it are replaced.
        every: keep one frame of so many, beginning with the first.
        first: stop after so many frames written.

    Raises:
        DetloopError: the film cannot be read, or `output` holds something else than frames.
    """
    began = time.monotonic()
    path = existing_file(video, "film")
    av = _pyav()
    written, size_wh = 0, (0, 0)
    try:
        with av.open(str(path)) as container, write_folder_whole(output, FRAME_NAMES) as folder:
            stream = _video_stream(container, path)
            with Progress("frames", _expected_frames(stream, every, first), unit="frames") as progress:
                for written, frame in enumerate(_kept_frames(container, stream, every, first), start=1):
                    picture = frame.to_image()
                    picture.save(folder / f"{written:06d}.jpg", quality=JPEG_QUALITY)
                    size_wh = picture.size
                    progress.update()
            if not written:
                raise DetloopError(f"{path}: holds no frame that can be decoded")
    except av.error.FFmpegError as error:
        where = f" after frame {written}" if written else ""
        raise DetloopError(f"{path}: cannot be read as a film{where}: {error.strerror}") from None
    return FramesSummary(output, written, *size_wh, seconds=time.monotonic() - began)


def _pyav() -> Any:
    try:
        import av
    except ImportError:
        raise DetloopError("reading films needs PyAV; install it with: pip install 'detloop[video]'") from None
    return av


def _video_stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise DetloopError(f"{path}: has no video stream")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _expected_frames(stream: Any, every: int, first: int | None) -> int | None:
    """How many frames will be written, None where the container does not say how many it holds."""
    held = -(-stream.frames // every) if stream.frames else None
    if first is None:
        return held
    return first if held is None else min(first, held)


def _kept_frames(container: Any, stream: Any, every: int, first: int | None) -> Iterator[Any]:
    stop = None if first is None else (first - 1) * every + 1
    return islice(container.decode(stream), 0, stop, every)
