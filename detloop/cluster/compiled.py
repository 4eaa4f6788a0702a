"""The pipeline as the YAML that a KFP server takes."""

from pathlib import Path
from typing import Any

from kfp import compiler

from detloop.errors import DetloopError
from detloop.store import write_file_whole


def compile_pipeline(pipeline: Any, output: Path) -> Path:
    """Writes a pipeline function's definition to `output`.

    Raises:
        DetloopError: the name does not end in .yaml, which KFP goes by.
    """
    if output.suffix not in (".yaml", ".yml"):
        raise DetloopError(f"{output}: name the file pipeline.yaml, or anything else that ends in .yaml")
    with write_file_whole(output) as partial:
        named_yaml = partial.with_name(partial.name + output.suffix)
        compiler.Compiler().compile(pipeline, str(named_yaml))
        named_yaml.rename(partial)
    return output
