"""The step that runs last on a cluster, whether the others have succeeded or not."""

from pathlib import Path

import yaml

from tests.cluster.test_compiled import compile_to, containers_of, tasks_of


def test_it_watches_over_every_other_step_and_is_told_how_they_ended(tmp_path: Path) -> None:
    pipeline, _ = compile_to(tmp_path / "pipeline.yaml")
    outer = pipeline["root"]["dag"]["tasks"]
    watched = next(name for name in outer if name.startswith("exit-handler"))
    assert set(outer) == {watched, "summary"}
    assert outer["summary"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    given = outer["summary"]["inputs"]["parameters"]
    assert given["status"] == {"taskFinalStatus": {"producerTask": watched}}
    assert given["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
    assert set(containers_of(pipeline)) == {f"exec-{name}" for name in tasks_of(pipeline)} - {
        "exec-importer",
        "exec-importer-2",
        f"exec-{watched}",
    }
    assert outer["summary"]["cachingOptions"] == {}


def test_the_webhooks_url_stays_in_its_secret(tmp_path: Path) -> None:
    reference = '{name = "chat", env = {DETLOOP_WEBHOOK_URL = "url"}, steps = ["summary"]}'
    _, platform = compile_to(tmp_path / "pipeline.yaml", "--set", f"secrets=[{reference}]")
    assert [name for name, one in platform.items() if "secretAsEnv" in one] == ["exec-summary"]
    assert yaml.safe_dump(platform).count("DETLOOP_WEBHOOK_URL") == 1
    assert "http" not in yaml.safe_dump(platform)
