"""Which of the API's tests cannot run in a behaviour, and why: by the file's name, or by what a failed test missed.

A test is put aside only where something that no mend can put back is missing. All other failures count.
"""

import re
from dataclasses import replace

from tools.odapi_tests_results import FileResult, Outcome

_OTHER = {"tf1": "TF2", "tf2": "TF1"}

_BASES = ("builders/model_builder_test.py", "models/ssd_feature_extractor_test.py")
"""Test classes that others inherit from; alone they only raise NotImplementedError."""

_BEAM = "dataset_tools/context_rcnn/"

_MISSING: tuple[tuple[str, str], ...] = (
    (
        r"/object_detection/(core/\.\./)?(data|samples|test_data|dataset_tools|tpu_exporters)/\S+; No such file",
        "reads a sample config, a label map or other data that the distribution leaves out",
    ),
    (r"No such file or directory: 'object_detection/test_images/", "reads an image that the distribution leaves out"),
    (
        r"name '(contrib_quantize|graph_matcher)' is not defined|cannot import name 'quantize'",
        "needs tf.contrib.quantize, which TensorFlow 2.0 dropped",
    ),
    (
        r"estimator' has no attribute '(RunConfig|tpu)'",
        "needs the runners of tf.estimator, which TensorFlow 2.16 dropped",
    ),
    (
        r"has no attribute 'bipartite_match'",
        "needs the bipartite matcher of tf.contrib.image, which TensorFlow 2.0 dropped",
    ),
    (
        r"'tensorflow.contrib.image' has no attribute",
        "needs the warping of tf.contrib.image, which TensorFlow 2.0 dropped",
    ),
    (r"No module named 'tensorflow.tools.graph_transforms'", "needs TransformGraph, which TensorFlow 2 dropped"),
)
"""What the failure says -> what the test needs and does not find."""


def file_cannot_run(file: str, behaviour: str) -> str | None:
    """Why a whole test file is not run in this behaviour; None where it is."""
    if file.endswith(f"_{_OTHER[behaviour].lower()}_test.py"):
        return f"tests the {_OTHER[behaviour]} behaviour"
    if file in _BASES:
        return "holds a base class that the tests of each behaviour inherit from"
    if file.startswith(("nets/", "deployment/")) and behaviour == "tf2":
        return "tests slim, which builds graphs of TF1 (placeholders, variable scopes)"
    if file.startswith(_BEAM):
        return "needs Apache Beam, for preparing data of Context R-CNN"
    return None


def classed(result: FileResult) -> FileResult:
    """The result with those failures marked "cannot run" that name something missing for good."""
    return replace(result, outcomes=tuple(_classed(each) for each in result.outcomes))


def _classed(outcome: Outcome) -> Outcome:
    if outcome.outcome != "failed":
        return outcome
    reason = next((reason for pattern, reason in _MISSING if re.search(pattern, outcome.message)), None)
    return replace(outcome, outcome="cannot run", message=reason) if reason else outcome
