"""Learning-rate schedules against the number of steps."""

import pytest

from detloop.train.checks.schedule import check_schedule
from tests.train.checks.configs import RATE, config

COSINE, EXPONENTIAL, MANUAL = (
    f"{RATE}.{name}_learning_rate" for name in ("cosine_decay", "exponential_decay", "manual_step")
)


def cosine(total=1000, warmup=100, **others):
    fields = {"total_steps": total, "warmup_steps": warmup, "learning_rate_base": 0.1, **others}
    return [f"{COSINE}.{name}={value}" for name, value in fields.items()]


def exponential(**fields):
    return [f"{EXPONENTIAL}.{name}={value}" for name, value in fields.items()]


def manual(*steps, **fields):
    changes = " ".join(f"schedule {{ step: {step} learning_rate: 0.01 }}" for step in steps)
    return [f"{RATE}.manual_step_learning_rate={{ initial_learning_rate: 0.1 {changes} }}"]


def found(assignments, steps=1000):
    return check_schedule(config(f"train_config.num_steps={steps}", *assignments))


@pytest.mark.parametrize(
    "assignments",
    [
        [],
        cosine(),
        cosine(total=1400),
        cosine(total=950),
        cosine(hold_base_rate_steps=300),
        exponential(decay_steps=100, decay_factor=0.9),
        exponential(decay_steps=5000, decay_factor=0.1, staircase="false"),
        exponential(decay_steps=10, decay_factor=0.5, min_learning_rate=0.001),
        manual(300, 600),
    ],
)
def test_a_schedule_that_goes_with_the_steps_is_fine(assignments):
    assert found(assignments) == []


@pytest.mark.parametrize(
    ("assignments", "severity", "what"),
    [
        (cosine(total=500), "warning", "total_steps is 500, so the rate is 0 for the last 500 of 1000 steps"),
        (cosine(total=4000, warmup=0), "warning", "after 1000 steps the rate is still 85% of its base"),
        (cosine(total=9000, hold_base_rate_steps=5000), "warning", "the rate is still 100% of its base"),
        (cosine(warmup=1000, total=9000), "warning", "warmup_steps is 1000, so the rate does not reach its base"),
        (cosine(warmup=1001), "error", "total_steps 1000 leaves no step to decay"),
        (cosine(warmup=1000), "error", "total_steps 1000 leaves no step to decay"),
        (cosine(warmup_learning_rate=0.2), "error", "warmup_learning_rate is above learning_rate_base"),
        (exponential(decay_steps=5000, decay_factor=0.1), "warning", "the rate never falls within 1000 steps"),
        (exponential(decay_steps=0), "error", "decay_steps is 0"),
        (exponential(decay_steps=10, decay_factor=0.5), "warning", "from step 100 of 1000 on the rate is below"),
        (exponential(decay_steps=900, burnin_steps=1000), "warning", "burnin_steps is 1000"),
        (manual(900, 2000, 3000), "warning", "2 of 3 changes of the rate come after the last of 1000 steps"),
        (manual(0, 100), "error", "its steps are [0, 100]"),
        (manual(200, 100), "error", "its steps are [200, 100]"),
        (manual(), "error", "its steps are []"),
    ],
)
def test_a_schedule_that_does_not_go_with_the_steps_is_found(assignments, severity, what):
    (finding,) = found(assignments)
    assert finding.severity == severity
    assert what in finding.what
    assert finding.where.endswith("_learning_rate")


def test_the_advice_mends_it():
    (finding,) = found(cosine(total=500))
    assert finding.advice == f"--set {COSINE}.total_steps=1000"
    assert found([*cosine(total=500), finding.advice.removeprefix("--set ")]) == []


def test_an_optimizer_and_a_rate_are_needed():
    message = config()
    message.train_config.optimizer.momentum_optimizer.ClearField("learning_rate")
    assert "learning_rate: is not set" in str(check_schedule(message)[0])
    message.train_config.ClearField("optimizer")
    assert "train_config.optimizer: is not set" in str(check_schedule(message)[0])
