"""RunConfig: every setting of a run, frozen; names, bounds and help for command line and TOML alike."""

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
from ctcbench.contract.options import describe_bounds, explain, show

Shortcut = Literal["sum", "aux", "none"]
Schedule = Literal["constant", "cosine", "onecycle", "plateau"]
PenaltySchedule = Literal["constant", "linear", "cosine"]


def _device_name(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ValueError("must be auto, cpu, cuda or a numbered one like cuda:1")
    return name


def _component(kind: str, description: str) -> Any:
    return Field(default_factory=lambda: default_component(kind), description=description)


class RunConfig(BaseModel):
    """Every setting of one run; components as strings, ``name:option=value,option=value``.

    Raises:
        UsageError: a setting is unknown, of the wrong type or out of bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    dataset: str = _component("dataset", "where the images come from")
    augmentation: str = _component("augmentation", "what is done to training images")
    backbone: str = _component("backbone", "images to features")
    head: str = _component("head", "features to a sequence")
    loss: str = _component("loss", "what training minimises")
    optimizer: str = _component("optimizer", "how the weights follow the gradient")
    decoder: str = _component("decoder", "log-probs to text")
    shortcut: Annotated[
        Shortcut,
        Field(
            description="the classifier also sees the backbone's features: summed into the logits, "
            "as an auxiliary loss, or not (which risks the blank plateau)"
        ),
    ] = "sum"

    train_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="training images")] = 20_000
    val_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="validation images")] = 1_000
    test_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES, description="test images")] = 2_000
    skip_bad: Annotated[bool, Field(description="go on without the images that can't be used")] = False

    epochs: Annotated[int, Field(ge=1, description="passes over the training images")] = 2
    max_steps: Annotated[
        int, Field(ge=0, description="stop after this many steps (0: when the epochs end)")
    ] = 0
    batch_size: Annotated[int, Field(ge=1, description="images a step")] = 32
    augment_until: Annotated[
        float,
        Field(
            ge=0, le=1, description="share of the steps with augmentation; the rest sees images as they are"
        ),
    ] = 0.8
    lr: Annotated[float, Field(gt=0, description="the highest learning rate")] = 3e-3
    schedule: Annotated[Schedule, Field(description="how the learning rate goes")] = "onecycle"
    warmup: Annotated[float, Field(ge=0, le=0.9, description="share of the steps that the rate rises")] = 0.15
    weight_decay: Annotated[float, Field(ge=0, description="of weights, not of norms and biases")] = 0.01
    clip: Annotated[float, Field(ge=0, description="largest norm of the gradient (0: no clipping)")] = 5.0
    ema: Annotated[
        float, Field(ge=0, lt=1, description="decay a step of the averaged weights that are kept (0: none)")
    ] = 0.0
    aux_weight: Annotated[float, Field(gt=0, le=10, description="of the loss of --shortcut aux")] = 0.5
    blank_penalty: Annotated[
        float, Field(ge=0, le=100, description="subtracted from the blank's logit in training")
    ] = 0.0
    blank_penalty_schedule: Annotated[
        PenaltySchedule, Field(description="stays, or falls to zero by the last step")
    ] = "linear"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of weights, order of images, dropout")] = 0

    device: Annotated[
        str, AfterValidator(_device_name), Field(description="auto, cpu, cuda or a numbered one, cuda:1")
    ] = "auto"
    amp: Annotated[
        bool | None, Field(description="mixed precision (default: where the device is faster with it)")
    ] = None
    amp_dtype: Annotated[
        Literal["auto", "bfloat16", "float16"], Field(description="number format of mixed precision")
    ] = "auto"
    channels_last: Annotated[bool, Field(description="memory order of images and features")] = True
    compile: Annotated[
        bool, Field(description="torch.compile the network, on a GPU as CUDA graphs; slower on most CPUs")
    ] = False
    deterministic: Annotated[bool, Field(description="only kernels that give the same bits each time")] = (
        False
    )
    init_from: Annotated[str, Field(description="run folder whose weights to begin with")] = ""

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # To Python, true is 1; to whoever wrote it in a TOML file it was something else.
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("must be a number")
        return value

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise UsageError(_explain_setting(error)) from None

    def replace(self, **settings: Any) -> RunConfig:
        """Return a copy with some settings changed, checked like new ones."""
        return RunConfig(**{**self.model_dump(), **settings})


# What decides how the stored log-probs are read or which images they are of, not the weights.
AFTER_TRAINING = ("decoder", "test_samples")
COMPONENT_SETTINGS: tuple[Kind, ...] = (
    "dataset", "augmentation", "backbone", "head", "loss", "optimizer", "decoder"
)  # fmt: skip


def flag(setting: str) -> str:
    """Return a setting as it is written on the command line."""
    return "--" + setting.replace("_", "-")


def setting_fields() -> dict[str, FieldInfo]:
    """Return every setting's field by name, in the order of the help."""
    return dict(RunConfig.model_fields)


def _explain_setting(error: ValidationError) -> str:
    first = error.errors()[0]
    given = first["input"]
    # A name that is no Unicode text is in no place: it is the input itself.
    name = str((*first["loc"], given)[0])
    fields = setting_fields()
    if name not in fields:
        return unknown_setting(name, fields)
    bounds = describe_bounds(fields[name])
    return f"{flag(name)} {show(given)}: {explain(error)}" + (f" (allowed: {bounds})" if bounds else "")
