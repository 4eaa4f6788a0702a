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
        adam: train with Adam instead of the config's optimizer: it needs fewer steps where the first gradients are
            tiny, as those of heads that start near zero are.
        fast_batch_norm: train with `tools.fast_batch_norm`, as the config has no field for all of its batch norm.
    """

    name: str
    size: int
    steps: int
    batch_size: int
    learning_rate: float
    overrides: tuple[str, ...] = ()
    threshold: float = 0.1
    adam: bool = False
    fast_batch_norm: bool = False


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
# A narrower head, which would take more than half of the time.
RESNET_FPN = (
    *FAST_BATCH_NORM,
    *FAST_SHARED_HEAD,
    *LITTLE_WEIGHT_DECAY,
    f"{SHARED_HEAD}.depth=128",
    f"{SHARED_HEAD}.num_layers_before_predictor=2",
)
# output_size is the input's size, which the augmentation does not look up.
EFFICIENTDET = (
    *FAST_SHARED_HEAD,
    "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay=0.9",
    "train_config.data_augmentation_options[1].random_scale_crop_and_pad_to_square.output_size=256",
    "train_config.data_augmentation_options[1].random_scale_crop_and_pad_to_square.scale_min=0.8",
    "train_config.data_augmentation_options[1].random_scale_crop_and_pad_to_square.scale_max=1.2",
)
# Images padded to one shape can share a batch.
SQUARE = "model.faster_rcnn.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension=true"
# Anchors of the drawn shapes' sizes, and batch norm that trains: frozen, random weights' features grow to thousands.
# The second stage's box loss counts the proposals that hit a shape, more the better the first stage becomes: weighted
# as published it rises while everything is learned.
FASTER_RCNN_RESNET = (
    "model.faster_rcnn.second_stage_localization_loss_weight=0.25",
    "model.faster_rcnn.first_stage_minibatch_size=16",
    "model.faster_rcnn.first_stage_max_proposals=16",
    "model.faster_rcnn.second_stage_batch_size=8",
    "model.faster_rcnn.initial_crop_size=4",
    "model.faster_rcnn.feature_extractor.batch_norm_trainable=true",
    "model.faster_rcnn.first_stage_anchor_generator.grid_anchor_generator.scales=[0.125, 0.25]",
)

FAMILIES = {
    family.name: family
    for family in (
        Family("ssd_mobilenet_v1", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssdlite_mobilenet_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_inception_v2", 128, 150, 8, 0.003, FAST_BATCH_NORM),
        Family("ssd_resnet50_fpn", 160, 80, 4, 0.001, RESNET_FPN, 0.05, adam=True, fast_batch_norm=True),
        Family(
            "faster_rcnn_resnet50", 128, 120, 4, 0.001, (*FASTER_RCNN_RESNET, SQUARE), adam=True, fast_batch_norm=True
        ),
        Family(
            "faster_rcnn_resnet101", 128, 120, 4, 0.001, (*FASTER_RCNN_RESNET, SQUARE), adam=True, fast_batch_norm=True
        ),
        Family("faster_rcnn_inception_v2", 160, 200, 4, 0.003, (*SMALL_SECOND_STAGE, SQUARE)),
        Family("ssd_mobilenet_v2_keras", 128, 150, 8, 0.01, FAST_BATCH_NORM),
        Family("ssd_mobilenet_v2_fpn_keras", 128, 100, 8, 0.01, (*FAST_BATCH_NORM, *FAST_SHARED_HEAD), threshold=0.05),
        Family("ssd_resnet50_v1_fpn_keras", 160, 80, 4, 0.001, RESNET_FPN, 0.05, adam=True),
        Family(
            "ssd_efficientnet-b0_bifpn_keras", 256, 120, 4, 0.003, EFFICIENTDET, 0.05, adam=True, fast_batch_norm=True
        ),
        Family("faster_rcnn_resnet50_keras", 128, 120, 4, 0.001, FASTER_RCNN_RESNET, adam=True, fast_batch_norm=True),
        Family("center_net_mobilenet_v2_fpn", 128, 150, 8, 0.001, fast_batch_norm=True),
        Family("center_net_resnet50_v1_fpn", 96, 150, 4, 0.001, fast_batch_norm=True),
    )
}
