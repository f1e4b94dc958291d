"""Every rule of the conformance kit fails for a component that breaks it, with a message of one line."""

import functools
import importlib
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Annotated

import pytest
import torch
from pydantic import Field

from ctcbench import Alphabet, BadSample, Hypothesis, ImageSpec, Sample, UsageError
from ctcbench.contract.components import KINDS, Component
from ctcbench.testing import (
    check_backbone,
    check_component,
    check_executor,
    conformance,
    executor_rules,
    general_rules,
    module_form_rules,
    rules_for,
)
from ctcbench.testing.case import BrokenRule, Case
from tests.testing import (
    broken_executors,
    broken_functions,  # noqa: F401
    broken_modules,  # noqa: F401
    broken_optimizers,  # noqa: F401
)
from tests.testing import broken_sources as sources
from tests.testing.broken_parts import BROKEN, breaks, small

# Any kind -------------------------------------------------------------------------------------------


def lambda_(image):
    """A function whose name can't be typed."""


lambda_.__name__ = "lambda"
breaks("backbone", "has_a_name_that_can_be_typed", "rename the builder")(lambda_)


@breaks("backbone", "has_a_name_of_its_own", "no backbone of ctcbench may have its name; got the name 'cnn3'")
def cnn3(image):
    pass


@breaks("backbone", "has_help", "200 characters")
def long_help(image):
    pass


long_help.__doc__ = "a" * 200


@breaks("head", "has_options_with_help_and_bounds", "'width' needs a description")
def undescribed(sequence, *, width: int = 3):
    pass


@breaks("head", "has_options_with_help_and_bounds", "allowed: whole number, 1 to 8")
def default_out_of_bounds(sequence, *, width: Annotated[int, Field(ge=1, le=8, description="w")] = 9):
    pass


@breaks("head", "has_options_with_help_and_bounds", "must come back when it is typed")
def untypable_default(sequence, *, names: Annotated[tuple[str, ...], Field(description="n")] = ("a,b",)):
    pass


class Kernel:
    pass


@breaks("backbone", "has_options_with_help_and_bounds", "option 'kernel' is of Kernel, which can't be")
def untypable(image, *, kernel: Annotated[Kernel, Field(description="k")] = Kernel()):  # noqa: B008
    pass


@breaks("loss", "has_options_with_help_and_bounds", "option 'kernel' is of")
def untypable_and_required(alphabet, *, kernel: Annotated[Kernel, Field(description="k")]):
    pass


@breaks(
    "head", "is_not_hidden_by_a_file", "the file decoder.py, which would hide the component; rename the file"
)
def decoder(sequence):
    pass


decoder.__module__ = "json"  # a package that has a file of that name


@breaks("loss", "has_options_with_help_and_bounds", "has no type")
def untyped(alphabet, *, gamma=1.0):
    pass


# The tests ------------------------------------------------------------------------------------------


def params():
    for kind, broken in BROKEN.items():
        for component, rule, words in broken:
            yield pytest.param(component, rule, words, id=f"{kind}-{component.name}")


@pytest.mark.parametrize(("component", "rule", "words"), list(params()))
def test_a_broken_component_fails_its_rule_with_one_line(component, rule, words, monkeypatch):
    # The rule about bfloat16 is tried on every CPU: torch emulates what these modules need.
    monkeypatch.setattr(module_form_rules, "default_autocast_dtype", lambda device: torch.bfloat16)
    [checked] = [r for r in rules_for(component.kind) if r.__name__ == rule]
    with pytest.raises(AssertionError) as failed:
        checked(small(component))
    assert words in str(failed.value)
    assert str(failed.value).startswith(f"{component.kind} {component.name}: ")
    assert "\n" not in str(failed.value)


def test_mixed_precision_is_tried_only_where_the_cpu_trains_in_it(monkeypatch):
    [overflowing] = [c for c, rule, _ in BROKEN["backbone"] if rule == "is_finite_in_mixed_precision"]
    monkeypatch.setattr(module_form_rules, "default_autocast_dtype", lambda device: None)
    module_form_rules.is_finite_in_mixed_precision(small(overflowing))
    monkeypatch.setattr(module_form_rules, "default_autocast_dtype", lambda device: torch.bfloat16)
    with pytest.raises(BrokenRule):
        module_form_rules.is_finite_in_mixed_precision(small(overflowing))


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_of_a_kind_is_broken_here(kind):
    common = {rule.__name__ for rule in general_rules.RULES}
    broken = {rule for _, rule, _ in BROKEN[kind]}
    if kind == "head":  # what backbones and heads have in common is broken once
        broken |= {rule for _, rule, _ in BROKEN["backbone"]}
    if kind == "backbone":
        broken |= {rule for _, rule, _ in BROKEN["head"]}
    assert {rule.__name__ for rule in rules_for(kind)} - broken <= common
    assert common <= {rule for rules in BROKEN.values() for _, rule, _ in rules}


def test_check_component_stops_at_the_first_broken_rule():
    with pytest.raises(AssertionError, match="rename the builder"):
        check_component(Component("backbone", lambda_))


def test_a_check_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"is a head, not a backbone"):
        check_backbone(BROKEN["head"][0][0])


def test_what_is_no_component_is_refused():
    def plain(image):
        """A function without a decorator."""

    for check in (check_component, check_backbone, conformance.conformance_tests):
        with pytest.raises(UsageError, match=r"^plain is no component: is its decorator .* missing\?$"):
            check(plain)
    with pytest.raises(UsageError, match=r"^image=\(8, 16\): not a ctcbench.ImageSpec$"):
        check_backbone(BROKEN["backbone"][0][0], image=(8, 16))


def test_a_bad_sample_breaks_no_rule():
    refused = []

    @dataclass(frozen=True)
    class Some(sources.Good):
        def draw(self, split, index):
            if index == 1:
                refused.append(split)
                raise BadSample("unreadable")
            return super().draw(split, index)

    case = small(Component("dataset", sources.builder_of("Good")))
    case = replace(case, component=Component("dataset", lambda: Some()))
    [rule] = [r for r in rules_for("dataset") if r.__name__ == "draws_images_of_its_size"]
    rule(case)
    assert set(refused) == {"train", "val", "test"}


class Raising:
    """Raises for every attribute and call."""

    def __getattr__(self, name):
        raise AssertionError(f"no {name}\nanywhere")

    def __call__(self, *arguments):
        raise AssertionError


NASTY = {
    "None": None,
    "object": object(),
    "raising": Raising(),
    "a class": Raising,
    "of None": lambda *inputs: None,
    "of text": lambda *inputs: "text",
    "of itself": lambda *inputs: inputs,
    "of the first": lambda *inputs: inputs[0],
    "of infinity": lambda *inputs: torch.tensor(torch.inf, requires_grad=True),
    "of nothing": lambda *inputs: torch.empty(0),
    "of complex": lambda *inputs: torch.zeros(5, 3, 8, 16, dtype=torch.complex64),
    "of Nones": lambda *inputs: [Hypothesis((None,), None, (None,))] * 6,
    "of lists": lambda *inputs: [Hypothesis(([],), [], ([],))] * 4,
    "module of None": torch.nn.Module(),
    "identity": torch.nn.Identity(),
    "flatten": torch.nn.Flatten(0),
    "source of None": SimpleNamespace(
        image=ImageSpec(8, 16), alphabet=Alphabet("a"), size=len, fingerprint=len, draw=print, describe=print
    ),
    "source of nothing": SimpleNamespace(
        image=ImageSpec(8, 16),
        alphabet=Alphabet("a"),
        size=lambda split: None,
        fingerprint=lambda split: [split],
        draw=lambda split, index: Sample(None, None, []),
        describe=lambda split, index: index,
    ),
    "executor of None": SimpleNamespace(describe=dict, run=lambda trials, listener: trials),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nasty", NASTY)
def test_every_rule_reports_any_object_in_one_line(kind, nasty):
    def build(*context):
        """A component of any kind."""
        return NASTY[nasty]

    for rule in rules_for(kind):
        try:
            rule(small(Component(kind, build)))
        except BrokenRule as broken:
            assert str(broken).startswith(f"{kind} build: ")
            assert "\n" not in str(broken)
            assert len(str(broken)) < 700


@pytest.mark.parametrize("kind", KINDS)
def test_a_builder_without_a_name_has_none_that_can_be_typed(kind):
    component = Component(kind, functools.partial(lambda *context: None))
    with pytest.raises(BrokenRule, match=f"^{kind} partial: its name must be an identifier.*; rename"):
        check_component(component)


HIDING = ["plates.py", "plates/__init__.py", "plates/other.py"]


@pytest.mark.parametrize("file", [*HIDING, "other.py", "plates/a.png"])
def test_a_component_is_not_hidden_by_a_file_of_its_package(file, tmp_path, monkeypatch):
    path = tmp_path / "zoo_of_a_test" / file
    path.parent.mkdir(parents=True)
    path.write_text("raise RuntimeError('imported')\n")
    (tmp_path / "zoo_of_a_test" / "__init__.py").write_text(
        "from ctcbench import augmentation\n\n"
        "@augmentation\n"
        "def plates(image):\n"
        "    'The images as they are.'\n"
        "    return lambda images, widths: images\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "zoo_of_a_test", raising=False)
    component = importlib.import_module("zoo_of_a_test").plates
    if file not in HIDING:
        check_component(component)
        return
    what = "file" if file == "plates.py" else "folder"
    named = f"{what} {file.partition('/')[0]}"
    with pytest.raises(BrokenRule) as broken:
        check_component(component)
    assert str(broken.value) == (
        "augmentation plates: no file of its package zoo_of_a_test may be called plates; "
        f"got the {named}, which would hide the component; rename the {what}"
    )


def test_an_executor_that_never_ends_is_stopped(monkeypatch):
    hanging = broken_executors.Hanging()
    monkeypatch.setattr(executor_rules, "_SECONDS", 0.2)
    with pytest.raises(BrokenRule, match=r"run 2 trials: the run must end; got none after 0 seconds"):
        executor_rules.yields_an_outcome_for_each_trial(Case(Component("executor", lambda: hanging)))
    assert hanging.ended.wait(10)  # the kit asks it to stop


def test_sound_components_pass():
    check_component(Component("dataset", sources.builder_of("Good")))
    [rule] = [r for r in rules_for("dataset") if r.__name__ == "draws_the_same_samples_in_a_worker"]
    rule(small(Component("dataset", sources.builder_of("HoldingALambda"))))
    with pytest.raises(BrokenRule, match=r"got no dataset '<lambda>'.*; define its builder at the top of"):
        rule(small(Component("dataset", lambda: sources.Good())))

    def here():
        """A sound executor."""
        return broken_executors.Here()

    check_executor(Component("executor", here))


def test_an_option_named_like_a_setting_is_the_component_s():
    def build(*, image: Annotated[int, Field(description="i")] = 1):
        """A component with an option named image."""

    case: Case = conformance._case(Component("executor", build), {"image": 2})
    assert case.options == {"image": 2}
