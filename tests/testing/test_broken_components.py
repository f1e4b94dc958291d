"""Every rule of the kit can fail: a component that breaks it, and the sentence that says so."""

from dataclasses import dataclass, replace
from typing import Annotated

import broken_parts as parts
import numpy as np
import pytest
import torch
from pydantic import Field

from ctcbench import BadSample, Hypothesis, UsageError
from ctcbench.contract.components import Component
from ctcbench.decoding import greedy_search
from ctcbench.testing import check_backbone, check_component, checks, rules_for
from ctcbench.testing.case import Case

BROKEN: dict[str, list[tuple[Component, str, str]]] = {}


def breaks(kind, rule, says):
    """Note a builder as one that breaks `rule` of `kind`, with a sentence that contains `says`."""

    def note(builder):
        builder.__doc__ = builder.__doc__ or "A component that breaks a rule."
        BROKEN.setdefault(kind, []).append((Component(kind, builder), rule, says))
        return builder

    return note


# Any kind -------------------------------------------------------------------------------------------


def lambda_(image):
    """A function whose name can't be typed."""


lambda_.__name__ = "lambda"
BROKEN["backbone"] = [(Component("backbone", lambda_), "has_a_name_that_can_be_typed", "rename the builder")]


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


# Backbones and heads --------------------------------------------------------------------------------

for part_kind, part, broken_rule, sentence in parts.MODULES:
    BROKEN.setdefault(part_kind, []).append((Component(part_kind, part), broken_rule, sentence))


# Losses ---------------------------------------------------------------------------------------------


def ctc(log_probs, lengths, targets, target_lengths, reduction="mean"):
    return torch.nn.functional.ctc_loss(log_probs, targets, lengths, target_lengths, reduction=reduction)


def loss_that(rule, says):
    """Make ``(log_probs, lengths, targets, target_lengths) -> loss`` a broken loss component."""

    def note(objective):
        def build(alphabet):
            """A loss that breaks a rule."""
            return objective

        build.__name__ = objective.__name__
        return breaks("loss", rule, says)(build)

    return note


@loss_that("is_a_finite_number", "shape (4,)")
def of_each_image(*inputs):
    return ctc(*inputs, reduction="none")


@loss_that("is_a_finite_number", "must be a tensor; got float")
def as_a_float(*inputs):
    return ctc(*inputs).item()


@loss_that("is_a_finite_number", "can't be called: ValueError: not today")
def raising(*inputs):
    raise ValueError("not today\nand more")


@loss_that("can_be_differentiated", "must have a gradient")
def detached(*inputs):
    return ctc(*inputs).detach()


@loss_that("can_be_differentiated", "finite and not all zero")
def constant(log_probs, *rest):
    return (log_probs * 0).sum()


@loss_that("ignores_frames_that_do_not_count", "frames past lengths_N")
def of_all_frames(log_probs, lengths, *targets):
    return ctc(log_probs, torch.full_like(lengths, len(log_probs)), *targets)


@loss_that("ignores_padding_of_targets", "past target_lengths_N")
def of_padded_targets(log_probs, lengths, targets, target_lengths):
    return ctc(log_probs, lengths, targets, target_lengths) + targets.sum()


@loss_that("is_lower_for_the_right_text", "check its sign")
def negative(*inputs):
    return -ctc(*inputs)


@loss_that("falls_under_its_own_gradient", "25 steps")
def with_a_wrong_gradient(*inputs):
    loss = ctc(*inputs)
    return 2 * loss.detach() - loss


@loss_that("is_the_same_for_the_same_input", "keep no state")
def with_chance(*inputs):
    return ctc(*inputs) + torch.rand(())


@loss_that("follows_its_log_probs_to_another_device", "device=log_probs.device")
def masking_on_the_cpu(log_probs, lengths, targets, target_lengths):
    counts = torch.arange(len(log_probs))[:, None] < lengths
    return ctc((log_probs * counts[..., None]), lengths, targets, target_lengths)


# Augmentations --------------------------------------------------------------------------------------


def augmentation_that(rule, says):
    """Make ``(images, widths) -> images`` a broken augmentation component."""

    def note(augment):
        def build(image):
            """An augmentation that breaks a rule."""
            return augment

        build.__name__ = augment.__name__
        return breaks("augmentation", rule, says)(build)

    return note


@augmentation_that("gives_images_of_the_same_shape", "of the same size")
def cropping(images, widths):
    return images[..., 1:]


@augmentation_that("stays_between_black_and_white", "between 0 and 255")
def lightening(images, widths):
    return images.float() + 100


@augmentation_that("leaves_its_input_alone", "work on a copy")
def in_place(images, widths):
    return images.fill_(200)


@augmentation_that("draws_from_torchs_generator", "draw with torch")
def by_numpys_chance(images, widths):
    return torch.from_numpy(np.random.default_rng().integers(0, 256, images.shape, dtype=np.uint8))


@augmentation_that("keeps_what_is_to_be_read", "the ink must not vanish")
def blank_paper(images, widths):
    return torch.full_like(images, 240)


@augmentation_that("follows_its_images_to_another_device", "device=images.device")
def drawing_on_the_cpu(images, widths):
    return images * torch.rand(len(images), 1, 1, 1)


@augmentation_that("follows_its_images_to_another_device", "a result on cpu")
def coming_back_to_the_cpu(images, widths):
    return torch.zeros(images.shape, dtype=torch.uint8)


# Decoders -------------------------------------------------------------------------------------------


def decoder_that(rule, says):
    """Make ``(log_probs, hypotheses of the best path) -> hypotheses`` a broken decoder component."""

    def note(change):
        def build(alphabet):
            """A decoder that breaks a rule."""
            return lambda read: change(read, greedy_search(read.values_NTK, read.lengths_N))

        build.__name__ = change.__name__
        return breaks("decoder", rule, says)(build)

    return note


@decoder_that("gives_one_hypothesis_an_image", "a list of 6 hypotheses; got 5")
def one_too_few(read, found):
    return found[:-1]


@decoder_that("gives_one_hypothesis_an_image", "must be a Hypothesis")
def bare_tuples(read, found):
    return [tuple(hypothesis) for hypothesis in found]


@decoder_that("gives_labels_of_the_alphabet", "drop blanks")
def with_blanks(read, found):
    return [h._replace(labels=(0, *h.labels)) for h in found]


@decoder_that("gives_rising_frames", "strictly rising")
def backwards(read, found):
    return [h._replace(frames=h.frames[::-1]) for h in found]


@decoder_that("gives_rising_frames", "below 12")
def beyond_the_end(read, found):
    return [h._replace(frames=tuple(f + 3 for f in h.frames)) for h in found]


@decoder_that("gives_a_log_probability", "natural logarithm")
def probabilities(read, found):
    return [h._replace(log_prob=float(np.exp(h.log_prob))) for h in found]


@decoder_that("reads_a_sure_text", "merge repeats first")
def merging_doubled_letters(read, found):
    return [Hypothesis(tuple(dict.fromkeys(h.labels)), h.log_prob, ()) for h in found]


@decoder_that("ignores_frames_that_do_not_count", "frames past lengths_N")
def of_every_frame(read, found):
    return greedy_search(read.values_NTK)


@decoder_that("reads_nothing_from_nothing", "can't decode log-probs of shape (0, 12, 17)")
def unready_for_nothing(read, found):
    read.values_NTK.max()
    return found


@decoder_that("reads_nothing_from_nothing", "an empty labelling")
def seeing_things(read, found):
    return [h if h.labels else h._replace(labels=(1,)) for h in found]


@decoder_that("keeps_images_apart", "alone as in a batch")
def mixing_images(read, found):
    return [h._replace(labels=found[0].labels) for h in found]


@decoder_that("gives_the_same_for_the_same_input", "draw no chance")
def counting_its_calls(read, found):
    counting_its_calls.calls += 1
    return [h._replace(labels=(1 + counting_its_calls.calls % 9,)) for h in found]


counting_its_calls.calls = 0


@decoder_that("leaves_its_input_alone", "work on a copy")
def overwriting(read, found):
    read.values_NTK[..., 0] = -1
    return found


@decoder_that("leaves_its_input_alone", "read-only")
def writing_the_same(read, found):
    read.values_NTK[:] = read.values_NTK
    return found


@decoder_that("never_gives_impossible_classes", "class 1 in")
def always_one(read, found):
    return [h._replace(labels=(1,)) for h in found]


# Data sets ------------------------------------------------------------------------------------------

for source_name, (broken_rule, sentence) in parts.SOURCES.items():
    BROKEN.setdefault("dataset", []).append(
        (Component("dataset", parts.builder_of(source_name)), broken_rule, sentence)
    )


# The tests ------------------------------------------------------------------------------------------


def params():
    for kind, broken in BROKEN.items():
        for component, rule, says in broken:
            yield pytest.param(component, rule, says, id=f"{kind}-{component.name}")


@pytest.mark.parametrize(("component", "rule", "says"), list(params()))
def test_a_broken_component_fails_its_rule_with_a_sentence(component, rule, says):
    [checked] = [r for r in rules_for(component.kind) if r.__name__ == rule]
    with pytest.raises(AssertionError) as failed:
        checks._try(checked, parts.small(component))
    assert says in str(failed.value)
    assert str(failed.value).startswith(f"{component.kind} {component.name}: ")
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("kind", ["augmentation", "backbone", "head", "loss", "decoder", "dataset"])
def test_every_rule_of_a_kind_is_broken_here(kind):
    general = {rule.__name__ for rule in rules_for("executor")}
    broken = {rule for _, rule, _ in BROKEN[kind]}
    if kind == "head":  # what backbones and heads have in common is broken once
        broken |= {rule for _, rule, _ in BROKEN["backbone"]}
    if kind == "backbone":
        broken |= {rule for _, rule, _ in BROKEN["head"]}
    assert {rule.__name__ for rule in rules_for(kind)} - broken <= general
    assert general <= {rule for rules in BROKEN.values() for _, rule, _ in rules}


def test_check_component_stops_at_the_first_broken_rule():
    with pytest.raises(AssertionError, match="rename the builder"):
        check_component(BROKEN["backbone"][0][0])


def test_a_check_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"is a head, not a backbone"):
        check_backbone(BROKEN["head"][0][0])


def test_a_sample_that_can_not_be_used_is_no_failure():
    @dataclass(frozen=True)
    class Some(parts.Good):
        def draw(self, split, index):
            if index == 1:
                raise BadSample("unreadable")
            return super().draw(split, index)

    case = parts.small(Component("dataset", parts.builder_of("Good")))
    case = replace(case, component=Component("dataset", lambda: Some()))
    [rule] = [r for r in rules_for("dataset") if r.__name__ == "draws_images_as_agreed"]
    rule(case)


def test_the_good_one_breaks_no_rule():
    check_component(Component("dataset", parts.builder_of("Good")))


def test_an_option_named_like_a_setting_is_the_component_s():
    def build(*, image: Annotated[int, Field(description="i")] = 1):
        """A component with an option named image."""

    case: Case = checks._case(Component("executor", build), {"image": 2})
    assert case.options == {"image": 2}
