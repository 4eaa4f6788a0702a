"""One way of training, measured in a process of its own.

    python -m benchmarks.training_loops WAY CONFIG FOLDER STEPS

WAY is `detloop` (detloop's trainer and loop), `memory` (the same trainer on one batch that is kept in memory, so that
nothing is read or decoded), `input` (the batches alone, without a training) or `api` (the API's own loop:
legacy.trainer for TF1 models, model_lib_v2.train_loop for TF2 models). CONFIG names the records. Prints as JSON the
steps a second (a median; of `input` the mean, since batches wait there), the peak memory, and the seconds in all.
"""

import functools
import importlib
import json
import logging
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peak_memory import peak_memory_bytes
from detloop.train.odapi.config import generation_of, read_config
from detloop.train.odapi.generations import open_trainer
from detloop.train.odapi.runtime import load_api
from detloop.train.trainer import TrainingStart

WARM_UP_STEPS = 5
STEPS_AT_ONCE = 5


def train_with_detloop(config_path: Path, folder: Path, steps: int, one_batch: bool = False) -> float:
    """Steps a second of detloop's loop, with its logs and progress; of `one_batch` kept in memory, if asked."""
    from detloop.train.loop import TrainingRun

    trainer = _trainer(config_path, folder, one_batch)
    TrainingRun(trainer, folder, steps=steps, batch_size=1, checkpoint_every=10**9).run()
    rows = (folder / "training_log.csv").read_text(encoding="utf-8").splitlines()[1 + WARM_UP_STEPS :]
    return statistics.median(float(row.rpartition(",")[2]) for row in rows)


def _trainer(config_path: Path, folder: Path, one_batch: bool) -> Any:
    config = read_config(config_path)
    if one_batch:
        module = importlib.import_module(f"detloop.train.odapi.{generation_of(config)}_trainer")
        of_records = module.training_batches
        module.training_batches = lambda *given, **named: of_records(*given, **named).take(1).cache().repeat()
    (folder / "checkpoints").mkdir(parents=True)
    return open_trainer(TrainingStart(config, _records_of(config), folder / "checkpoints"))


def _records_of(config: Any) -> list[Path]:
    return [Path(path) for path in config.train_input_reader.tf_record_input_reader.input_path]


def read_batches(config_path: Path, folder: Path, steps: int) -> float:
    """Batches a second of detloop's input pipeline, when nothing else is computed; writes nothing."""
    import tensorflow as tf
    from object_detection.builders import model_builder

    from detloop.train.odapi.input_pipeline import training_batches

    config = read_config(config_path)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = model_builder.build(config.model, is_training=True)
        iterator = tf.compat.v1.data.make_initializable_iterator(
            training_batches(config, model, _records_of(config), seed=0)
        )
        batch = iterator.get_next()
        session.run([tf.compat.v1.tables_initializer(), iterator.initializer])
        for _ in range(WARM_UP_STEPS):
            session.run(batch)
        began = time.monotonic()
        for _ in range(steps):
            session.run(batch)
        return steps / (time.monotonic() - began)


def train_as_the_api_does(config_path: Path, folder: Path, steps: int) -> float:
    """Steps a second of the loop that comes with the API."""
    generation = generation_of(read_config(config_path))
    return (_legacy_trainer if generation == "tf1" else _train_loop)(config_path, folder, steps)


def _train_loop(config_path: Path, folder: Path, steps: int) -> float:
    from object_detection import model_lib_v2

    measured: dict[str, float] = {}
    model_lib_v2.train_loop(
        str(config_path),
        str(folder),
        train_steps=steps,
        checkpoint_every_n=10**9,
        record_summaries=False,
        num_steps_per_iteration=STEPS_AT_ONCE,
        performance_summary_exporter=lambda figures, _: measured.update(figures),
    )
    return measured["steps_per_sec_p50"]


def _legacy_trainer(config_path: Path, folder: Path, steps: int) -> float:
    import tensorflow.compat.v1 as tf
    from object_detection.builders import dataset_builder, model_builder
    from object_detection.legacy import trainer
    from object_detection.utils import config_util

    configs = config_util.get_configs_from_pipeline_file(str(config_path))
    configs["train_config"].num_steps = steps
    seconds_a_step = _seconds_logged(tf.get_logger())
    trainer.train(
        lambda: dataset_builder.make_initializable_iterator(
            dataset_builder.build(configs["train_input_config"])
        ).get_next(),
        functools.partial(model_builder.build, model_config=configs["model"], is_training=True),
        configs["train_config"],
        master="",
        task=0,
        num_clones=1,
        worker_replicas=1,
        clone_on_cpu=False,
        ps_tasks=0,
        worker_job_name="lonely_worker",
        is_chief=True,
        train_dir=str(folder),
    )
    return 1 / statistics.median(seconds_a_step[WARM_UP_STEPS:])


def _seconds_logged(logger: logging.Logger) -> list[float]:
    """The seconds a step that slim's training loop will log."""
    seconds: list[float] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = re.search(r"\(([\d.]+) sec/step\)", record.getMessage())
            seconds.extend([float(found[1])] if found else [])

    logger.setLevel(logging.INFO)
    logger.handlers[:] = [Reader()]
    return seconds


WAYS: dict[str, Callable[[Path, Path, int], float]] = {
    "detloop": train_with_detloop,
    "memory": functools.partial(train_with_detloop, one_batch=True),
    "input": read_batches,
    "api": train_as_the_api_does,
}

if __name__ == "__main__":
    way, config, output, count = sys.argv[1:]
    load_api(generation_of(read_config(Path(config))))
    began = time.monotonic()
    rate = WAYS[way](Path(config), Path(output), int(count))
    print(
        json.dumps(
            {"steps_per_second": rate, "peak_gb": peak_memory_bytes() / 1e9, "seconds": time.monotonic() - began}
        )
    )
