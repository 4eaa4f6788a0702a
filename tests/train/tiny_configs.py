"""Small detectors of both generations, which train on drawn rectangles in seconds."""

from pathlib import Path

from detloop.records import write_records
from tests.drawn import draw_image

FEATURE_EXTRACTORS = {"tf1": "ssd_mobilenet_v2", "tf2": "ssd_mobilenet_v2_keras"}

_HYPERPARAMS = """
  conv_hyperparams {
    activation: RELU_6
    regularizer { l2_regularizer { weight: 4e-5 } }
    initializer { truncated_normal_initializer { stddev: 0.03 } }
    batch_norm { decay: 0.9 scale: true epsilon: 0.001 }
  }
"""


def ssd_config(generation: str) -> str:
    """The text of a pipeline.config for 96x96 pixels."""
    return f"""
model {{ ssd {{
  num_classes: 90
  image_resizer {{ fixed_shape_resizer {{ height: 96 width: 96 }} }}
  feature_extractor {{
    type: "{FEATURE_EXTRACTORS[generation]}" depth_multiplier: 0.35 min_depth: 8 {_HYPERPARAMS}
  }}
  box_coder {{ faster_rcnn_box_coder {{ y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 }} }}
  matcher {{ argmax_matcher {{
    matched_threshold: 0.5 unmatched_threshold: 0.5 negatives_lower_than_unmatched: true force_match_for_each_row: true
  }} }}
  similarity_calculator {{ iou_similarity {{}} }}
  box_predictor {{ convolutional_box_predictor {{
    use_dropout: false kernel_size: 1 box_code_size: 4 {_HYPERPARAMS}
  }} }}
  anchor_generator {{ ssd_anchor_generator {{
    num_layers: 6 min_scale: 0.2 max_scale: 0.95 aspect_ratios: 1.0 aspect_ratios: 2.0 aspect_ratios: 0.5
  }} }}
  post_processing {{
    batch_non_max_suppression {{
      score_threshold: 1e-8 iou_threshold: 0.6 max_detections_per_class: 20 max_total_detections: 20
    }}
    score_converter: SIGMOID
  }}
  normalize_loss_by_num_matches: true
  loss {{
    localization_loss {{ weighted_smooth_l1 {{}} }}
    classification_loss {{ weighted_sigmoid_focal {{ alpha: 0.75 gamma: 2.0 }} }}
    classification_weight: 1.0
    localization_weight: 1.0
  }}
}} }}
train_config {{
  batch_size: 4
  num_steps: 30
  optimizer {{
    momentum_optimizer {{
      learning_rate {{ constant_learning_rate {{ learning_rate: 0.01 }} }}
      momentum_optimizer_value: 0.9
    }}
    use_moving_average: false
  }}
  data_augmentation_options {{ random_horizontal_flip {{}} }}
}}
"""


def write_ssd_config(folder: Path, generation: str) -> Path:
    path = folder / f"{generation}.config"
    path.write_text(ssd_config(generation), encoding="utf-8")
    return path


def draw_records(folder: Path, images: int = 12) -> Path:
    """Draws images with one rectangle each, labels them `thing`, and writes records; their folder."""
    lines = ["filename,width,height,class,score,xmin,ymin,xmax,ymax"]
    for index in range(images):
        xmin, ymin = 5 + 3 * index, 4 + 2 * index
        box = (xmin, ymin, xmin + 40, ymin + 30)
        draw_image(folder / "images" / f"{index:03d}.jpg", [box])
        lines.append(f"{index:03d}.jpg,96,64,thing,1.0,{box[0]},{box[1]},{min(box[2], 96)},{min(box[3], 64)}")
    (folder / "detections.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_records(
        detections=folder / "detections.csv", images=str(folder / "images"), output=folder / "records", first=images - 3
    )
    return folder / "records"
