"""Checks of the optimizer and of the learning rate's schedule against the number of steps.

What the API itself refuses is an error; source: object_detection/utils/learning_schedules.py.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from detloop.train.checks.findings import Finding
from detloop.train.odapi.config import PipelineConfig

MUCH_SHORTER, MUCH_LONGER = 0.9, 1.5
NEXT_TO_NOTHING = 1e-3


def check_schedule(config: PipelineConfig) -> list[Finding]:
    """Whether the learning rate's schedule can be built and goes with train_config.num_steps."""
    optimizer, steps = config.train_config.optimizer, config.train_config.num_steps
    kind = optimizer.WhichOneof("optimizer")
    if kind is None:
        advice = "give it a momentum_optimizer, adam_optimizer or rms_prop_optimizer"
        return [Finding("error", "train_config.optimizer", "is not set", advice)]
    rate = getattr(optimizer, kind).learning_rate
    schedule = rate.WhichOneof("learning_rate")
    where = f"train_config.optimizer.{kind}.learning_rate"
    if schedule is None:
        return [Finding("error", where, "is not set", "give it a constant_ or cosine_decay_learning_rate")]
    check = {
        "cosine_decay_learning_rate": _check_cosine,
        "exponential_decay_learning_rate": _check_exponential,
        "manual_step_learning_rate": _check_manual,
    }.get(schedule)
    return list(check(getattr(rate, schedule), f"{where}.{schedule}", steps)) if check and steps > 0 else []


def _check_cosine(schedule: Any, where: str, steps: int) -> Iterator[Finding]:
    total, risen = schedule.total_steps, schedule.warmup_steps + schedule.hold_base_rate_steps
    fit = f"--set {where}.total_steps={steps}"
    if total < schedule.warmup_steps or total == risen:
        what = f"total_steps {total} leaves no step to decay after warmup_steps and hold_base_rate_steps ({risen})"
        yield Finding("error", _name(where), what, f"--set {where}.warmup_steps={steps // 10}")
        return
    if schedule.warmup_steps and schedule.warmup_learning_rate > schedule.learning_rate_base:
        what = "warmup_learning_rate is above learning_rate_base"
        yield Finding("error", _name(where), what, "set it lower")
    if schedule.warmup_steps >= steps:
        yield _only_warmup(where, "warmup_steps", schedule.warmup_steps, steps)
    if total < MUCH_SHORTER * steps:
        what = f"total_steps is {total}, so the rate is 0 for the last {steps - total} of {steps} steps"
        yield Finding("warning", _name(where), what, fit)
    elif total > MUCH_LONGER * steps > 0 and steps > schedule.warmup_steps:
        decayed = max(0.0, (steps - risen) / max(total - risen, 1))
        share = 0.5 * (1 + math.cos(math.pi * decayed))
        what = f"total_steps is {total}, so after {steps} steps the rate is still {share:.0%} of its base"
        yield Finding("warning", _name(where), what, fit)


def _check_exponential(schedule: Any, where: str, steps: int) -> Iterator[Finding]:
    if schedule.decay_steps < 1:
        yield Finding(
            "error", _name(where), f"decay_steps is {schedule.decay_steps}", f"--set {where}.decay_steps={steps}"
        )
        return
    if schedule.burnin_steps >= steps:
        yield _only_warmup(where, "burnin_steps", schedule.burnin_steps, steps)
    if schedule.decay_steps > steps and schedule.staircase and schedule.decay_factor != 1:
        what = f"decay_steps is {schedule.decay_steps}, so the rate never falls within {steps} steps"
        yield Finding("warning", _name(where), what, "set it lower, or say constant_learning_rate")
    if 0 < schedule.decay_factor < 1 and schedule.min_learning_rate == 0:
        gone_at = schedule.decay_steps * math.log(NEXT_TO_NOTHING) / math.log(schedule.decay_factor)
        if gone_at < MUCH_SHORTER * steps:
            what = f"from step {gone_at:.0f} of {steps} on the rate is below a thousandth of its start"
            yield Finding("warning", _name(where), what, "set decay_steps higher")


def _check_manual(schedule: Any, where: str, steps: int) -> Iterator[Finding]:
    changes = [change.step for change in schedule.schedule]
    if not changes or changes[0] == 0 or any(late <= early for early, late in pairwise(changes)):
        yield Finding("error", _name(where), f"its steps are {changes}", "they must begin above 0 and rise")
        return
    beyond = [step for step in changes if step >= steps]
    if beyond:
        what = f"{len(beyond)} of {len(changes)} changes of the rate come after the last of {steps} steps"
        yield Finding("warning", _name(where), what, "set their steps lower, or train longer")


def _only_warmup(where: str, field: str, warmup_steps: int, steps: int) -> Finding:
    what = f"{field} is {warmup_steps}, so the rate does not reach its base within {steps} steps"
    return Finding("warning", _name(where), what, f"--set {where}.{field}={steps // 10}")


def _name(field: str) -> str:
    """A field's own name, without the path to it."""
    return field.rpartition(".")[2]
