"""The zoos' tables: which models there are, with the figures their pages publish.

Source of models.csv: tf1_detection_zoo.md and tf2_detection_zoo.md in research/object_detection/g3doc of
github.com/tensorflow/models. Left out are a model whose link needs an account, and one that its page calls deprecated.
"""

import csv
import difflib
import importlib.resources
from dataclasses import dataclass

from detloop.errors import DetloopError

ARCHIVE_SUFFIX = ".tar.gz"
SHOWN_NEAREST = 3


@dataclass(frozen=True)
class ZooModel:
    """One model; figures are text as published, empty where nothing was.

    Attributes:
        name: one word, what `detloop zoo get` takes: the archive's name for TF2, the page's for TF1.
        title: what the model is called on its page.
        trained_on: the data set.
        speed_ms: milliseconds an image.
        speed_device: what that was measured on, where it is not the page's graphics card.
        mean_average_precision: several figures are divided by `/`, as boxes/masks or fp32/uint8.
        precision_metric: what kind of mAP it is.
        path: of the archive, below the zoos' common address.
    """

    name: str
    title: str
    generation: str
    trained_on: str
    speed_ms: str
    speed_device: str
    mean_average_precision: str
    precision_metric: str
    outputs: str
    path: str

    @property
    def archive_name(self) -> str:
        return self.path.rpartition("/")[2]


def read_catalog() -> list[ZooModel]:
    """All models, TF1 before TF2, in the order of their pages."""
    text = importlib.resources.files("detloop.zoo").joinpath("models.csv").read_text(encoding="utf-8")
    return [ZooModel(*row) for row in csv.reader(text.splitlines()[1:])]


def select_models(words: str = "", generation: str | None = None) -> list[ZooModel]:
    """The models of a generation whose name, title or data set holds each of the words, in any case.

    Raises:
        DetloopError: there is none.
    """
    wanted = words.casefold().split()
    chosen = [
        model
        for model in read_catalog()
        if generation in (None, model.generation)
        and all(word in f"{model.name} {model.title} {model.trained_on}".casefold() for word in wanted)
    ]
    if not chosen:
        kind = f"{generation} model" if generation else "model"
        raise DetloopError(f"no {kind} of the zoos has {words!r} in its name; `detloop zoo list` shows all names")
    return chosen


def find_model(name: str) -> ZooModel:
    """The model of this name, title or archive name.

    Raises:
        DetloopError: there is none; the nearest names are given.
    """
    models = read_catalog()
    model_of: dict[str, ZooModel] = {}
    for model in models:
        for alias in (model.name, model.title, model.archive_name, model.archive_name.removesuffix(ARCHIVE_SUFFIX)):
            model_of.setdefault(alias.casefold(), model)
    wanted = name.casefold()
    if wanted not in model_of:
        raise DetloopError(f"no model {name!r} in the zoos; the nearest are {', '.join(_nearest(wanted, model_of))}")
    return model_of[wanted]


def _nearest(wanted: str, model_of: dict[str, ZooModel]) -> list[str]:
    """Names of models, first those that go on from what is wanted."""
    longer = [alias for alias in model_of if wanted and alias.startswith(wanted)]
    similar = difflib.get_close_matches(wanted, list(model_of), n=4 * SHOWN_NEAREST, cutoff=0)
    return list(dict.fromkeys(model_of[alias].name for alias in [*longer, *similar]))[:SHOWN_NEAREST]
