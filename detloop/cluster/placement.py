"""Gives a step of the pipeline what its profile says."""

from typing import Any

from kfp import kubernetes

from detloop.cluster.profile import Profile, Step, Toleration, seconds_in
from detloop.errors import DetloopError

_SCRATCH = "scratch"
_SCRATCH_PATH = "/tmp"  # noqa: S108


def place(task: Any, component: str, profile: Profile) -> None:
    """Sets image, resources, retries, timeout, cache, nodes and secrets of one task that runs in a container."""
    step, has_gpu = profile.step(component), profile.has_gpu(component)
    task.set_container_image(profile.image.reference("gpu" if has_gpu else "cpu"))
    task.set_caching_options(step.cache)
    for name, value in step.env.items():
        task.set_env_variable(name, value)
    _set_resources(task, step)
    _set_tries(task, step)
    _set_scratch(task, step)
    _set_nodes(task, step.node_selector, step.tolerations)
    if has_gpu:
        task.set_accelerator_type(profile.gpu.type).set_accelerator_limit(profile.gpu.count)
        _set_nodes(task, profile.gpu.node_selector, profile.gpu.tolerations)
    _set_pulling(task, profile)
    _set_secrets(task, component, profile)


def _set_resources(task: Any, step: Step) -> None:
    for setter, quantity in (
        (task.set_cpu_request, step.cpu_request),
        (task.set_cpu_limit, step.cpu_limit),
        (task.set_memory_request, step.memory_request),
        (task.set_memory_limit, step.memory_limit),
    ):
        if quantity:
            setter(quantity)


def _set_tries(task: Any, step: Step) -> None:
    kubernetes.set_timeout(task, seconds_in(step.timeout))
    if step.retries:
        delay, longest = seconds_in(step.retry_delay), seconds_in(step.retry_longest_delay)
        task.set_retry(step.retries, f"{delay}s", step.retry_factor, f"{longest}s")


def _set_scratch(task: Any, step: Step) -> None:
    if step.scratch_storage_class and not step.scratch:
        raise DetloopError(f"scratch_storage_class: {step.scratch_storage_class} needs a size; set scratch, as 20Gi")
    if step.scratch_storage_class:
        kubernetes.add_ephemeral_volume(
            task,
            volume_name=_SCRATCH,
            mount_path=_SCRATCH_PATH,
            access_modes=["ReadWriteOnce"],
            size=step.scratch,
            storage_class_name=step.scratch_storage_class,
        )
    elif step.scratch:
        kubernetes.empty_dir_mount(task, _SCRATCH, _SCRATCH_PATH, size_limit=step.scratch)


def _set_nodes(task: Any, node_selector: dict[str, str], tolerations: tuple[Toleration, ...]) -> None:
    for key, value in node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for one in tolerations:
        kubernetes.add_toleration(
            task, key=one.key or None, operator=one.operator, value=one.value or None, effect=one.effect or None
        )


def _set_pulling(task: Any, profile: Profile) -> None:
    kubernetes.set_image_pull_policy(task, profile.image.pull_policy)
    if profile.image.pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(profile.image.pull_secrets))


def _set_secrets(task: Any, component: str, profile: Profile) -> None:
    for secret in profile.secrets:
        if secret.steps and component not in secret.steps:
            continue
        for variable, key in secret.env.items():
            kubernetes.use_secret_as_env(task, secret.name, {key: variable}, optional=secret.optional)
        if secret.mount_path:
            kubernetes.use_secret_as_volume(task, secret.name, secret.mount_path, optional=secret.optional)
