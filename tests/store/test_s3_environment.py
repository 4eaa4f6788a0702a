"""Where the S3 server is and who asks, as the environment says it."""

from pathlib import Path

import pytest

from detloop.errors import DetloopError
from detloop.store.s3_environment import read_environment

pytestmark = pytest.mark.usefixtures("store_environment")
Variables = dict[str, str]


def given(monkeypatch: pytest.MonkeyPatch, variables: Variables) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("scheme", "variables", "endpoint"),
    [
        ("s3", {}, "https://s3.amazonaws.com"),
        ("s3", {"S3_ENDPOINT": "http://a:1"}, "http://a:1"),
        ("s3", {"S3_ENDPOINT": "http://a:1", "AWS_ENDPOINT_URL": "http://b:2"}, "http://b:2"),
        ("s3", {"AWS_ENDPOINT_URL": "http://b:2", "AWS_ENDPOINT_URL_S3": "https://c/"}, "https://c"),
        ("s3", {"AWS_ENDPOINT_URL": "http://b:2", "MINIO_ENDPOINT": "http://d:4"}, "http://b:2"),
        ("minio", {"AWS_ENDPOINT_URL": "http://b:2", "MINIO_ENDPOINT": "http://d:4"}, "http://d:4"),
        ("minio", {"AWS_ENDPOINT_URL": "http://b:2"}, "http://b:2"),
    ],
)
def test_the_endpoint(monkeypatch: pytest.MonkeyPatch, scheme: str, variables: Variables, endpoint: str) -> None:
    given(monkeypatch, variables)
    assert read_environment(scheme).endpoint == endpoint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("minio:9000", "MINIO_ENDPOINT: is no server's address; write it as http://minio:9000"),
        ("ftp://minio", "is no server's address"),
        ("http://minio:9000/bucket", "is no server's address"),
        ("http://key:pa55word@minio:9000", "must not hold a user name or password"),
    ],
)
def test_an_endpoint_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    monkeypatch.setenv("MINIO_ENDPOINT", value)
    with pytest.raises(DetloopError, match=message) as caught:
        read_environment("minio")
    assert "pa55word" not in str(caught.value)


def test_minio_uris_need_an_endpoint() -> None:
    with pytest.raises(DetloopError, match="set MINIO_ENDPOINT, as http://minio:9000"):
        read_environment("minio")


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, None),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_ENDPOINT_URL": "http://b:2"}, "us-east-1"),
        ({"AWS_ENDPOINT_URL": "http://b:2", "AWS_REGION": "here"}, "here"),
    ],
)
def test_the_region(monkeypatch: pytest.MonkeyPatch, variables: Variables, region: str | None) -> None:
    given(monkeypatch, variables)
    assert read_environment("s3").region == region


AWS = {"AWS_ACCESS_KEY_ID": "aws", "AWS_SECRET_ACCESS_KEY": "aws-secret"}
MINIO = {"MINIO_ACCESS_KEY": "minio", "MINIO_SECRET_KEY": "minio-secret"}
ROOT = {"MINIO_ROOT_USER": "root", "MINIO_ROOT_PASSWORD": "root-secret"}


@pytest.mark.parametrize(
    ("scheme", "variables", "key"),
    [
        ("s3", AWS, "aws"),
        ("s3", MINIO, "minio"),
        ("s3", ROOT, "root"),
        ("s3", AWS | MINIO | ROOT, "aws"),
        ("minio", AWS | MINIO | ROOT, "minio"),
        ("minio", AWS | ROOT, "root"),
        ("minio", AWS, "aws"),
    ],
)
def test_the_keys(monkeypatch: pytest.MonkeyPatch, scheme: str, variables: Variables, key: str) -> None:
    given(monkeypatch, {"MINIO_ENDPOINT": "http://d:4", **variables})
    provider = read_environment(scheme).credentials
    assert provider is not None
    credentials = provider.retrieve()
    assert (credentials.access_key, credentials.secret_key) == (key, f"{key}-secret")


def test_keys_from_a_mounted_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = f"{tmp_path}/credentials"
    with open(path, "w", encoding="utf-8") as file:
        file.write("[default]\naws_access_key_id = a\naws_secret_access_key = b\n[lab]\naws_access_key_id = c\n")
        file.write("aws_secret_access_key = d\naws_session_token = e\n")
    given(monkeypatch, {"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "lab"})
    provider = read_environment("s3").credentials
    assert provider is not None
    credentials = provider.retrieve()
    assert (credentials.access_key, credentials.secret_key, credentials.session_token) == ("c", "d", "e")


def test_a_file_without_keys_in_its_form_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("key: s3cret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(DetloopError, match=r"AWS_SHARED_CREDENTIALS_FILE .* is no file of AWS credentials") as caught:
        read_environment("s3")
    assert "s3cret" not in str(caught.value)


def test_a_user_without_a_home_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user need not be in /etc/passwd."""
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE")
    monkeypatch.delenv("HOME", raising=False)

    def no_home(_: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", classmethod(no_home))
    assert read_environment("s3").credentials is None


def test_without_credentials_access_is_anonymous() -> None:
    assert read_environment("s3").credentials is None


@pytest.mark.parametrize("variables", [AWS, MINIO, ROOT])
def test_half_a_pair_is_an_error(monkeypatch: pytest.MonkeyPatch, variables: Variables) -> None:
    (key, _), (secret, value) = variables.items()
    monkeypatch.setenv(secret, value)
    with pytest.raises(DetloopError, match=f"{secret} is set and {key} is not; set both") as caught:
        read_environment("s3")
    assert value not in str(caught.value)


def test_a_token_that_cannot_be_exchanged_is_an_error_without_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = f"{tmp_path}/token"
    with open(path, "w", encoding="utf-8") as file:
        file.write("t0ken")
    given(monkeypatch, {"AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"})
    with pytest.raises(DetloopError, match="AWS_WEB_IDENTITY_TOKEN_FILE: its token was not accepted") as caught:
        read_environment("s3")
    assert "t0ken" not in str(caught.value)
