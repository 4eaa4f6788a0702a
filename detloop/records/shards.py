"""The record files of one side of the split, filled in turn."""

from pathlib import Path

from detloop.examples import RecordWriter


class ShardedWriter:
    """Writes records round robin over SIDE-00000-of-0000S.record ... in a folder."""

    def __init__(self, folder: Path, side: str, shards: int) -> None:
        self._writers = [RecordWriter(folder / f"{side}-{shard:05d}-of-{shards:05d}.record") for shard in range(shards)]
        self._written = 0

    def write(self, *pieces: bytes) -> None:
        """Writes one record, whose data are the pieces one after another."""
        self._writers[self._written % len(self._writers)].write(*pieces)
        self._written += 1

    def close(self) -> None:
        """Closes the files."""
        for writer in self._writers:
            writer.close()
