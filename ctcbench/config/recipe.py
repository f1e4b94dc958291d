"""Recipe: a configuration whose components exist and are checked, and the key of its run folder."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from ctcbench.config.component_settings import COMPONENT_KINDS, canonical_value
from ctcbench.config.run_config import RunConfig
from ctcbench.config.train_key import train_key
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show
from ctcbench.contract.specs import Alignment
from ctcbench.registry.component_registry import Registry


@dataclass(frozen=True)
class Recipe:
    """A configuration bound to the registry that its components come from; `resolve` returns one.

    Attributes:
        registry: where the components come from.
        config: every setting; component strings are in their canonical form.
    """

    registry: Registry = field(repr=False)
    config: RunConfig

    @functools.cached_property
    def train_key(self) -> str:
        """Name of the run folder.

        Raises:
            UsageError: ``init_from`` names no run with weights.
        """
        return train_key(self.registry, self.config)

    @property
    def alignment(self) -> Alignment:
        """How the loss aligns frames with characters; the decoder must align them in the same way."""
        return self.registry.alignment("loss", self.config.loss)

    @property
    def plugin_parts(self) -> list[str]:
        """Owner and name of each part of the training that is not built in."""
        parts: tuple[Kind, ...] = ("augmentation", "backbone", "head", "loss", "optimizer")
        return [self.describe_owner(k) for k in parts if self.registry.is_from_plugin(k, self.component(k))]

    def on_device(self, kind: Kind) -> bool:
        """Return whether the loss or the augmentation reads no value of a tensor on the host."""
        return self.registry.on_device(kind, self.component(kind))

    def component(self, kind: Kind) -> str:
        """Return the component string of a kind."""
        text: str = getattr(self.config, kind)
        return text

    def build(self, kind: Kind, *context: Any) -> Any:
        """Build the component of a kind with its options; `context` are the builder's positional arguments.

        Raises:
            UsageError: the builder refuses its options or the context.
            PluginError: the builder failed; the message begins with its owner.
        """
        return self.registry.build(kind, self.component(kind), *context)

    def describe_owner(self, kind: Kind) -> str:
        """Return the owner and the name of a component, as the prefix of an error that it causes."""
        return self.registry.describe_owner(kind, self.component(kind))

    def replace(self, **settings: Any) -> Recipe:
        """Return this recipe with other values of some settings; components can't be replaced.

        Raises:
            UsageError: a value is wrong.
        """
        # Component strings would have to be resolved again; `with_decoder` does that for the decoder.
        assert not settings.keys() & COMPONENT_KINDS.keys(), settings
        return Recipe(self.registry, self.config.replace(**settings))

    def with_decoder(self, decoder: str) -> Recipe:
        """Return this recipe with another decoder; the weights and the train key are the same.

        Raises:
            UsageError: there is no such decoder, an option of it is wrong, or it does not fit the loss.
        """
        decoder = self.registry.resolve("decoder", decoder)
        require_fitting_decoder(self.registry, self.alignment, decoder, f"--loss {self.config.loss}")
        return Recipe(self.registry, self.config.replace(decoder=decoder))


def resolve(registry: Registry, config: RunConfig) -> Recipe:
    """Return the recipe of a configuration, with every component string checked.

    Raises:
        UsageError: there is no such component, an option is wrong, the decoder does not fit the loss,
            random weights would be frozen, a batch has fewer images than parts, or there is a share of an
            extra data set but no such set.
    """
    # In canonical form, so that equal components have equal strings in results and in the train key.
    canonical = {name: canonical_value(registry, name, getattr(config, name)) for name in COMPONENT_KINDS}
    recipe = Recipe(registry, config.replace(**canonical))
    loss = recipe.config.loss
    require_fitting_decoder(registry, recipe.alignment, recipe.config.decoder, f"--loss {loss}")
    if config.freeze != "none" and not config.init_from:
        raise UsageError(
            f"--freeze {config.freeze}: its weights would stay random; --init-from RUN gives those of a run"
        )
    if not config.extra_dataset and config.extra_share != RunConfig.model_fields["extra_share"].default:
        share = show(config.extra_share)
        raise UsageError(f"--extra-share {share}: there is no extra data set; --extra-dataset names one")
    if config.accumulate > config.batch_size:
        raise UsageError(
            f"--accumulate {config.accumulate} and --batch-size {config.batch_size}: a batch can't have more "
            f"parts than images"
        )
    return recipe


def fitting_decoders(registry: Registry, alignment: Alignment) -> list[str]:
    """Return the names of the decoders that can be used and align frames with characters in a certain way."""
    decoders = registry.components("decoder")
    return [name for name, one in decoders.items() if one.alignment == alignment and one.is_installed]


def require_fitting_decoder(registry: Registry, alignment: Alignment, decoder: str, owner: str) -> None:
    """Check that a decoder aligns frames with characters in a certain way.

    Args:
        registry: where the decoder comes from.
        alignment: how frames are aligned by `owner`.
        decoder: component string of the decoder.
        owner: what the decoder must fit, for the error: the loss, or a trained recogniser.

    Raises:
        UsageError: it does not; the message lists the decoders that do.
    """
    found = registry.alignment("decoder", decoder)
    if alignment == found:
        return
    means = {"ctc": "merges repeated frames, as CTC does", "fixed": "reads each frame as one character"}
    fitting = ", ".join(fitting_decoders(registry, alignment)) or "none that is installed"
    raise UsageError(
        f"--decoder {decoder} {means[found]}, but {owner} {means[alignment]}: "
        f"the decoded texts would be wrong (decoders that fit: {fitting})"
    )
