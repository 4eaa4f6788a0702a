"""The kind cluster's making and removal, with programs that note what they are told."""

import os
from pathlib import Path

import pytest

from tests.tools.cluster_fakes import ROOT, FakeCluster
from tools.kind_cluster import USERS

UP = ("tools.kind_cluster", "up")
FIRST_CALLS = [
    "docker info --format {{.NCPU}} {{.MemTotal}}",
    "make image-cpu image-minio",
    "kind get clusters",
    "kind create cluster --config manifests/kind/cluster.yaml --wait 5m",
    "kind load docker-image --name detloop detloop:0.1.0-cpu detloop-minio:20260212",
    "kubectl apply --kustomize manifests/kfp/cluster-scoped",
    "kubectl wait --for=condition=established --timeout=2m crd/workflows.argoproj.io "
    "crd/scheduledworkflows.kubeflow.org",
    "kubectl get secret minio-root --output json",
    "kubectl create --filename -",
    "kubectl get secret mlpipeline-minio-artifact --output json",
    "kubectl create --filename -",
    "kubectl get secret detloop-images --output json",
    "kubectl create --filename -",
    "kubectl delete job minio-set-up --ignore-not-found",
    "kubectl apply --kustomize manifests/minio",
    "kubectl rollout status statefulset/minio --timeout=5m",
    "kubectl wait --for=condition=complete --timeout=5m job/minio-set-up",
    "kubectl apply --kustomize manifests/kfp",
    "kubectl wait --for=condition=available --timeout=20m deployment --all",
]
ONCE = ("kind create", "kubectl create")


@pytest.fixture
def cluster(tmp_path: Path) -> FakeCluster:
    return FakeCluster(tmp_path)


def test_it_is_made_in_the_order_in_which_one_part_needs_the_other(cluster: FakeCluster) -> None:
    done = cluster.run(*UP)
    assert done.returncode == 0, done.stderr
    assert cluster.calls() == FIRST_CALLS
    assert done.stderr == ""
    assert "http://localhost:8080 is KFP's UI" in done.stdout
    assert "make kind-demo" in done.stdout
    for call in FIRST_CALLS:
        for word in call.split():
            if word.startswith("manifests/"):
                assert (ROOT / word).exists()


def test_a_second_time_nothing_is_made_twice_and_keys_stay(cluster: FakeCluster) -> None:
    assert cluster.run(*UP).returncode == 0
    cluster.calls()
    keys = {name: cluster.secret(name) for name in USERS}
    assert cluster.run(*UP).returncode == 0
    assert cluster.calls() == [call for call in FIRST_CALLS if not call.startswith(ONCE)]
    assert {name: cluster.secret(name) for name in USERS} == keys


def test_keys_are_made_by_chance_and_never_shown(cluster: FakeCluster) -> None:
    done = cluster.run(*UP)
    keys = [cluster.secret(name) for name in USERS]
    assert [key["accesskey"] for key in keys] == list(USERS.values())
    assert len({key["secretkey"] for key in keys}) == len(keys)
    calls = "\n".join(cluster.calls())
    for key in keys:
        assert len(key["secretkey"]) == 40
        assert key["secretkey"] not in done.stdout + done.stderr + calls


@pytest.mark.parametrize("program", ["docker", "kind", "kubectl", "git", "make"])
def test_a_missing_program_is_told_before_anything_is_done(cluster: FakeCluster, program: str) -> None:
    os.remove(cluster.bin / program)
    done = cluster.run(*UP)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kind-up: error: {program} is not on the PATH; https://")
    assert cluster.calls() == []


def test_a_docker_that_does_not_run_is_told(cluster: FakeCluster) -> None:
    cluster.fail("docker info")
    done = cluster.run(*UP)
    assert (done.returncode, done.stderr) == (
        1,
        "kind-up: error: docker does not answer; start Docker, or see `docker info`\n",
    )


def test_a_docker_that_is_small_is_warned_of(cluster: FakeCluster) -> None:
    cluster.docker_has(cpus=2, memory_gb=4)
    done = cluster.run(*UP)
    assert done.returncode == 0
    assert done.stderr.startswith("kind-up: warning: Docker has 2 CPUs and 4.0 GB; below 4 CPUs and 8 GB ")


def test_what_fails_is_named_and_nothing_comes_after_it(cluster: FakeCluster) -> None:
    cluster.fail("kubectl apply --kustomize manifests/minio")
    done = cluster.run(*UP)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "kind-up: error: `kubectl --context kind-detloop apply --kustomize manifests/minio` failed (exit code 1)"
    )
    assert cluster.calls()[-1] == "kubectl apply --kustomize manifests/minio"


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("kubectl rollout", "minio"),
        ("kubectl wait --for=condition=complete", "minio-set-up"),
        ("kubectl wait --for=condition=available", "KFP"),
    ],
)
def test_what_does_not_get_ready_is_shown_and_gone_on_with(cluster: FakeCluster, call: str, what: str) -> None:
    cluster.fail(call)
    done = cluster.run(*UP)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"kind-up: error: {what} did not get ready; see the pods above")
    assert cluster.calls()[-1] == "kubectl get pods"
    cluster.fail()
    assert cluster.run(*UP).returncode == 0


def test_it_is_removed_as_a_whole(cluster: FakeCluster) -> None:
    done = cluster.run("tools.kind_cluster", "down")
    assert done.returncode == 0, done.stderr
    assert cluster.calls() == ["kind delete cluster --name detloop"]
