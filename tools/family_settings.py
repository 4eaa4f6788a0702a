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
# The published weight decay is most of the loss of random weights, and hides how the rest falls.
LITTLE_WEIGHT_DECAY = (
    "model.ssd.feature_extractor.conv_hyperparams.regularizer.l2_regularizer.weight=4e-5",
    f"{SHARED_HEAD}.conv_hyperparams.regularizer.l2_regularizer.weight=4e-5",
)
FAST_SHARED_HEAD = (f"{SHARED_HEAD}.conv_hyperparams.batch_norm.decay=0.9",)
SMALL_SECOND_STAGE = (
    "model.faster_rcnn.first_stage_max_proposals=32",
    "model.faster_rcnn.second_stage_batch_size=16",
    "model.faster_rcnn.initial_crop_size=8",
)
RESNET_FPN = (*FAST_BATCH_NORM, *FAST_SHARED_HEAD, *LITTLE_WEIGHT_DECAY)
# output_size is the input's size, which the augmentation does not look up.
EFFICIENTDET = (
    *FAST_SHARED_HEAD,
    "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay=0.9",
    "train_config.data_augmentation_options[1].random_scale_crop_and_pad_to_square.output_size=256",
)
# Images padded to one shape can share a batch.
SQUARE = "model.faster_rcnn.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension=true"
# A ResNet with frozen batch norm, as for fine-tuning, multiplies random features by thousands: small steps that
# end at nothing settle it. With trained batch norm the statistics would take hundreds of steps to serve the export.
_LR = "train_config.optimizer.momentum_optimizer.learning_rate"
_COSINE = (
    "cosine_decay_learning_rate { learning_rate_base: 2e-4 total_steps: 80 warmup_learning_rate: 2e-4 warmup_steps: 1 }"
)
FROZEN_RESNET = (
    *SMALL_SECOND_STAGE,
    "model.faster_rcnn.feature_extractor.batch_norm_trainable=false",
    f"{_LR}={{ {_COSINE} }}",
)

FAMILIES = {
    family.name: family
    for family in (
        Family("ssd_mobilenet_v1", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssdlite_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_inception_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_resnet50_fpn", 160, 60, 4, 0.01, RESNET_FPN, threshold=0.05),
        Family("faster_rcnn_resnet50", 128, 80, 2, 2e-4, (*FROZEN_RESNET, SQUARE)),
        Family("faster_rcnn_resnet101", 128, 80, 2, 2e-4, (*FROZEN_RESNET, SQUARE)),
        Family("faster_rcnn_inception_v2", 160, 200, 4, 0.003, (*SMALL_SECOND_STAGE, SQUARE)),
        Family("ssd_mobilenet_v2_keras", 128, 150, 8, 0.01, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2_fpn_keras", 128, 100, 8, 0.01, (*FAST_BATCH_NORM, *FAST_SHARED_HEAD), threshold=0.05),
        Family("ssd_resnet50_v1_fpn_keras", 160, 60, 4, 0.01, RESNET_FPN, threshold=0.05),
        Family("ssd_efficientnet-b0_bifpn_keras", 256, 100, 4, 0.08, EFFICIENTDET, threshold=0.05),
        Family("faster_rcnn_resnet50_keras", 128, 80, 2, 2e-4, FROZEN_RESNET),
        Family("center_net_mobilenet_v2_fpn", 128, 150, 8, 0.001),
        Family("center_net_resnet50_v1_fpn", 96, 150, 4, 0.001),
    )
}
