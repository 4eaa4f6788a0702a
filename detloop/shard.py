"""A shard: one of N consecutive parts of a list of images, cut where a detection of them all leaves none waiting."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from detloop.errors import DetloopError
from detloop.images import ImageSource

BATCH_SIZE = 8
"""Images a model run, where nothing else is asked for."""

BATCHES_A_BLOCK = 4
"""Of so many batches of images the detection of a list makes a block, and begins the next one with an empty hand."""


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count`."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, source: ImageSource, block_images: int) -> ImageSource:
        """The source with the shard's images alone: whole blocks, one more or less than any other shard has.

        What shards find is so, byte for byte, what a detection of the whole source finds: a score's last digits may
        depend on the batch that its image was in.
        """
        if self.count == 1:
            return source
        images = sum(1 for _ in source.names())
        blocks = -(-images // block_images)
        start, end = (blocks * number // self.count * block_images for number in (self.number - 1, self.number))

        def names() -> Iterator[str]:
            return islice(source.names(), start, end)

        return replace(source, names=names)


def parse_shard(text: str) -> Shard:
    """Reads `2/5`.

    Raises:
        DetloopError: it is no such text.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.count:
        raise DetloopError(f"--shard {text}: write 1/N, 2/N, ... or N/N")
    return shard


def shards_of(images: int, count: int) -> list[Shard]:
    """At most `count` shards of a list of images, none of them empty.

    Raises:
        DetloopError: the count is below 1.
    """
    if count < 1:
        raise DetloopError(f"--shards {count}: give 1 or more")
    blocks = -(-images // (BATCHES_A_BLOCK * BATCH_SIZE))
    most = min(count, blocks)
    return [Shard(number, most) for number in range(1, most + 1)]
