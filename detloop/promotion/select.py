"""What a run works on: the images that no promoted model has seen, their shards, and where training starts from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from detloop.errors import DetloopError
from detloop.images import open_source
from detloop.labels import read_label_map
from detloop.listing import ListedImage, list_images, read_listing, unseen, write_listing
from detloop.promotion.champion import Champion, read_champion
from detloop.shard import Shard, shards_of
from detloop.store import existing_file, sha256_of


@dataclass(frozen=True)
class Selection:
    """What a run works on.

    Attributes:
        listed: images at the place that was given.
        new: of these, in the listing that was written: those no champion has seen, or all.
        images: as many as the run is to look at; 0 where the new ones are too few.
        shards: parts of the listing; none where there is nothing to look at.
        checkpoint: URI of the weights that training starts from; empty for the config's.
        classes: what the student learns, as person,car; empty for all that the teacher finds.
        promoted: where champions are kept; empty for nowhere.
        champion: None where nothing has been promoted.
        sha256: of the listing.
    """

    output: Path
    listed: int
    new: int
    images: int
    shards: tuple[Shard, ...]
    checkpoint: str
    classes: str
    promoted: str
    champion: Champion | None
    sha256: str

    def __str__(self) -> str:
        if self.champion is None:
            nothing_yet = f"; nothing has been promoted to {self.promoted} yet" if self.promoted else ""
            return f"{self.listed} images in {self._in_shards()}{nothing_yet}"
        lines = [f"{self.listed} images, {self.new} of them to look at; the champion is {self.champion}"]
        if not self.images:
            lines.append("too few are new: nothing is detected, trained or promoted")
        else:
            start = self.checkpoint or "the config's weights"
            lines.append(f"in {self._in_shards()}; training starts from {start}")
        return "\n".join(lines)

    def _in_shards(self) -> str:
        return f"{len(self.shards)} shard{'' if len(self.shards) == 1 else 's'}"

    def markdown(self) -> str:
        """The same for the KFP UI, as it stands."""
        return "".join(f"    {line}\n" for line in str(self).splitlines())

    def metadata(self) -> dict[str, int | float | str]:
        """The counts for a pipeline artifact; the sum tells its content from another's."""
        champion = self.champion.version if self.champion else ""
        counts = {"listed_images": self.listed, "new_images": self.new, "shards": len(self.shards)}
        return {**counts, "champion": champion, "sha256": self.sha256}


def select_images(
    *,
    images: str,
    output: Path,
    shards: int = 1,
    promoted: str = "",
    new_only: bool = True,
    least_new: int = 1,
    warm_start: bool = True,
    checkpoint: str = "",
    classes: str = "",
) -> Selection:
    """Writes the listing of the images that a run is to look at.

    Args:
        images: folder or bucket prefix, glob pattern or manifest.
        output: the listing to write.
        shards: how many parts to look at them in, at most.
        promoted: where champions are kept; empty for nowhere: all images then, and no warm start.
        new_only: leave out the images that a champion has seen and that have not changed since.
        least_new: fewer new images than this are left for a later run.
        warm_start: train on from the champion's weights.
        checkpoint: weights to start from where there is no champion.
        classes: as person,car; where none are given, a champion's go on.

    Raises:
        DetloopError: there are no images, or the promoted location cannot be read.
    """
    source = open_source(images)
    champion = read_champion(promoted) if promoted else None
    counted = _Counted(list_images(source))
    if champion is not None and new_only:
        new = write_listing(output, unseen(counted, read_listing(champion.listing())))
        to_look_at = new if new >= least_new else 0
    else:
        new = to_look_at = write_listing(output, counted)
    planned = shards_of(to_look_at, shards)
    if champion is not None:
        checkpoint = champion.model if warm_start else checkpoint
        classes = classes or _classes_of(champion)
    return Selection(
        output=output,
        listed=counted.count,
        new=new,
        images=to_look_at,
        shards=tuple(planned),
        checkpoint=checkpoint,
        classes=classes,
        promoted=promoted,
        champion=champion,
        sha256=sha256_of(output),
    )


class _Counted:
    """Images, counted as they pass."""

    def __init__(self, images: Iterable[ListedImage]) -> None:
        self._images, self.count = images, 0

    def __iter__(self) -> Iterator[ListedImage]:
        for image in self._images:
            self.count += 1
            yield image


def _classes_of(champion: Champion) -> str:
    """A champion's classes in the order of their ids, as person,car: other ids would make its weights useless."""
    names = read_label_map(existing_file(f"{champion.model}/label_map.pbtxt", "label map")).names
    for name in names:
        if "," in name:
            raise DetloopError(f"the champion's class {name!r} has a comma, which a list of classes cannot hold")
    return ",".join(names)
