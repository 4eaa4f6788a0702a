"""The API's own unit tests on this runtime: a quick selection of what `make odapi-tests` runs."""

import pytest

from tools.odapi_tests import run_files

BOTH = (
    "anchor_generators/grid_anchor_generator_test.py",
    "box_coders/faster_rcnn_box_coder_test.py",
    "core/multiclass_nms_test.py",
    "dataset_tools/seq_example_util_test.py",
    "utils/visualization_utils_test.py",
)
OF_ONE = {
    "tf1": ("builders/optimizer_builder_tf1_test.py", "utils/config_util_test.py"),
    "tf2": ("builders/optimizer_builder_tf2_test.py", "exporter_lib_tf2_test.py"),
}


@pytest.mark.parametrize("behaviour", sorted(OF_ONE))
def test_the_apis_own_tests_pass(behaviour, tmp_path):
    files = (*BOTH, *OF_ONE[behaviour])
    results = run_files(behaviour, files, tmp_path, timeout_s=120)
    assert [result.file for result in results] == list(files)
    assert [(result.file, each.name, each.message) for result in results for each in result.failures()] == []
    assert all(result.count("passed") for result in results)
