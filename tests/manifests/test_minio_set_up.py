"""The job that makes buckets and users, run as the pod runs it against a real MinIO."""

import io
import os
import subprocess
import sys
import uuid

import pytest
from minio import Minio, S3Error

from tests.manifests.rendering import MANIFESTS
from tests.servers import KEY, SECRET, Server, minio_client

ARTIFACTS, IMAGES = "mlpipeline", "detloop"
SCRIPT = MANIFESTS / "minio" / "set_up.py"


class Users:
    """KFP's user and the steps' user, with keys of the test's own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.names = {name: f"{name.lower()}-{uuid.uuid4().hex[:8]}" for name in ("KFP", "IMAGES")}
        self.keys = {name: uuid.uuid4().hex for name in self.names}

    def set_up(self) -> subprocess.CompletedProcess[str]:
        """Runs the script with nothing but the job's variables."""
        variables = {
            "MINIO_ENDPOINT": self._server.endpoint,
            "MINIO_ROOT_USER": KEY,
            "MINIO_ROOT_PASSWORD": SECRET,
            **{f"{name}_ACCESS_KEY": value for name, value in self.names.items()},
            **{f"{name}_SECRET_KEY": value for name, value in self.keys.items()},
        }
        return subprocess.run(
            [sys.executable, str(SCRIPT)], env={"PATH": os.environ["PATH"]} | variables, capture_output=True, text=True
        )

    def client(self, name: str) -> Minio:
        host = self._server.endpoint.removeprefix("http://")
        return Minio(host, self.names[name], self.keys[name], secure=False)


@pytest.fixture(scope="module")
def users(minio_server: Server) -> Users:
    users = Users(minio_server)
    done = users.set_up()
    assert done.returncode == 0, done.stderr
    for key in users.keys.values():
        assert key not in done.stdout + done.stderr
    return users


def put(client: Minio, bucket: str, name: str = "a/file") -> None:
    client.put_object(bucket, name, io.BytesIO(b"content"), 7)


def is_denied(error: pytest.ExceptionInfo[S3Error]) -> bool:
    return bool(error.value.code == "AccessDenied")


def test_kfp_keeps_its_artifacts(users: Users) -> None:
    kfp = users.client("KFP")
    assert kfp.bucket_exists(ARTIFACTS)
    put(kfp, ARTIFACTS)
    kfp.put_object(ARTIFACTS, "large", io.BytesIO(bytes(12 << 20)), -1, part_size=5 << 20)
    assert {"a/file", "large"} <= {one.object_name for one in kfp.list_objects(ARTIFACTS, recursive=True)}
    assert kfp.get_object(ARTIFACTS, "a/file").data == b"content"
    for name in ("a/file", "large"):
        kfp.remove_object(ARTIFACTS, name)
    assert not {"a/file", "large"} & {one.object_name for one in kfp.list_objects(ARTIFACTS, recursive=True)}


def test_steps_read_the_images_and_change_nothing(users: Users, minio_server: Server) -> None:
    put(minio_client(minio_server), IMAGES, "street/1.jpg")
    steps = users.client("IMAGES")
    assert [one.object_name for one in steps.list_objects(IMAGES, prefix="street/")] == ["street/1.jpg"]
    assert steps.get_object(IMAGES, "street/1.jpg").data == b"content"
    for change in (lambda: put(steps, IMAGES), lambda: steps.remove_object(IMAGES, "street/1.jpg")):
        with pytest.raises(S3Error) as error:
            change()
        assert is_denied(error)


@pytest.mark.parametrize(
    ("bucket", "name"),
    [(IMAGES, "champions/nightly/champion.json"), (ARTIFACTS, "v2/run/detect/unfinished/000000.json")],
)
def test_steps_keep_champions_and_what_they_have_found_so_far(users: Users, bucket: str, name: str) -> None:
    steps = users.client("IMAGES")
    put(steps, bucket, name)
    assert steps.get_object(bucket, name).data == b"content"


def test_what_kfp_keeps_is_not_the_steps(users: Users) -> None:
    put(users.client("KFP"), ARTIFACTS, "v2/run/detect/detections")
    steps = users.client("IMAGES")
    name = "v2/run/detect/detections"
    for use in (lambda: steps.get_object(ARTIFACTS, name), lambda: put(steps, ARTIFACTS, name)):
        with pytest.raises(S3Error) as error:
            use()
        assert is_denied(error)


def test_the_images_are_closed_to_kfp(users: Users) -> None:
    kfp = users.client("KFP")
    for use in (lambda: list(kfp.list_objects(IMAGES)), lambda: put(kfp, IMAGES)):
        with pytest.raises(S3Error) as error:
            use()
        assert is_denied(error)


@pytest.mark.parametrize("user", ["KFP", "IMAGES"])
def test_nobody_makes_buckets(users: Users, user: str) -> None:
    with pytest.raises(S3Error) as error:
        users.client(user).make_bucket("another")
    assert is_denied(error)


def test_it_may_run_again_and_then_new_keys_hold(users: Users) -> None:
    put(users.client("KFP"), ARTIFACTS, "kept")
    old = users.client("KFP")
    users.keys["KFP"] = uuid.uuid4().hex
    assert users.set_up().returncode == 0
    assert users.client("KFP").get_object(ARTIFACTS, "kept").data == b"content"
    with pytest.raises(S3Error, match="signature"):
        old.get_object(ARTIFACTS, "kept")
    users.client("KFP").remove_object(ARTIFACTS, "kept")
