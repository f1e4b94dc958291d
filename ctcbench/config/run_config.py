"""RunConfig: every setting of a run, with the types, bounds and help texts of flags and TOML files."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo

from ctcbench.config.legacy_settings import unknown_setting
from ctcbench.config.presets import default_component
from ctcbench.contract.components import Kind
from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show
from ctcbench.contract.pydantic_words import describe_bounds, explain

Shortcut = Literal["sum", "aux", "none"]
Schedule = Literal["constant", "cosine", "onecycle", "plateau"]
Freeze = Literal["none", "backbone"]
PenaltySchedule = Literal["constant", "linear", "cosine"]


def _device_name(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", name):
        raise ValueError("must be auto, cpu, cuda, or a numbered GPU like cuda:1")
    return name


def _component(kind: str, description: str) -> Any:
    # From the preset ``default``, because the core names no component.
    return Field(default_factory=lambda: default_component(kind), description=description)


class RunConfig(BaseModel):
    """Every setting of one run, immutable; components are strings, ``name:option=value,option=value``.

    Raises:
        UsageError: a setting is unknown, of the wrong type or out of bounds.
    """

    # TOML can write nan and inf, which no setting allows.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    dataset: str = _component("dataset", "source of the images and their texts")
    extra_dataset: Annotated[
        str, Field(description="data set whose training images are mixed with those of --dataset")
    ] = ""
    extra_share: Annotated[
        float, Field(gt=0, lt=1, description="share of the training images that are of --extra-dataset")
    ] = 0.5
    augmentation: str = _component("augmentation", "random changes to the training images")
    backbone: str = _component("backbone", "network from images to features")
    head: str = _component("head", "sequence model over the features")
    loss: str = _component("loss", "training objective")
    optimizer: str = _component("optimizer", "rule that updates the weights")
    decoder: str = _component("decoder", "search from log-probabilities to text")
    shortcut: Annotated[
        Shortcut,
        Field(
            description="second classifier on the backbone's features: its logits are added (sum), have a "
            "loss of their own (aux), or do not exist (none; training may stay on the blank plateau)"
        ),
    ] = "sum"

    train_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="training images")] = 20_000
    val_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="validation images")] = 1_000
    test_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="test images")] = 2_000
    skip_bad: Annotated[
        bool, Field(description="leave out images that can't be used or have too few frames for their text")
    ] = False

    epochs: Annotated[int, Field(ge=1, description="passes over the training images")] = 2
    max_steps: Annotated[
        int, Field(ge=0, description="stop after this many steps; 0: after the last epoch")
    ] = 0
    patience: Annotated[
        int, Field(ge=0, description="stop after this many epochs without a better validation; 0: never")
    ] = 0
    batch_size: Annotated[int, Field(ge=1, description="images in a training step")] = 32
    accumulate: Annotated[
        int,
        Field(
            ge=1, description="parts of a step's batch that are computed one after another, to save memory"
        ),
    ] = 1
    balance: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="how much more often images with rare characters are read; 0: all alike; 1: in "
            "inverse proportion to the number of texts that have the rarest one",
        ),
    ] = 0.0
    augment_until: Annotated[
        float,
        Field(
            ge=0, le=1, description="share of the steps in which images are augmented, counted from the first"
        ),
    ] = 0.8
    lr: Annotated[float, Field(gt=0, description="peak learning rate")] = 3e-3
    schedule: Annotated[Schedule, Field(description="schedule of the learning rate")] = "onecycle"
    warmup: Annotated[
        float, Field(ge=0, le=0.9, description="share of the steps in which the learning rate rises")
    ] = 0.15
    weight_decay: Annotated[
        float, Field(ge=0, description="weight decay, not applied to norms and biases")
    ] = 0.01
    clip: Annotated[float, Field(ge=0, description="maximum norm of the gradient; 0: no clipping")] = 5.0
    ema: Annotated[
        float, Field(ge=0, lt=1, description="decay per step of the weights' moving average; 0: none")
    ] = 0.0
    aux_weight: Annotated[float, Field(gt=0, le=10, description="weight of the loss of --shortcut aux")] = 0.5
    blank_penalty: Annotated[
        float, Field(ge=0, le=100, description="number subtracted from the blank's logit in training")
    ] = 0.0
    blank_penalty_schedule: Annotated[
        PenaltySchedule, Field(description="blank penalty over the steps: constant, or falling to zero")
    ] = "linear"
    seed: Annotated[
        int,
        Field(ge=0, le=2**32 - 1, description="seed of the initial weights, the order of images, dropout"),
    ] = 0

    device: Annotated[
        str, AfterValidator(_device_name), Field(description="auto, cpu, cuda, or a numbered GPU: cuda:1")
    ] = "auto"
    amp: Annotated[
        bool | None, Field(description="mixed precision (default: on devices that are faster with it)")
    ] = None
    amp_dtype: Annotated[
        Literal["auto", "bfloat16", "float16"], Field(description="floating-point format of mixed precision")
    ] = "auto"
    channels_last: Annotated[bool, Field(description="channels-last memory format")] = True
    compile: Annotated[
        bool,
        Field(description="torch.compile the network, on a GPU as CUDA graphs; slower on most CPUs"),
    ] = False
    deterministic: Annotated[bool, Field(description="use only deterministic kernels")] = False
    init_from: Annotated[str, Field(description="run folder whose weights training starts from")] = ""
    freeze: Annotated[
        Freeze, Field(description="part of the network that keeps the weights of --init-from")
    ] = "none"

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_other_types_and_null(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic accepts true as the number 1; in a TOML file it is a mistake.
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("must be a number")
        # No path has it, and TOML can write it.
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must not contain the character U+0000")
        return value

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise UsageError(_explain_setting(error)) from None

    def replace(self, **settings: Any) -> RunConfig:
        """Return a copy with some settings changed.

        Raises:
            UsageError: a setting is unknown, of the wrong type or out of bounds.
        """
        return RunConfig(**{**self.model_dump(), **settings})


# Settings that take effect after training, so that they are not part of the train key.
AFTER_TRAINING = ("decoder", "test_samples")
COMPONENT_SETTINGS: tuple[Kind, ...] = (
    "dataset", "augmentation", "backbone", "head", "loss", "optimizer", "decoder"
)  # fmt: skip


def flag(setting: str) -> str:
    """Return the command line flag of a setting."""
    return "--" + setting.replace("_", "-")


def setting_fields() -> dict[str, FieldInfo]:
    """Return the pydantic field of every setting by name, in the order of the help."""
    return dict(RunConfig.model_fields)


def _explain_setting(error: ValidationError) -> str:
    first = error.errors()[0]
    given = first["input"]
    # For a name that is not Unicode text pydantic gives no location; the input is the name itself.
    name = str((*first["loc"], given)[0])
    fields = setting_fields()
    if name not in fields:
        return unknown_setting(name, fields)
    bounds = describe_bounds(fields[name])
    reason = explain(error, allowed=bounds)
    return f"{flag(name)} {show(given)}: {reason}" + (f" (allowed: {bounds})" if bounds else "")
