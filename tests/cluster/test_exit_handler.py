"""The step that runs last on a cluster, whether the others have succeeded or not."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import local

from detloop.cluster import build
from detloop.cluster.local_run import kfp_kept_quiet
from detloop.cluster.profile import Profile
from detloop.cluster.step_process import StepProcesses
from pipeline import summary
from tests.cluster.test_compiled import compile_to, containers_of, tasks_of
from tests.cluster.tiny_loop import tiny_loop


def executed(pipeline: dict[str, Any]) -> set[str]:
    """The components that run in a container."""
    return {name for name, one in pipeline["components"].items() if one.get("executorLabel") in containers_of(pipeline)}


def test_it_watches_over_every_other_step_and_is_told_how_they_ended(tmp_path: Path) -> None:
    pipeline, _ = compile_to(tmp_path / "pipeline.yaml")
    outer = pipeline["root"]["dag"]["tasks"]
    watched = next(name for name in outer if name.startswith("exit-handler"))
    assert set(outer) == {watched, "summary"}
    assert outer["summary"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    given = outer["summary"]["inputs"]["parameters"]
    assert given["status"] == {"taskFinalStatus": {"producerTask": watched}}
    assert given["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
    groups = {
        name for name, task in tasks_of(pipeline).items() if task["componentRef"]["name"] not in executed(pipeline)
    }
    assert watched in groups
    assert set(containers_of(pipeline)) == {f"exec-{name}" for name in tasks_of(pipeline).keys() - groups}
    assert outer["summary"]["cachingOptions"] == {}


def test_the_webhooks_url_stays_in_its_secret(tmp_path: Path) -> None:
    reference = '{name = "chat", env = {DETLOOP_WEBHOOK_URL = "url"}, steps = ["summary"]}'
    _, platform = compile_to(tmp_path / "pipeline.yaml", "--set", f"secrets=[{reference}]")
    assert [name for name, one in platform.items() if "secretAsEnv" in one] == ["exec-summary"]
    assert yaml.safe_dump(platform).count("DETLOOP_WEBHOOK_URL") == 1
    assert "http" not in yaml.safe_dump(platform)


@pytest.mark.parametrize(("trouble", "state"), [("", "succeeded"), ("bad input", "failed")])
def test_it_runs_after_success_and_failure_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, state: str
) -> None:
    """Run by kfp.local, which has no server to ask."""
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:1")
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "runs"))
    loop = build(tiny_loop, Profile(), summary)
    processes = StepProcesses()
    with processes.in_place(), kfp_kept_quiet(), pytest.raises(RuntimeError) if trouble else nullcontext():
        loop(text="abc", diary=str(tmp_path / "diary"), trouble=trouble)
    assert (tmp_path / "diary").read_text().splitlines() == ["label abc", "learn"]
    (page,) = (tmp_path / "runs").rglob("summary/page")
    assert page.read_text().startswith(f"# run: {state}\n")
