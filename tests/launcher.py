"""Plays KFP's launcher: runs one step of a compiled pipeline by the rules that hold on Kubernetes.

Those are stricter than kfp.local's. Source: backend/src/v2/component/launcher_v2.go (getPlaceholders,
prepareOutputFolders, downloadArtifacts, collectOutputParameters, uploadOutputArtifacts).
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BUCKET = "minio://mlpipeline/v2/artifacts/run-1"

_MOUNT = """
import kfp.dsl.types.artifact_types as types
types._MINIO_LOCAL_MOUNT_PREFIX = {prefix!r}
"""
"""A pod has its artifacts below /minio; a test has it below its own folder."""


@dataclass(frozen=True)
class Artifact:
    """One artifact of a step, in the store and in the pod at once."""

    uri: str
    path: Path
    schema: str
    metadata: dict[str, Any] = field(default_factory=dict)

    def as_json(self, name: str) -> dict[str, Any]:
        """A RuntimeArtifact of pipeline_spec.proto."""
        return {"name": name, "uri": self.uri, "type": {"schemaTitle": self.schema}, "metadata": self.metadata}


@dataclass(frozen=True)
class Finished:
    """A step that has run.

    Attributes:
        outputs: its artifacts by name, with the metadata that it gave them.
        parameters: what it gave of its output parameters.
        said: its output and errors.
    """

    code: int
    outputs: dict[str, Artifact]
    parameters: dict[str, Any]
    said: str


class Launcher:
    """Runs steps of one compiled pipeline in one folder, which stands for the pods' file systems."""

    def __init__(self, pipeline: dict[str, Any], folder: Path) -> None:
        self._pipeline, self._folder = pipeline, folder
        self._mount = folder / "minio"
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_MOUNT.format(prefix=f"{self._mount}/"))

    def artifact(self, name: str, schema: str = "system.Artifact") -> Artifact:
        """An artifact named by the last parts of its URI, and the path where a pod finds it."""
        uri = f"{BUCKET}/{name}"
        path = self._mount / uri.removeprefix("minio://")
        path.parent.mkdir(parents=True, exist_ok=True)
        return Artifact(uri, path, schema)

    def run(
        self,
        executor: str,
        parameters: dict[str, Any],
        artifacts: dict[str, Artifact | list[Artifact]],
        **env: str,
    ) -> Finished:
        """Runs the step of an executor, as exec-detect.

        Args:
            artifacts: its inputs; a list where the step takes what a loop has made.
            parameters: the step's own; defaults of the component are filled in as KFP's driver does.
            env: what the pod's environment has beside PATH.
        """
        component, container = self._component(executor), self._container(executor)
        outputs = {
            name: self.artifact(f"{executor}/{name}", one["artifactType"]["schemaTitle"])
            for name, one in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }
        declared = component.get("outputDefinitions", {}).get("parameters", {})
        files = {name: self._folder / executor / "outputs" / name for name in declared}
        output_file = self._folder / executor / "kfp_outputs/output_metadata.json"
        output_file.parent.mkdir(parents=True)
        executor_input = {
            "inputs": {
                "parameterValues": {**self._defaults(component), **parameters},
                "artifacts": {name: _as_list(name, one) for name, one in artifacts.items()},
            },
            "outputs": {
                "artifacts": {name: _as_list(name, one) for name, one in outputs.items()},
                "parameters": {name: {"outputFile": str(path)} for name, path in files.items()},
                "outputFile": str(output_file),
            },
        }
        words = self._words(container, json.dumps(executor_input))
        workplace = self._folder / executor / "workplace"
        workplace.mkdir()
        finished = self._start(words, workplace, env)
        assert list(workplace.iterdir()) == [], "a step writes to its outputs and /tmp alone"
        told = json.loads(output_file.read_text()) if output_file.exists() else {}
        given = told.get("parameterValues", {})
        lost = [name for name, path in files.items() if name not in given and not path.exists()]
        assert lost == [] or finished.returncode, f"KFP's launcher fails a step that does not give {lost}"
        return Finished(
            finished.returncode,
            self._told(outputs, told.get("artifacts", {})),
            given,
            finished.stdout + finished.stderr,
        )

    def _component(self, executor: str) -> dict[str, Any]:
        components = self._pipeline["components"].values()
        return next(one for one in components if one.get("executorLabel") == executor)

    def _container(self, executor: str) -> dict[str, Any]:
        container: dict[str, Any] = self._pipeline["deploymentSpec"]["executors"][executor]["container"]
        return container

    def _defaults(self, component: dict[str, Any]) -> dict[str, Any]:
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        return {name: one["defaultValue"] for name, one in declared.items() if "defaultValue" in one}

    def _words(self, container: dict[str, Any], executor_input: str) -> list[str]:
        """The command with the one placeholder put in that is safe everywhere; any other would stay as it is."""
        first, *rest = [*container["command"], *container["args"]]
        words = [first, *(executor_input if word == "{{$}}" else word for word in rest)]
        left = [word for word in words if word != executor_input and re.search(r"\{\{\$.*\}\}", word)]
        assert left == [], f"KFP's launcher does not know these placeholders: {left}"
        return words

    def _start(self, words: list[str], workplace: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(self._folder / "site"), str(ROOT)])
        scratch = workplace.with_name("tmp")
        scratch.mkdir()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": paths,
            "TMPDIR": str(scratch),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **env,
        }
        return subprocess.run(words, cwd=workplace, env=environment, capture_output=True, text=True, check=False)

    def _told(self, outputs: dict[str, Artifact], told: dict[str, Any]) -> dict[str, Artifact]:
        """The outputs with the metadata of the step's ExecutorOutput; the store has them where they were asked for."""
        assert set(told) <= set(outputs)
        for name, one in told.items():
            (artifact,) = one["artifacts"]
            assert artifact["uri"] == outputs[name].uri, "an output that moves is not found by the next step"
            outputs[name].metadata.update(artifact.get("metadata", {}))
        return outputs


def _as_list(name: str, given: Artifact | list[Artifact]) -> dict[str, Any]:
    """An ArtifactList of pipeline_spec.proto."""
    return {"artifacts": [one.as_json(name) for one in (given if isinstance(given, list) else [given])]}
