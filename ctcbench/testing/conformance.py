"""The conformance kit's functions: check every rule of a kind, or return them as pytest tests."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from ctcbench.contract.components import Component, Kind
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec, SequenceSpec
from ctcbench.testing import general_rules
from ctcbench.testing.case import ALPHABET, IMAGE, SEQUENCE, BrokenRule, Case, Rule

# Names of the context, as opposed to options of the component.
_SETTINGS: dict[str, type] = {"image": ImageSpec, "sequence": SequenceSpec, "alphabet": Alphabet}


def rules_for(kind: Kind) -> tuple[Rule, ...]:
    """Return the rules for components of a kind; the docstring of each states the requirement."""
    return tuple(map(_guard, general_rules.RULES + _rules_of(kind)))


def _rules_of(kind: Kind) -> tuple[Rule, ...]:
    if kind in ("backbone", "head"):
        # Imported for the kind at hand: the rules of modules, losses and optimizers load torch, the others do
        # not need it.
        from ctcbench.testing import module_rules

        return module_rules.BACKBONE_RULES if kind == "backbone" else module_rules.HEAD_RULES
    if kind == "augmentation":
        from ctcbench.testing import augmentation_rules

        return augmentation_rules.RULES
    if kind == "loss":
        from ctcbench.testing import loss_rules

        return loss_rules.RULES
    if kind == "optimizer":
        from ctcbench.testing import optimizer_rules

        return optimizer_rules.RULES
    if kind == "decoder":
        from ctcbench.testing import decoder_rules

        return decoder_rules.RULES
    if kind == "dataset":
        from ctcbench.testing import dataset_rules

        return dataset_rules.RULES
    from ctcbench.testing import executor_rules

    return executor_rules.RULES


def check_component(component: Component, **options: Any) -> None:
    """Check every rule of the component's kind.

    `options` are the component's own; ``image=ImageSpec(…)``, ``sequence=SequenceSpec(…)`` and
    ``alphabet=Alphabet(…)`` set the context of its builder (an option of the same name takes precedence).

    Raises:
        AssertionError: a rule is broken; the message has the rule, what was got, and the remedy.
        UsageError: `component` is none, or a setting of the context is of another type.
    """
    case = _case(component, options)
    for rule in rules_for(component.kind):
        rule(case)


def check_backbone(component: Component, image: ImageSpec = IMAGE, **options: Any) -> None:
    """Check a backbone with images of size `image`; see `check_component`."""
    _check("backbone", component, image=image, **options)


def check_augmentation(component: Component, image: ImageSpec = IMAGE, **options: Any) -> None:
    """Check an augmentation with images of size `image`; see `check_component`."""
    _check("augmentation", component, image=image, **options)


def check_head(component: Component, sequence: SequenceSpec = SEQUENCE, **options: Any) -> None:
    """Check a head with sequences of size `sequence`; see `check_component`."""
    _check("head", component, sequence=sequence, **options)


def check_loss(component: Component, alphabet: Alphabet = ALPHABET, **options: Any) -> None:
    """Check a loss; see `check_component`."""
    _check("loss", component, alphabet=alphabet, **options)


def check_optimizer(component: Component, **options: Any) -> None:
    """Check an optimizer with the parameters of a small recogniser; see `check_component`."""
    _check("optimizer", component, **options)


def check_decoder(component: Component, alphabet: Alphabet = ALPHABET, **options: Any) -> None:
    """Check a decoder; see `check_component`."""
    _check("decoder", component, alphabet=alphabet, **options)


def check_dataset(component: Component, **options: Any) -> None:
    """Check a data set; see `check_component`."""
    _check("dataset", component, **options)


def check_executor(component: Component, **options: Any) -> None:
    """Check an executor, which runs some trials that fail and a training; see `check_component`."""
    _check("executor", component, **options)


def conformance_tests(component: Component, **options: Any) -> Callable[..., None]:
    """Return a test for pytest, with a case for every rule; name it ``test_…`` in a test file.

    `options` are as for `check_component`.
    """
    # Imported here: `check_component` works without pytest.
    import pytest

    case = _case(component, options)

    @pytest.mark.parametrize("rule", [pytest.param(r, id=r.__name__) for r in rules_for(component.kind)])
    def test(rule: Rule) -> None:
        rule(case)

    test.__doc__ = f"{case.name} fulfils the contract."
    return test


def _guard(rule: Rule) -> Rule:
    """Return the rule with every exception turned into a BrokenRule of one line.

    It runs with one thread: for tensors this small, synchronising threads costs more than they save.
    """

    @functools.wraps(rule)
    def guarded(case: Case) -> None:
        # Not imported: where no rule has loaded torch, there are no threads to set.
        torch = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch else 0
        try:
            if torch:
                torch.set_num_threads(1)
            rule(case)
        except BrokenRule:
            raise
        except (Exception, SystemExit) as error:
            case.fail(f"be tried by the rule {rule.__name__}", error)
        finally:
            if torch:
                torch.set_num_threads(threads)

    return guarded


def _check(kind: Kind, component: Component, **options: Any) -> None:
    _require_component(component)
    if component.kind != kind:
        raise UsageError(f"{component.name} is a {component.kind}, not a {kind}: use check_component")
    check_component(component, **options)


def _require_component(component: object) -> None:
    if not isinstance(component, Component):
        name = getattr(component, "__name__", repr(component))
        raise UsageError(f"{name} is no component: is its decorator (@backbone, @head, …) missing?")


def _case(component: Component, options: dict[str, Any]) -> Case:
    _require_component(component)
    # An option that is called `image`, say, belongs to the component.
    own = inspect.signature(component.builder).parameters
    taken = {name for name in options if name in own and own[name].kind is inspect.Parameter.KEYWORD_ONLY}
    settings = {name: options[name] for name in _SETTINGS if name in options and name not in taken}
    for name, value in settings.items():
        if not isinstance(value, _SETTINGS[name]):
            raise UsageError(f"{name}={value!r}: not a ctcbench.{_SETTINGS[name].__name__}")
    return Case(component, {n: v for n, v in options.items() if n not in settings}, **settings)
