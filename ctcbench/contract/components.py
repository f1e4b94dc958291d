"""A component: a builder function with a kind, a name, a first line of help, and options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args, overload

from ctcbench.contract.errors import PluginError
from ctcbench.contract.options import Option, options_of, read_options
from ctcbench.contract.specs import Alignment

Kind = Literal["dataset", "augmentation", "backbone", "head", "loss", "optimizer", "decoder", "executor"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What the core tells a builder; a data set and an executor are told nothing.
_TOLD: Mapping[Kind, str] = {
    "augmentation": "image: ImageSpec",
    "backbone": "image: ImageSpec",
    "head": "sequence: SequenceSpec",
    "loss": "alphabet: Alphabet",
    "optimizer": "parameters: ModelParameters",
    "decoder": "alphabet: Alphabet",
}


@dataclass(frozen=True)
class Component:
    """A named part that can be put into a run.

    ``builder`` takes what the core knows (nothing for a data set, ``ImageSpec`` for an augmentation or a
    backbone, ``SequenceSpec`` for a head, ``Alphabet`` for a loss or a decoder) and its options by keyword.
    ``alignment`` says of a loss or a decoder how it takes frames for characters: the two of a run must
    agree, and how many frames a text needs follows from it.
    """

    kind: Kind
    builder: Callable[..., Any]
    alignment: Alignment = "ctc"

    @property
    def name(self) -> str:
        """The name in component strings: the function's."""
        return self.builder.__name__

    @property
    def summary(self) -> str:
        """The help: the docstring's first line."""
        return (self.builder.__doc__ or "").strip().partition("\n")[0]

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """The options by name, from the builder's keyword-only parameters."""
        return options_of(self.builder)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every option, checked.

        Raises:
            UsageError: an option is unknown, missing, of the wrong type or out of bounds.
        """
        return read_options(f"{self.kind} {self.name}", self.options, given)

    def __call__(self, *context: Any, **options: Any) -> Any:
        """Build the part, with the options checked."""
        return self.builder(*context, **self.read(options))


def _component(kind: Kind, builder: Callable[..., Any], alignment: Alignment = "ctc") -> Component:
    if not inspect.isfunction(builder) or not builder.__name__.isidentifier():
        raise PluginError(f"{kind} {builder!r}: a builder is a function with a name that can be typed")
    where = f"{builder.__module__}.{builder.__qualname__}"
    if alignment not in get_args(Alignment):
        allowed = ", ".join(get_args(Alignment))
        raise PluginError(f"{where}: alignment {alignment!r} (there are: {allowed})")
    told = _TOLD.get(kind, "")
    signature = inspect.signature(builder)
    others = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if len(others) != bool(told) or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in others):
        behind = f"{told}, *" if told else "*"
        raise PluginError(
            f"{where}{signature}: the builder of {_a(kind)} is ({behind}, option: … = …), "
            f"with its options behind the *"
        )
    component = Component(kind, builder, alignment)
    if not component.summary:
        raise PluginError(
            f"{where}: {_a(kind)} needs a docstring; its first line is what `ctcbench run --help` shows"
        )
    return component


def _a(kind: Kind) -> str:
    return f"{'an' if kind[0] in 'aeo' else 'a'} {kind}"


def dataset(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(*, options) -> Source`` a data set component."""
    return _component("dataset", builder)


def augmentation(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(image: ImageSpec, *, options) -> callable`` an augmentation of training images.

    The callable takes ``(images_NCHW, widths_N)``, uint8 images on the device of the training and how many
    columns of each count (int64, on the CPU), and returns images of the same shape, uint8 or float32
    from 0 to 255. Chance comes from torch's generator of that device, which is seeded for each step.
    """
    return _component("augmentation", builder)


def backbone(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(image: ImageSpec, *, options) -> Module`` (images_NCHW -> feats_NFHW) a backbone."""
    return _component("backbone", builder)


def head(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(sequence: SequenceSpec, *, options) -> Module`` (feats_TNF -> feats_TND) a head.

    As many frames come out as went in, unless the module has an attribute ``whole_image = True``: its
    frames are then of the whole image rather than of places in it, as many as it likes, and all of them
    count for every image.
    """
    return _component("head", builder)


@overload
def loss(builder: Callable[..., Any]) -> Component: ...
@overload
def loss(*, alignment: Alignment) -> Callable[[Callable[..., Any]], Component]: ...
def loss(
    builder: Callable[..., Any] | None = None, *, alignment: Alignment = "ctc"
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a builder ``(alphabet: Alphabet, *, options) -> callable`` a loss component.

    The callable takes ``(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)`` and returns a scalar
    tensor. The log-probs are float32, targets int64 and padded, both on the device of the training;
    both lengths are int64 on the CPU, where CTC's kernels want them. ``@loss(alignment="fixed")`` is for one
    that takes frame i for character i; the core then asks for fewer frames, and reads validation images so.
    """
    if builder is None:
        return lambda builder: _component("loss", builder, alignment)
    return _component("loss", builder, alignment)


def optimizer(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(parameters: ModelParameters, *, options) -> torch.optim.Optimizer`` an optimizer.

    The optimizer holds each parameter in exactly one of its ``param_groups``. A group may have a key
    ``"scale"``: before each step the core sets ``group["lr"]`` to the scheduled learning rate times that
    scale (1 where there is none), and calls ``step()`` without a closure. All that the optimizer remembers
    is in ``optimizer.state[parameter]``, as tensors: that is what a checkpoint stores.
    """
    return _component("optimizer", builder)


@overload
def decoder(builder: Callable[..., Any]) -> Component: ...
@overload
def decoder(*, alignment: Alignment) -> Callable[[Callable[..., Any]], Component]: ...
def decoder(
    builder: Callable[..., Any] | None = None, *, alignment: Alignment = "ctc"
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a builder ``(alphabet: Alphabet, *, options) -> (LogProbs -> list[Hypothesis])`` a decoder.

    ``@decoder(alignment="fixed")`` is for one that takes frame i for character i, and merges no repeats.
    """
    if builder is None:
        return lambda builder: _component("decoder", builder, alignment)
    return _component("decoder", builder, alignment)


def executor(builder: Callable[..., Any]) -> Component:
    """Make a builder ``(*, options) -> Executor`` a component that runs the trials of a study.

    What it returns has two methods. ``describe() -> Mapping`` says in JSON what may matter to the
    figures (``workers``, ``threads``). ``run(trials, listener) -> Iterator[Outcome]`` carries out
    `Trial`s wherever it likes, each by ``ctcbench.carry_out(trial.order, tell)`` or by a process
    ``python -m ctcbench.study.worker``, and yields one `Outcome` for each as it ends;
    `ctcbench.contract.executors` says what it has to keep to.
    """
    return _component("executor", builder)
