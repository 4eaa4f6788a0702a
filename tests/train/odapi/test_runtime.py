"""The API in a process of its own: which behaviour it has and that its models are there."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from detloop.train.odapi.runtime import load_api
load_api({generation!r})
from google.protobuf.internal import api_implementation
from object_detection.builders import model_builder, optimizer_builder
from object_detection.utils import tf_version
print(tf_version.is_tf2(), api_implementation.Type(), hasattr(model_builder, {extractors!r}))
try:
    load_api({other!r})
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("generation", "other", "extractors"),
    [
        ("tf1", "tf2", "SSD_FEATURE_EXTRACTOR_CLASS_MAP"),
        ("tf2", "tf1", "SSD_KERAS_FEATURE_EXTRACTOR_CLASS_MAP"),
    ],
)
def test_each_generation_has_a_process_of_its_own(generation, other, extractors):
    program = PROGRAM.format(generation=generation, other=other, extractors=extractors)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.split() == [str(generation == "tf2"), "upb", "True"]
    assert second == f"DetloopError this process already runs the API as {generation}; start another one for {other}"
    assert done.stderr == ""
