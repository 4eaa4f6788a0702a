"""How each family of configs/ is trained on drawn shapes in a minute or two on two cores."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """What differs from the family's pipeline.config.

    Attributes:
        name: the config's name in configs/.
        size: both sides of the input in pixels; the smallest that the architecture learns the shapes at.
        overrides: further fields, as `detloop train --set` takes them.
        threshold: the score above which the export's boxes count.
    """

    name: str
    size: int
    steps: int
    batch_size: int
    learning_rate: float
    overrides: tuple[str, ...] = ()
    threshold: float = 0.1


# Batch-norm statistics that follow a few dozen steps; the configs' own take thousands.
FAST_BATCH_NORM = (
    "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay=0.9",
    "model.ssd.feature_extractor.override_base_feature_extractor_hyperparams=true",
)
SHARED_HEAD = "model.ssd.box_predictor.weight_shared_convolutional_box_predictor"
FAST_SHARED_HEAD = (f"{SHARED_HEAD}.conv_hyperparams.batch_norm.decay=0.9",)
FEW_PROPOSALS = (
    "model.faster_rcnn.first_stage_max_proposals=32",
    "model.faster_rcnn.second_stage_batch_size=16",
)

# Images padded to one shape can share a batch.
SQUARE = "model.faster_rcnn.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension=true"

FAMILIES = {
    family.name: family
    for family in (
        Family("ssd_mobilenet_v1", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssdlite_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_inception_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_resnet50_fpn", 160, 100, 4, 0.01, (*FAST_BATCH_NORM, *FAST_SHARED_HEAD)),
        Family("faster_rcnn_resnet50", 160, 150, 1, 0.001, FEW_PROPOSALS),
        Family("faster_rcnn_resnet101", 160, 150, 1, 0.001, FEW_PROPOSALS),
        Family("faster_rcnn_inception_v2", 160, 200, 4, 0.003, (*FEW_PROPOSALS, SQUARE)),
        Family("ssd_mobilenet_v2_keras", 128, 150, 8, 0.01, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2_fpn_keras", 128, 150, 8, 0.01, (*FAST_BATCH_NORM, *FAST_SHARED_HEAD)),
        Family("ssd_resnet50_v1_fpn_keras", 160, 100, 4, 0.01, (*FAST_BATCH_NORM, *FAST_SHARED_HEAD)),
        Family("ssd_efficientnet-b0_bifpn_keras", 256, 100, 4, 0.02, FAST_SHARED_HEAD),
        Family("faster_rcnn_resnet50_keras", 160, 100, 2, 0.001, FEW_PROPOSALS),
        Family("center_net_mobilenet_v2_fpn", 128, 150, 8, 0.001),
        Family("center_net_resnet50_v1_fpn", 128, 100, 4, 0.001),
    )
}
