"""Component: a builder function with a kind, a name, help and options; and the decorator of each kind.

A plugin author applies a decorator to a builder and lists the result in the hook ``ctcbench_components``.
The core calls a builder by `Registry.build`, with the options of a component string checked. Every decorator
raises a `PluginError` if the builder is not a function, has another signature or has no docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args, overload

from ctcbench.contract.errors import PluginError
from ctcbench.contract.options import Option, options_of, read_options
from ctcbench.contract.specs import Alignment
from ctcbench.contract.word_lists import with_article

Kind = Literal["dataset", "augmentation", "backbone", "head", "loss", "optimizer", "decoder", "executor"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The positional parameter of a builder, by kind; builders of data sets and executors have none.
_CONTEXT: Mapping[Kind, str] = {
    "augmentation": "image: ImageSpec",
    "backbone": "image: ImageSpec",
    "head": "sequence: SequenceSpec",
    "loss": "alphabet: Alphabet",
    "optimizer": "parameters: ModelParameters",
    "decoder": "alphabet: Alphabet",
}


@dataclass(frozen=True)
class Component:
    """A part of a run that is chosen by name.

    Attributes:
        kind: one of `KINDS`.
        builder: the function that builds it. Its positional argument depends on the kind: ``ImageSpec`` for
            an augmentation or a backbone, ``SequenceSpec`` for a head, ``Alphabet`` for a loss or a
            decoder, ``ModelParameters`` for an optimizer, none for a data set or an executor. Its
            keyword-only parameters are the options.
        alignment: how a loss or a decoder aligns frames with characters. The loss and the decoder of a run
            must agree; the number of frames that a text needs follows from it.
        on_device: whether a loss or an augmentation reads no value of a tensor on the host, so that lengths
            and widths may be on a GPU and a CUDA graph may contain the call.
        reopen: returns the source of a data set of which a method ``share`` wrote the files in a folder; None
            where worker processes call the builder.
        requires: modules that the builder of a decoder imports and that need not be installed.
    """

    kind: Kind
    builder: Callable[..., Any]
    alignment: Alignment = "ctc"
    on_device: bool = False
    reopen: Callable[[Path], Any] | None = None
    requires: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The name in component strings: that of the builder."""
        return self.builder.__name__

    @property
    def summary(self) -> str:
        """The help text: the first line of the builder's docstring."""
        return (self.builder.__doc__ or "").strip().partition("\n")[0]

    @property
    def is_installed(self) -> bool:
        """Whether the packages of the modules that it requires are installed; none is imported."""
        return all(find_spec(module.partition(".")[0]) for module in self.requires)

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """The options by name, from the builder's keyword-only parameters."""
        return options_of(self.builder)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every option: from `given`, checked and converted, or its default.

        Raises:
            UsageError: an option is unknown, missing, of the wrong type or out of bounds.
        """
        return read_options(f"{self.kind} {self.name}", self.options, given)

    def __call__(self, *context: Any, **options: Any) -> Any:
        """Call the builder with checked options.

        Raises:
            UsageError: as `read`, or raised by the builder.
        """
        return self.builder(*context, **self.read(options))


def _component(kind: Kind, builder: Callable[..., Any], **declared: Any) -> Component:
    # Checked here, when the plugin is imported, and not when a run calls it.
    if not inspect.isfunction(builder) or not builder.__name__.isidentifier():
        raise PluginError(f"{kind} {builder!r}: a builder is a function with a name that can be typed")
    where = f"{builder.__module__}.{builder.__qualname__}"
    component = Component(kind, builder, **declared)
    if component.alignment not in get_args(Alignment):
        allowed = ", ".join(get_args(Alignment))
        raise PluginError(f"{where}: alignment {component.alignment!r} (allowed: {allowed})")
    if isinstance(component.requires, str):
        raise PluginError(f"{where}: requires is the text {component.requires!r} (allowed: names of modules)")
    context = _CONTEXT.get(kind, "")
    signature = inspect.signature(builder)
    # Exactly the context, and then options by keyword: no user could set another parameter.
    others = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if len(others) != bool(context) or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in others):
        expected = f"{context}, *" if context else "*"
        form = f"({expected}, option: … = …), with its options after the *"
        raise PluginError(f"{where}{signature}: the builder of {with_article(kind)} is {form}")
    if not component.summary:
        reason = "its first line is what `ctcbench run --help` shows"
        raise PluginError(f"{where}: {with_article(kind)} needs a docstring; {reason}")
    return component


@overload
def dataset(builder: Callable[..., Any]) -> Component: ...
@overload
def dataset(*, reopen: Callable[[Path], Any]) -> Callable[[Callable[..., Any]], Component]: ...
def dataset(
    builder: Callable[..., Any] | None = None, *, reopen: Callable[[Path], Any] | None = None
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a component of a builder ``(*, options) -> Source`` of a data set.

    ``@dataset(reopen=function)`` is for sources with a large index: worker processes call not the builder
    but ``function(folder)``, which returns a source of the split that ``share(folder, split)`` wrote there.
    """
    make = partial(_component, "dataset", reopen=reopen)
    return make if builder is None else make(builder)


@overload
def augmentation(builder: Callable[..., Any]) -> Component: ...
@overload
def augmentation(*, on_device: bool) -> Callable[[Callable[..., Any]], Component]: ...
def augmentation(
    builder: Callable[..., Any] | None = None, *, on_device: bool = False
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a component of a builder ``(image: ImageSpec, *, options) -> callable`` of an augmentation.

    The callable is called once for each training step with ``(images_NCHW, widths_N)``: uint8 images on the
    device that trains, and the number of columns of each image that are not padding (int64, on the CPU). It
    returns images of the same shape, uint8 or float32 from 0 to 255. Random numbers come from torch's
    generator of that device, which is seeded for each step.

    ``@augmentation(on_device=True)`` is for a callable that reads no value of a tensor on the host. It gets
    the widths on the device of the images, and a CUDA graph can contain it.
    """
    make = partial(_component, "augmentation", on_device=on_device)
    return make if builder is None else make(builder)


def backbone(builder: Callable[..., Any]) -> Component:
    """Make a component of a builder ``(image: ImageSpec, *, options) -> Module`` of a backbone.

    The module computes feats_NFHW from images_NCHW, both float32; ink is 1 and paper 0. The columns of the
    features become frames, their rows and channels the features of a frame.
    """
    return _component("backbone", builder)


def head(builder: Callable[..., Any]) -> Component:
    """Make a component of a builder ``(sequence: SequenceSpec, *, options) -> Module`` of a head.

    The module computes feats_TND from feats_TNF, both float32, with the same number of frames T. A module
    with an attribute ``whole_image = True`` may return any number of frames: they belong to the whole image
    rather than to positions in it, and all of them count for every image.
    """
    return _component("head", builder)


@overload
def loss(builder: Callable[..., Any]) -> Component: ...
@overload
def loss(
    *, alignment: Alignment = "ctc", on_device: bool = False
) -> Callable[[Callable[..., Any]], Component]: ...
def loss(
    builder: Callable[..., Any] | None = None, *, alignment: Alignment = "ctc", on_device: bool = False
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a component of a builder ``(alphabet: Alphabet, *, options) -> callable`` of a loss.

    The callable takes ``(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)`` and returns a scalar
    tensor. The log-probabilities are float32 and the targets int64 and padded, both on the device that
    trains. Both lengths are int64 and on the CPU, where the kernels of CTC expect them.

    ``@loss(alignment="fixed")`` is for a loss in which frame i is character i. The core then requires fewer
    frames for a text, and decodes validation images accordingly.

    ``@loss(on_device=True)`` is for a callable that reads no value of a tensor on the host. Lengths may then
    be on the device of the log-probabilities, and a CUDA graph can contain the loss. If it has a parameter
    ``ctc_losses``, it receives a function there that computes −log p(labelling) of each image, losses_N in
    nats, from the same four tensors; on a GPU that is ctcbench's own kernel, which needs no length on the
    host and is deterministic. The parameter needs a default, which is used where there is no such kernel:
    lengths are then on the CPU.
    """
    make = partial(_component, "loss", alignment=alignment, on_device=on_device)
    # `@loss` and `@loss(alignment=…)` are both allowed.
    return make if builder is None else make(builder)


def optimizer(builder: Callable[..., Any]) -> Component:
    """Make a component of a builder ``(parameters: ModelParameters, *, options)`` of a torch optimizer.

    The optimizer holds each parameter in exactly one of its ``param_groups``. A group may have a key
    ``"scale"``: before each step the core sets ``group["lr"]`` to the scheduled learning rate times that
    scale (1 where there is none), and calls ``step()`` without a closure. The state of the
    optimizer is in ``optimizer.state[parameter]``, as tensors. A checkpoint stores nothing else of it.

    A CUDA graph can contain its step if each group has torch's key ``"capturable"``: the core then sets it to
    True and ``lr`` to a scalar tensor on the GPU, and ``step()`` must read no value on the host.
    """
    return _component("optimizer", builder)


@overload
def decoder(builder: Callable[..., Any]) -> Component: ...
@overload
def decoder(
    *, alignment: Alignment = "ctc", requires: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], Component]: ...
def decoder(
    builder: Callable[..., Any] | None = None, *, alignment: Alignment = "ctc", requires: Sequence[str] = ()
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make a component of a builder ``(alphabet: Alphabet, *, options) -> callable`` of a decoder.

    The callable takes ``LogProbs`` of N images and returns a list of N ``Hypothesis``, the best of each. For
    `predict` it may have ``n_best(log_probs, count)``, with up to `count` of each, best first; else prefix
    beam search finds them, without constraints. Optional attributes: ``has_own_score``, true if ``log_prob``
    is not the network's alone: `predict` sorts by it; ``ranks_by_log_prob``, false if the best may have a
    lower one; ``objective`` (``"the least expected error"``), if that is not the most probable labelling of
    all; ``constraint``, an ``Automaton``, if it is the most probable one that this accepts;
    ``with_proofs(log_probs)``, which returns N ``ctcbench.decoding.BestLabelling``: the labellings of the
    call, each with a proof that its options permit no better one. It is called in place of the decoder.

    ``@decoder(alignment="fixed")`` is for one in which frame i is character i, and which merges no repeats.
    ``@decoder(requires=("module",))`` names what need not be installed: without it others are suggested.
    """
    make = partial(_component, "decoder", alignment=alignment, requires=requires)
    return make if builder is None else make(builder)


def executor(builder: Callable[..., Any]) -> Component:
    """Make a component of a builder ``(*, options) -> Executor``, which runs the trials of a study.

    An executor has two methods. ``describe() -> Mapping`` returns what may influence the results, as JSON
    (``workers``, ``threads``). ``run(trials, listener) -> Iterator[Outcome]`` runs each `Trial` by
    ``ctcbench.carry_out(trial.order, on_event)``, or in a process ``python -m ctcbench.study.worker``, and
    yields one `Outcome` as each ends. See the protocol `Executor` for the requirements.
    """
    return _component("executor", builder)
