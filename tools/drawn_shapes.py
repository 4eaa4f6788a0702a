"""Images of coloured shapes on a grey ground, two classes, which a detector learns from random weights in minutes."""

import csv
import random
from pathlib import Path

from PIL import Image, ImageDraw

from detloop.detections import DETECTION_COLUMNS

SIZE_WH = (160, 160)
COLORS = {"disc": (40, 80, 230), "square": (230, 50, 40)}
SHAPE_SIDES_PX = (36, 72)

Box = tuple[int, int, int, int]


def draw_shapes(folder: Path, images: int = 32, seed: int = 0) -> None:
    """Writes folder/images/*.jpg and folder/detections.csv, the labels of one or two shapes an image."""
    rng = random.Random(seed)  # noqa: S311
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows: list[list[object]] = []
    for index in range(images):
        filename = f"{index:03d}.jpg"
        shapes = draw_image(folder / "images" / filename, rng)
        rows += [[filename, *SIZE_WH, name, 1.0, *box] for name, box in shapes]
    with (folder / "detections.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([DETECTION_COLUMNS, *rows])


def draw_image(path: Path, rng: random.Random) -> list[tuple[str, Box]]:
    """Writes one image; the class and the box of each of its shapes, which never overlap: one in each half."""
    ground = rng.randrange(60, 200)
    image = Image.new("RGB", SIZE_WH, (ground, ground, ground))
    draw, shapes = ImageDraw.Draw(image), []
    halves = rng.choice([(0,), (1,), (0, 1)])
    for half in halves:
        name, box = rng.choice(list(COLORS)), random_box(rng, half)
        outline = (box[0], box[1], box[2] - 1, box[3] - 1)
        (draw.ellipse if name == "disc" else draw.rectangle)(outline, fill=COLORS[name])
        shapes.append((name, box))
    image.save(path, quality=95)
    return shapes


def random_box(rng: random.Random, half: int) -> Box:
    """A square box inside the left (0) or right (1) half of the image."""
    side = rng.randint(*SHAPE_SIDES_PX)
    width = SIZE_WH[0] // 2
    xmin = half * width + rng.randint(0, width - side)
    ymin = rng.randint(0, SIZE_WH[1] - side)
    return xmin, ymin, xmin + side, ymin + side
