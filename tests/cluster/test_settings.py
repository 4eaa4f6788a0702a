"""Profiles, a site's settings file over them, single values over both, and what is said about a wrong one."""

from pathlib import Path

import pytest

from detloop import __version__
from detloop.cluster import load_profile
from detloop.cluster.profile import Toleration
from detloop.errors import DetloopError

SITE = """
[image]
repository = "registry.example.org/vision/detloop"
pull_secrets = ["registry"]

[gpu.node_selector]
"cloud.google.com/gke-accelerator" = "nvidia-l4"

[defaults]
memory_limit = "6Gi"
cpu_limit = 4
tolerations = [{ key = "spot", operator = "Exists", effect = "NoSchedule" }]

[steps.train]
retries = 5
cache = false

[[secrets]]
name = "images-bucket"
env = { AWS_ACCESS_KEY_ID = "accesskey", AWS_SECRET_ACCESS_KEY = "secretkey" }
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def error_of(path: Path, text: str) -> str:
    """The one line that a settings file with `text` ends in, without the folder's name."""
    path.write_text(text)
    with pytest.raises(DetloopError) as caught:
        load_profile("cpu", path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_only_three_components_get_a_gpu_and_only_in_the_gpu_profile() -> None:
    cpu, gpu = load_profile("cpu"), load_profile("gpu")
    names = ("select", "detect", "collect", "records", "train", "evaluate", "report", "promote", "anything")
    assert [name for name in names if gpu.has_gpu(name)] == ["detect", "train", "evaluate"]
    assert [name for name in names if cpu.has_gpu(name)] == []
    assert gpu.gpu.tolerations == (Toleration("nvidia.com/gpu", "Exists", effect="NoSchedule"),)


def test_a_sites_values_are_laid_over_the_profiles(site: Path) -> None:
    plain, own = load_profile("gpu"), load_profile("gpu", site)
    assert own.image.reference("gpu") == f"registry.example.org/vision/detloop:{__version__}-gpu"
    assert own.gpu.node_selector == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert own.gpu.tolerations == plain.gpu.tolerations
    assert (own.step("train").retries, own.step("train").cache) == (5, False)
    assert own.step("train").memory_limit == plain.step("train").memory_limit == "32Gi"
    assert set(own.secrets[0].env) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_a_step_has_the_defaults_where_it_says_nothing_itself(site: Path) -> None:
    profile = load_profile("cpu", site)
    assert profile.step("report").memory_limit == "6Gi"
    assert profile.step("report").cpu_limit == "4"
    assert profile.step("train").tolerations == profile.step("report").tolerations != ()


def test_single_values_are_laid_over_the_settings_file(site: Path) -> None:
    profile = load_profile(
        "gpu",
        site,
        [
            "image.tag=1.10",
            "steps.train.retries=1",
            "steps.export.cpu_request=500m",
            "defaults.cache=false",
            'gpu.node_selector."cloud.google.com/gke-accelerator"=nvidia-a100',
            'secrets=[{name = "other", mount_path = "/etc/other"}]',
        ],
    )
    assert profile.image.reference("cpu") == "registry.example.org/vision/detloop:1.10"
    assert (profile.step("train").retries, profile.step("export").cpu_request) == (1, "500m")
    assert (profile.step("report").cache, profile.step("train").cache) == (False, False)
    assert profile.gpu.node_selector == {"cloud.google.com/gke-accelerator": "nvidia-a100"}
    assert [secret.name for secret in profile.secrets] == ["other"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[imag]\n", "site.toml: imag is unknown; the nearest is image"),
        (
            "[steps.train]\nmemry_limit = '1Gi'",
            "site.toml: steps.train.memry_limit is unknown; the nearest is memory_limit",
        ),
        ("[image]\ntag = 'latest'", "site.toml: image.tag: is 'latest'; write 1.2.0"),
        ("[defaults]\ncache = 'yes'", "site.toml: defaults.cache: is 'yes'; it must be true or false"),
        ("[defaults]\nretries = true", "site.toml: defaults.retries: is True; it must be a whole number"),
        ("[defaults]\nretries = -1", "site.toml: defaults.retries: is -1; it must not be negative"),
        ("[defaults]\nmemory_limit = '4 GB'", "site.toml: defaults.memory_limit: is '4 GB'; write 4Gi or 512Mi"),
        ("[defaults]\ntimeout = 60", "site.toml: defaults.timeout: is 60; write 30s, 10m, 6h or 2d"),
        ("[defaults.env]\nA = 1", "site.toml: defaults.env.A: is 1; it must be a string"),
        ("[gpu]\ntolerations = 'all'", "site.toml: gpu.tolerations: is 'all'; it must be a list"),
        ("[gpu]\ntolerations = [{kee = 'a'}]", "site.toml: gpu.tolerations[0].kee is unknown; the nearest is key"),
        ("gpu = 1", "site.toml: gpu: is 1; it must be a table"),
        ("secrets = [{name = 'A_B'}]", "site.toml: secrets[0].name: is 'A_B'; write the name of a Kubernetes object"),
        (
            "[image]\npull_policy = 'Sometimes'",
            "site.toml: image.pull_policy: is 'Sometimes'; it must be one of 'IfNot",
        ),
        ("image = ", "site.toml: is no TOML: "),
    ],
)
def test_what_is_wrong_in_a_settings_file_is_named(tmp_path: Path, text: str, error: str) -> None:
    assert error_of(tmp_path / "site.toml", text).startswith(error)


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("image.tag", "--set image.tag: write KEY=VALUE"),
        ("steps.train.retrys=1", "--set: steps.train.retrys is unknown; the nearest is retries"),
        ("steps.train.retries=many", "--set: steps.train.retries: is 'many'; it must be a whole number"),
        ("gpu.node_selector.a/b=c", "--set gpu.node_selector.a/b=c: gpu.node_selector.a/b is no key in TOML's form"),
    ],
)
def test_what_is_wrong_in_a_single_value_is_named(override: str, error: str) -> None:
    with pytest.raises(DetloopError) as caught:
        load_profile("cpu", None, [override])
    assert str(caught.value).startswith(error)


def test_a_tag_has_no_other_placeholders() -> None:
    profile = load_profile("cpu", None, ["image.tag={revision}"])
    with pytest.raises(DetloopError, match=r"image\.tag: \{revision\} has a placeholder other than"):
        profile.image.reference("cpu")
