"""What a profile says: where the pipeline's steps run on a cluster, with what, and how often they are tried."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from detloop import __version__
from detloop.errors import DetloopError

GPU_STEPS = ("detect", "train", "evaluate")
"""The components that a GPU makes faster; detect is the teacher's and the student's. No other is ever given one."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Form:
    """How a string must look.

    Attributes:
        pattern: regular expression of the whole string.
        example: what an error tells the user to write.
    """

    pattern: str
    example: str

    def fits(self, text: str) -> bool:
        return re.fullmatch(self.pattern, text) is not None


CPU = Form(r"\d+m?|\d*\.\d+|", "2, 0.5 or 500m")
MEMORY = Form(r"\d+([EPTGM]i?|Ki?)?|", "4Gi or 512Mi")
DURATION = Form(rf"[1-9]\d*[{''.join(_SECONDS)}]", "30s, 10m, 6h or 2d")
TAG = Form(r"(?!latest$)[\w{][\w.{}-]{0,127}", "1.2.0 or {version}-{target}; latest would be another image every week")
NAME = Form(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "the name of a Kubernetes object, as my-secret")
IMAGE_NAME = Form(r"[a-z0-9][a-z0-9._:/-]*", "registry.example.org/team/detloop, without a tag")
"""Sources: kfp/dsl/pipeline_task.py, whose own checks name neither file nor key; Kubernetes' and OCI's naming rules."""


def _text(form: Form, default: str = "") -> Any:
    return field(default=default, metadata={"form": form})


@dataclass(frozen=True)
class Image:
    """The container image of the steps.

    Attributes:
        tag: `{version}` stands for the project's version, `{target}` for cpu or, on steps with a GPU, gpu.
        pull_secrets: names of secrets of type kubernetes.io/dockerconfigjson.
    """

    repository: str = _text(IMAGE_NAME, "detloop")
    tag: str = _text(TAG, "{version}-{target}")
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()

    def reference(self, target: str) -> str:
        """The image's full name.

        Raises:
            DetloopError: the tag has another placeholder.
        """
        tag = self.tag.replace("{version}", __version__).replace("{target}", target)
        if "{" in tag or "}" in tag:
            raise DetloopError(f"image.tag: {self.tag} has a placeholder other than {{version}} and {{target}}")
        return f"{self.repository}:{tag}"


@dataclass(frozen=True)
class Toleration:
    """A taint of nodes that a step puts up with; the fields are those of Kubernetes."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""


@dataclass(frozen=True)
class Gpu:
    """The accelerator of the steps in GPU_STEPS.

    Attributes:
        type: the resource's name on the node.
        count: how many a step gets; 0 for none.
        node_selector: labels of the nodes that have it.
        tolerations: taints of these nodes.
    """

    type: str = "nvidia.com/gpu"
    count: int = 0
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True)
class Step:
    """What one step gets; an empty quantity is left to the cluster.

    Attributes:
        scratch: size of /tmp, which is all of the file system that a step writes to beside its outputs.
        scratch_storage_class: of a volume claimed for /tmp as long as the step lives; empty for the node's own disk.
        timeout: a try that takes longer is stopped, and counts as failed.
        retries: how often a failed step is tried again.
        retry_delay: before the first retry.
        retry_factor: how many times as long each next retry waits, up to retry_longest_delay.
        cache: whether an earlier run's result with the same inputs is taken.
        env: environment variables, which the compiled pipeline shows: no secrets.
    """

    cpu_request: str = _text(CPU)
    cpu_limit: str = _text(CPU)
    memory_request: str = _text(MEMORY)
    memory_limit: str = _text(MEMORY)
    scratch: str = _text(MEMORY)
    scratch_storage_class: str = ""
    timeout: str = _text(DURATION, "24h")
    retries: int = 0
    retry_delay: str = _text(DURATION, "30s")
    retry_factor: float = 2.0
    retry_longest_delay: str = _text(DURATION, "10m")
    cache: bool = True
    env: dict[str, str] = field(default_factory=dict)
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True)
class Secret:
    """A Kubernetes secret that steps read; only its name and keys are in the compiled pipeline.

    Attributes:
        env: the secret's key by the environment variable that gets its value.
        mount_path: folder to which the secret is mounted, a file a key; empty for none.
        steps: components that get it; none named for all.
        optional: whether a step may start without it.
    """

    name: str = _text(NAME)
    env: dict[str, str] = field(default_factory=dict)
    mount_path: str = ""
    steps: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Profile:
    """A whole profile.

    Attributes:
        defaults: of every step.
        steps: by component; each has the defaults where it says nothing itself.
    """

    image: Image = Image()
    gpu: Gpu = Gpu()
    defaults: Step = Step()
    steps: dict[str, Step] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()

    def step(self, component: str) -> Step:
        """What a component's steps get."""
        return self.steps.get(component, self.defaults)

    def has_gpu(self, component: str) -> bool:
        """Whether a component's steps get a GPU."""
        return self.gpu.count > 0 and component in GPU_STEPS


def seconds_in(duration: str) -> int:
    """30s, 10m, 6h or 2d as seconds.

    Raises:
        DetloopError: it is none of these.
    """
    if not DURATION.fits(duration):
        raise DetloopError(f"{duration}: not a length of time; write {DURATION.example}")
    return int(duration[:-1]) * _SECONDS[duration[-1]]
