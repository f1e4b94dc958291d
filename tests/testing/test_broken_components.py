"""Every rule of the kit can fail: a component that breaks it, and the sentence that says so."""

from dataclasses import dataclass, replace
from typing import Annotated

import broken_functions  # noqa: F401
import broken_modules  # noqa: F401
import broken_sources as sources
import pytest
from broken_parts import BROKEN, breaks, small
from pydantic import Field

from ctcbench import BadSample, UsageError
from ctcbench.contract.components import Component
from ctcbench.testing import check_backbone, check_component, checks, general, rules_for
from ctcbench.testing.case import Case

# Any kind -------------------------------------------------------------------------------------------


def lambda_(image):
    """A function whose name can't be typed."""


lambda_.__name__ = "lambda"
breaks("backbone", "has_a_name_that_can_be_typed", "rename the builder")(lambda_)


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
def untypable_default(sequence, *, names: Annotated[dict[str, int], Field(description="n")] = {"a": 1}):  # noqa: B006
    pass


@breaks("loss", "has_options_with_help_and_bounds", "has no type")
def untyped(alphabet, *, gamma=1.0):
    pass


# The tests ------------------------------------------------------------------------------------------


def params():
    for kind, broken in BROKEN.items():
        for component, rule, says in broken:
            yield pytest.param(component, rule, says, id=f"{kind}-{component.name}")


@pytest.mark.parametrize(("component", "rule", "says"), list(params()))
def test_a_broken_component_fails_its_rule_with_a_sentence(component, rule, says):
    [checked] = [r for r in rules_for(component.kind) if r.__name__ == rule]
    with pytest.raises(AssertionError) as failed:
        checked(small(component))
    assert says in str(failed.value)
    assert str(failed.value).startswith(f"{component.kind} {component.name}: ")
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("kind", ["augmentation", "backbone", "head", "loss", "decoder", "dataset"])
def test_every_rule_of_a_kind_is_broken_here(kind):
    common = {rule.__name__ for rule in general.RULES}
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


def test_a_sample_that_can_not_be_used_is_no_failure():
    @dataclass(frozen=True)
    class Some(sources.Good):
        def draw(self, split, index):
            if index == 1:
                raise BadSample("unreadable")
            return super().draw(split, index)

    case = small(Component("dataset", sources.builder_of("Good")))
    case = replace(case, component=Component("dataset", lambda: Some()))
    [rule] = [r for r in rules_for("dataset") if r.__name__ == "draws_images_as_agreed"]
    rule(case)


def test_the_good_one_breaks_no_rule():
    check_component(Component("dataset", sources.builder_of("Good")))


def test_an_option_named_like_a_setting_is_the_component_s():
    def build(*, image: Annotated[int, Field(description="i")] = 1):
        """A component with an option named image."""

    case: Case = checks._case(Component("executor", build), {"image": 2})
    assert case.options == {"image": 2}
