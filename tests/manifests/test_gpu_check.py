"""The job that looks for GPUs, on a machine that has none."""

import os
import subprocess
import sys

import pytest

from tests.manifests.rendering import MANIFESTS


@pytest.mark.heavy
def test_no_gpu_is_a_failure_that_says_so() -> None:
    script = MANIFESTS / "gpu" / "check" / "check.py"
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "sees no GPU" in done.stderr.splitlines()[-1]
