"""The page about a run: of one that succeeded, of one that failed, and of one that nobody can be asked about."""

from pathlib import Path

import pytest
from kfp import dsl

from components.summary import summary as component
from detloop.summary import run, write_summary
from tests.cluster.kfp_server import KfpServer
from tests.cluster.run_states import at, step
from tests.summary.conftest import Webhook

DETECTED = step("detect", "SUCCEEDED", 5, 65)
OWN = step("summary", "RUNNING", 100)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "outputs/page"


def test_a_run_that_succeeded_is_told_step_by_step(server: KfpServer, page: Path) -> None:
    server.progress = [at("RUNNING", [*DETECTED, *step("train", "SUCCEEDED", 70, 3670), *OWN])]
    made = write_summary("run-1", "COMPLETE", "", page)
    assert page.read_text() == (
        "# nightly: succeeded\n\n"
        "Run `run-1`, begun 2026-11-24 12:00:00 UTC.\n\n"
        "| step | state | seconds |\n"
        "| --- | --- | ---: |\n"
        "| detect with the teacher | succeeded | 60 |\n"
        "| train | succeeded | 3600 |\n"
    )
    assert str(made) == "nightly succeeded"
    assert made.metadata() == {"state": "succeeded", "steps": 2, "step_seconds": 3660.0}


def test_a_failed_step_is_named_with_the_end_of_its_log(server: KfpServer, page: Path, webhook: Webhook) -> None:
    server.logs["run-train-impl-1"] = "step 1\ndetloop: error: <b>config.txt</b>: no such file\n"
    server.progress = [at("RUNNING", [*DETECTED, *step("train", "FAILED", 70, 82), *OWN])]
    write_summary("run-1", "FAILED", "", page)
    text = page.read_text()
    assert "# nightly: failed" in text
    assert "Step **train** failed: detloop: error: &lt;b>config.txt&lt;/b>: no such file" in text
    assert "    step 1\n    detloop: error: <b>config.txt</b>: no such file" in text
    assert "| train | failed | 12 |" in text
    assert webhook.told == [
        {
            "run_id": "run-1",
            "text": "nightly failed at train: detloop: error: <b>config.txt</b>: no such file",
            "state": "failed",
            "failed_step": "train",
            "steps": 2,
            "step_seconds": 72.0,
        }
    ]


def test_steps_that_the_server_tells_late_are_waited_for(
    server: KfpServer, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_POLL_EVERY_SECONDS", 0.01)
    late = step("train", "RUNNING", 70)
    server.progress = [
        *[at("RUNNING", [*DETECTED, *late])] * 3,
        at("RUNNING", [*DETECTED, *step("train", "FAILED", 70, 82)]),
    ]
    write_summary("run-1", "FAILED", "", page)
    assert "| train | failed | 12 |" in page.read_text()


def test_a_killed_step_that_kfp_takes_for_running_is_a_failure(server: KfpServer, page: Path) -> None:
    server.progress = [at("RUNNING", [*DETECTED, *step("train", "FAILED", 70, 82), *OWN])]
    assert str(write_summary("run-1", "RUNNING", "", page)) == "nightly failed at train"


def test_steps_on_a_way_that_was_not_gone_are_skipped(server: KfpServer, page: Path) -> None:
    server.progress = [at("RUNNING", [*DETECTED, *OWN])]
    write_summary("run-1", "SUCCEEDED", "", page)
    assert "| train | skipped |  |" in page.read_text()


def test_steps_that_never_began_are_waiting(server: KfpServer, page: Path) -> None:
    server.progress = [at("RUNNING", step("detect", "FAILED", 5, 65))]
    write_summary("run-1", "FAILED", "exit code 137", page)
    assert "| train | waiting when this page was made |  |" in page.read_text()
    assert "Step **detect with the teacher** failed: exit code 137" in page.read_text()


def test_a_server_that_cannot_be_asked_leaves_a_page_all_the_same(
    page: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:1")
    write_summary("run-1", "FAILED", "it was evicted", page)
    text = page.read_text()
    assert text.startswith("# run: failed\n\nRun `run-1`.\n\nit was evicted\n\n")
    assert "What each step did is not known: KFP's API at http://127.0.0.1:1 says" in text
    assert webhook.told[0]["text"] == "run failed: it was evicted"


@pytest.mark.parametrize(
    ("status", "url", "said"),
    [
        (500, None, "the webhook was not told: it answers 500"),
        (302, None, "the webhook was not told: it answers 302"),
        (200, "file:///etc/passwd", "the webhook was not told: DETLOOP_WEBHOOK_URL must be an http or https URL"),
        (200, "http://127.0.0.1:1/secret-path", "the webhook was not told: NewConnectionError"),
    ],
)
def test_a_webhook_that_does_not_listen_is_no_failure(
    server: KfpServer,
    page: Path,
    webhook: Webhook,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    url: str | None,
    said: str,
) -> None:
    webhook.status = status
    monkeypatch.setenv("DETLOOP_WEBHOOK_URL", url or webhook.url)
    server.progress = [at("RUNNING", DETECTED)]
    write_summary("run-1", "SUCCEEDED", "", page)
    assert page.is_file()
    shown = capsys.readouterr()
    assert said in shown.err
    assert "secret-path" not in shown.err + shown.out


def test_the_component_hands_on_what_kfp_tells_it(server: KfpServer, page: Path) -> None:
    server.progress = [at("RUNNING", step("detect", "FAILED", 5, 65))]
    status = dsl.PipelineTaskFinalStatus("FAILED", "runs/run-1", "exit-handler-1", None, "the disk is full")
    made = dsl.Markdown(uri=str(page))
    component.python_func(run_id="run-1", status=status, page=made)
    assert "failed: the disk is full" in page.read_text()
    assert made.metadata["failed_step"] == "detect"
