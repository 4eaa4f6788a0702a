"""Trainers opened and stepped in a process of their own, since a process holds one generation of the API.

`python -m tests.train.odapi.trainers SCENARIO GENERATION FOLDER [CHECKPOINT]` prints what came out as JSON.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detloop.train.odapi.config import architecture_of, read_config, set_fields
from detloop.train.odapi.generations import open_trainer
from detloop.train.odapi.runtime import load_api
from detloop.train.settings import fill_in, open_records_folder
from detloop.train.trainer import TrainingStart


def trainer(generation: str, folder: Path, settings: list[str], checkpoint: Path | None = None, **options: Any) -> Any:
    config = read_config(folder / f"{generation}.config")
    set_fields(config, settings)
    records = open_records_folder(folder / "records")
    fill_in(config, records, steps=4, batch_size=None)
    if "classes" in options:
        architecture_of(config).num_classes = options.pop("classes")
    (folder / "checkpoints").mkdir(exist_ok=True)
    return open_trainer(TrainingStart(config, records.train, folder / "checkpoints", checkpoint), **options)


def stepped(one: Any, steps: int) -> list[Any]:
    return [one.train_step() for _ in range(steps)]


def names(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    return [list(result.image_names) for result in stepped(trainer(generation, folder, []), 6)]


def warm_start(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    return str(trainer(generation, folder, [], checkpoint, classes=3).warm_start)


def bfloat16(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    one = trainer(generation, folder, ["train_config.use_bfloat16=true"])
    losses = [result.total_loss for result in stepped(one, 12)]
    import tensorflow as tf

    saved = tf.train.load_checkpoint(str(one.save()))
    types = {saved.get_variable_to_dtype_map()[name].name for name in saved.get_variable_to_shape_map()}
    return {"losses": losses, "types": sorted(types)}


def clipped(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    """How far the weights go in one step whose gradients are clipped to almost nothing, and in one without."""
    return {name: _moved(generation, folder, settings) for name, settings in CLIPPING.items()}


CLIPPING = {"clipped": ["train_config.gradient_clipping_by_norm=1e-6"], "free": []}


def _moved(generation: str, folder: Path, settings: list[str]) -> float:
    import numpy as np
    import tensorflow as tf

    still = "train_config.optimizer.momentum_optimizer.learning_rate.constant_learning_rate.learning_rate=0.1"
    one = trainer(generation, folder, [*settings, still, "train_config.add_regularization_loss=false"])
    one.train_step()
    before = tf.train.load_checkpoint(str(one.save()))
    one.train_step()
    after = tf.train.load_checkpoint(str(one.save()))
    kernels = [name for name in _weights(after) if "box_encod" in name.lower() or "boxencod" in name.lower()]
    return float(max(np.abs(after.get_tensor(name) - before.get_tensor(name)).max() for name in kernels))


def frozen(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    """Which variables a step changes when those named by FROZEN are frozen: how many of these and of the others."""
    import numpy as np

    one = trainer(generation, folder, [f"train_config.freeze_variables={FROZEN[generation]}"])
    one.train_step()
    before = _values(generation, one)
    one.train_step()
    changed = [name for name, value in _values(generation, one).items() if np.any(value != before[name])]
    are_frozen = [name for name in before if re.search(FROZEN[generation], name)]
    return {"frozen": len(are_frozen), "changed": len(changed), "both": len({*changed} & {*are_frozen})}


FROZEN = {"tf1": "FeatureExtractor", "tf2": "block_"}


def _values(generation: str, one: Any) -> dict[str, Any]:
    if generation == "tf2":
        return {variable.name: variable.numpy() for variable in one._model.trainable_variables}
    with one._graph.as_default():
        import tensorflow.compat.v1 as tf

        return dict(one._session.run({variable.op.name: variable for variable in tf.trainable_variables()}))


def averages(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    """The largest error of average = decay * earlier average + (1 - decay) * weight over all weights of two steps."""
    import numpy as np
    import tensorflow as tf

    decay = "train_config.optimizer.moving_average_decay=0.05"
    one = trainer(generation, folder, ["train_config.optimizer.use_moving_average=true", decay])
    one.train_step()
    first = tf.train.load_checkpoint(str(one.save()))
    one.train_step()
    second = tf.train.load_checkpoint(str(one.save()))
    errors, apart = [], 0.0
    for average_name, weight_name in _pairs(generation, second):
        earlier, average = first.get_tensor(average_name), second.get_tensor(average_name)
        weight = second.get_tensor(weight_name)
        errors.append(float(np.abs(average - (0.05 * earlier + 0.95 * weight)).max()))
        apart = max(apart, float(np.abs(average - weight).max()))
    return {"pairs": len(errors), "largest_error": max(errors), "apart": apart}


def _weights(saved: Any) -> list[str]:
    return [name for name in saved.get_variable_to_shape_map() if "SLOT" not in name and "Momentum" not in name]


def _pairs(generation: str, saved: Any) -> list[tuple[str, str]]:
    """Where a checkpoint has each average, which is under the weight's name, and each weight."""
    known = saved.get_variable_to_shape_map()
    if generation == "tf1":
        shadow = "/ExponentialMovingAverage"
        return [(name.removesuffix(shadow), name) for name in known if name.endswith(shadow)]
    slot = "/.OPTIMIZER_SLOT/optimizer/average/.ATTRIBUTES/VARIABLE_VALUE"
    return [(name.replace(slot, "/.ATTRIBUTES/VARIABLE_VALUE"), name) for name in known if name.endswith(slot)]


def two_devices(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    one = trainer(generation, folder, [], devices=["CPU:0", "CPU:1"])
    results = stepped(one, 25)
    path = one.save()
    return {
        "losses": [result.total_loss for result in results],
        "images_a_step": len(results[0].image_names),
        "checkpoint": str(path),
        "replicas": one._strategy.num_replicas_in_sync,
    }


def negatives(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    """The losses of batches in which no image has a box."""
    return [result.total_loss for result in stepped(trainer(generation, folder, []), 3)]


def weighted(generation: str, folder: Path, checkpoint: Path | None) -> Any:
    """The weights of each image's boxes in some batches, read by the API's decoder and augmented by a random crop."""
    import tensorflow as tf
    from object_detection.builders import model_builder

    from detloop.train.odapi.input_pipeline import training_batches

    config = read_config(folder / f"{generation}.config")
    config.train_config.data_augmentation_options.add().ssd_random_crop.SetInParent()
    records = open_records_folder(folder / "records")
    fill_in(config, records, steps=4, batch_size=None)
    dataset = training_batches(config, model_builder.build(config.model, is_training=True), records.train, 0)
    if generation == "tf2":
        batches = [[labels[name].numpy() for name in COUNT_AND_WEIGHTS] for _, labels in dataset.take(5)]
    else:
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
        _, labels = iterator.get_next()
        with tf.compat.v1.Session() as session:
            session.run([tf.compat.v1.tables_initializer(), iterator.initializer])
            batches = [session.run([labels[name] for name in COUNT_AND_WEIGHTS]) for _ in range(5)]
    return [its[:count].tolist() for counts, weights in batches for count, its in zip(counts, weights, strict=True)]


COUNT_AND_WEIGHTS = ("num_groundtruth_boxes", "groundtruth_weights")


SCENARIOS: dict[str, Callable[[str, Path, Path | None], Any]] = {
    scenario.__name__: scenario
    for scenario in (
        *(names, warm_start, bfloat16, clipped, frozen, averages, two_devices),
        *(negatives, weighted),
    )
}

if __name__ == "__main__":
    scenario, api, where, *weights = sys.argv[1:]
    load_api(api, onednn=scenario != "bfloat16")
    print(json.dumps(SCENARIOS[scenario](api, Path(where), Path(weights[0]) if weights else None)))
