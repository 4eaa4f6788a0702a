"""The YAML of both profiles, held by golden files, and what a profile puts into it."""

import difflib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from detloop.cli import main

GOLDEN = Path(__file__).parent / "golden"
DETECTIONS = {"exec-detect", "exec-detect-2", "exec-detect-3", "exec-detect-4"}
"""The teacher's and the student's, each in one and in shards."""

GPU_EXECUTORS = DETECTIONS | {"exec-train", "exec-evaluate"}


def compile_to(path: Path, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compiles with the command line; the pipeline document and the executors of the platform document."""
    result = CliRunner().invoke(main, ["compile", "--output", str(path), *options])
    assert result.exit_code == 0, result.stderr
    pipeline, platform = yaml.safe_load_all(path.read_text())
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def containers_of(pipeline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    executors = pipeline["deploymentSpec"]["executors"].items()
    return {name: one["container"] for name, one in executors if "container" in one}


def tasks_of(pipeline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All tasks by name, those inside groups too."""
    dags = [pipeline["root"], *(one for one in pipeline["components"].values() if "dag" in one)]
    return {name: task for dag in dags for name, task in dag["dag"]["tasks"].items()}


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_yaml_is_the_golden_one(tmp_path: Path, profile: str) -> None:
    compile_to(tmp_path / "pipeline.yaml", "--profile", profile)
    golden = GOLDEN / f"{profile}.yaml"
    made = (tmp_path / "pipeline.yaml").read_text().splitlines()
    differences = list(
        difflib.unified_diff(golden.read_text().splitlines(), made, str(golden), "compiled", lineterm="")
    )
    renew = f"detloop compile --profile {profile} --output {golden.relative_to(Path(__file__).parents[2])}"
    assert differences == [], "\n".join([*differences[:40], f"if this is meant, renew it by: {renew}"])


def test_the_profiles_differ_in_the_resources_of_three_components_alone(tmp_path: Path) -> None:
    cpu, cpu_platform = compile_to(tmp_path / "cpu.yaml", "--profile", "cpu")
    gpu, gpu_platform = compile_to(tmp_path / "gpu.yaml", "--profile", "gpu")
    changed = set()
    for name, container in containers_of(gpu).items():
        other = containers_of(cpu)[name]
        if container != other:
            changed.add(name)
            assert container["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
            assert "accelerator" not in other["resources"]
            assert (other["image"].rpartition("-")[2], container["image"].rpartition("-")[2]) == ("cpu", "gpu")
            container["resources"], container["image"] = other["resources"], other["image"]
    assert changed == GPU_EXECUTORS
    assert gpu == cpu
    assert {name for name, one in gpu_platform.items() if one != cpu_platform[name]} == GPU_EXECUTORS
    assert {name for name, one in gpu_platform.items() if "tolerations" in one} == GPU_EXECUTORS


def test_no_step_fetches_or_installs_anything(tmp_path: Path) -> None:
    pipeline, platform = compile_to(tmp_path / "pipeline.yaml")
    containers = containers_of(pipeline)
    programs = {name: "\n".join([*one["command"], *one["args"]]) for name, one in containers.items()}
    for tool in ("pip", "ensurepip", "apt", "curl", "wget", "git clone"):
        assert [name for name, program in programs.items() if tool in program.replace("pipeline", "")] == []
    assert {platform[name]["imagePullPolicy"] for name in containers} == {"IfNotPresent"}
    assert [
        name for name, one in containers.items() if one["image"].endswith(":latest") or ":" not in one["image"]
    ] == []


def test_a_sites_settings_reach_the_steps_they_name(tmp_path: Path) -> None:
    settings = tmp_path / "site.toml"
    settings.write_text("""
        [image]
        repository = "registry.example.org/detloop"
        tag = "2026.11-{target}"
        pull_secrets = ["registry"]
        [defaults]
        node_selector = { pool = "batch" }
        env = { DETLOOP_SITE = "north" }
        [steps.train]
        timeout = "2h"
        retries = 4
        retry_delay = "1m"
        scratch = "50Gi"
        scratch_storage_class = "fast"
        [steps.records]
        cache = false
        [[secrets]]
        name = "bucket"
        env = { AWS_ACCESS_KEY_ID = "accesskey", MINIO_ACCESS_KEY = "accesskey" }
        steps = ["detect"]
        [[secrets]]
        name = "ca"
        mount_path = "/etc/ca"
        optional = true
        """)
    pipeline, platform = compile_to(
        tmp_path / "pipeline.yaml", "--profile", "gpu", "--settings", str(settings), "--set", "gpu.count=2"
    )
    containers, tasks = containers_of(pipeline), tasks_of(pipeline)
    train, records, detect = (platform[f"exec-{name}"] for name in ("train", "records", "detect-2"))
    assert containers["exec-train"]["image"] == "registry.example.org/detloop:2026.11-gpu"
    assert containers["exec-train"]["resources"]["accelerator"]["resourceCount"] == "2"
    assert containers["exec-records"]["env"] == [{"name": "DETLOOP_SITE", "value": "north"}]
    assert (train["activeDeadlineSeconds"], records["activeDeadlineSeconds"]) == ("7200", "21600")
    assert tasks["train"]["retryPolicy"]["maxRetryCount"] == 4
    assert tasks["train"]["retryPolicy"]["backoffDuration"] == "60s"
    assert tasks["train"]["cachingOptions"] == {"enableCache": True}
    assert tasks["records"]["cachingOptions"] == {}
    assert train["genericEphemeralVolume"][0]["storageClassName"] == "fast"
    assert "emptyDirMounts" not in train
    assert [one["sizeLimit"] for one in records["emptyDirMounts"]] == ["10Gi"]
    assert records["nodeSelector"]["labels"] == {"pool": "batch"}
    assert records["imagePullSecret"][0]["secretName"] == "registry"
    keys = [(one["secretName"], each) for one in detect["secretAsEnv"] for each in one["keyToEnv"]]
    assert keys == [
        ("bucket", {"envVar": "AWS_ACCESS_KEY_ID", "secretKey": "accesskey"}),
        ("bucket", {"envVar": "MINIO_ACCESS_KEY", "secretKey": "accesskey"}),
    ]
    assert "secretAsEnv" not in records
    assert records["secretAsVolume"][0]["mountPath"] == "/etc/ca"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--set", "steps.trian.retries=1"], "steps: trian is unknown; the nearest is train"),
        (
            ["--set", 'secrets=[{name = "a", steps = ["detct"]}]'],
            "secrets: a: steps: detct is unknown; the nearest is detect",
        ),
        (["--set", "defaults.scratch=", "--set", "defaults.scratch_storage_class=fast"], "needs a size; set scratch"),
        (["--set", "defaults.timeout=0s"], "--set: defaults.timeout: is '0s'; write 30s, 10m, 6h or 2d"),
    ],
)
def test_what_does_not_fit_the_pipeline_is_named(tmp_path: Path, options: list[str], error: str) -> None:
    result = CliRunner().invoke(main, ["compile", "--output", str(tmp_path / "pipeline.yaml"), *options])
    assert result.exit_code == 1
    assert error in result.stderr
    assert list(tmp_path.iterdir()) == []
