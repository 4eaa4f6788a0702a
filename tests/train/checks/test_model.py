"""Feature extractors: known to the API, in the architecture they are of."""

import pytest

from detloop.train.checks.model import check_model, known_feature_extractors
from tests.train.checks.configs import config

TYPE = "model.ssd.feature_extractor.type"


@pytest.mark.parametrize(
    "assignment",
    [
        f"{TYPE}=ssd_mobilenet_v2",
        f"{TYPE}=ssd_resnet50_v1_fpn_keras",
        f"{TYPE}=ssd_efficientnet-b0_bifpn_keras",
        "model.center_net.feature_extractor.type=mobilenet_v2_fpn",
    ],
)
def test_what_the_api_knows_is_fine(assignment):
    assert check_model(config(assignment)) == []


def test_what_it_does_not_know_is_an_error_with_the_nearest():
    (finding,) = check_model(config(f"{TYPE}=ssd_mobilenet_v2_kears"))
    assert str(finding) == (
        f"error: {TYPE}: the API has no 'ssd_mobilenet_v2_kears'; the nearest is 'ssd_mobilenet_v2_keras'"
    )


def test_one_of_another_architecture_is_an_error():
    (finding,) = check_model(config(f"{TYPE}=faster_rcnn_resnet50"))
    assert finding.what == "'faster_rcnn_resnet50' is one of faster_rcnn"


def test_the_apis_names_are_found_in_its_source():
    known = known_feature_extractors()
    assert {"ssd_inception_v2", "ssd_mobilenet_v1_fpn_keras", "ssd_spaghettinet"} <= known["ssd"]
    assert {"faster_rcnn_nas", "faster_rcnn_resnet152_keras"} <= known["faster_rcnn"]
    assert {"hourglass_104", "resnet_v1_18_fpn"} <= known["center_net"]
