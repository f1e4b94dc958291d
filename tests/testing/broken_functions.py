"""Losses, augmentations and decoders that break one rule each."""

import math

import numpy as np
import torch

from ctcbench import Hypothesis
from ctcbench.decoding import BestLabelling, greedy_search
from tests.testing.broken_parts import breaks, part_that_breaks

# Losses ---------------------------------------------------------------------------------------------


def ctc(log_probs, lengths, targets, target_lengths, reduction="mean"):
    return torch.nn.functional.ctc_loss(log_probs, targets, lengths, target_lengths, reduction=reduction)


@part_that_breaks("loss", "is_a_finite_number", "shape (4,)")
def of_each_image(*inputs):
    return ctc(*inputs, reduction="none")


@part_that_breaks("loss", "is_a_finite_number", "must be a tensor; got float")
def as_a_float(*inputs):
    return ctc(*inputs).item()


@part_that_breaks("loss", "is_a_finite_number", "can't be called: ValueError: not today")
def raising(*inputs):
    raise ValueError("not today\nand more")


@part_that_breaks("loss", "can_be_differentiated", "must have a gradient")
def detached(*inputs):
    return ctc(*inputs).detach()


@part_that_breaks("loss", "can_be_differentiated", "finite and not all zero")
def constant(log_probs, *rest):
    return (log_probs * 0).sum()


@part_that_breaks("loss", "stays_finite_where_all_is_read", "every text is read with certainty; got loss")
def focal(*inputs):
    losses_N = ctc(*inputs, reduction="none")
    return ((1 - (-losses_N).exp()) ** 0.5 * losses_N).mean()


@part_that_breaks("loss", "ignores_frames_that_do_not_count", "frames past lengths_N")
def of_all_frames(log_probs, lengths, *targets):
    return ctc(log_probs, torch.full_like(lengths, len(log_probs)), *targets)


@part_that_breaks("loss", "ignores_frames_that_do_not_count", "frames past lengths_N")
def with_the_entropy_of_all_frames(log_probs, *rest):
    return ctc(log_probs, *rest) + 0.1 * (log_probs.exp() * log_probs).sum(-1).mean()


@part_that_breaks("loss", "can_be_differentiated", "zero at frames past lengths_N; got 0.1; mask them")
def with_a_gradient_at_padding(log_probs, *rest):
    return ctc(log_probs, *rest) + 0.1 * (log_probs - log_probs.detach()).sum()


@part_that_breaks("loss", "does_not_modify_its_inputs", "got another targets_NL after the call")
def clearing_its_targets(log_probs, lengths, targets, target_lengths):
    loss = ctc(log_probs, lengths, targets.clone(), target_lengths)
    targets.zero_()
    return loss


@part_that_breaks("loss", "does_not_modify_its_inputs", "got another log_probs_TNK after the call")
def lowering_its_log_probs(log_probs, *rest):
    loss = ctc(log_probs.clone(), *rest)
    log_probs.detach().sub_(0.1)
    return loss


@part_that_breaks("loss", "ignores_padding_of_targets", "past target_lengths_N")
def of_padded_targets(log_probs, lengths, targets, target_lengths):
    return ctc(log_probs, lengths, targets, target_lengths) + targets.sum()


@part_that_breaks("loss", "is_lower_for_the_right_text", "check its sign")
def negative(*inputs):
    return -ctc(*inputs)


@part_that_breaks("loss", "aligns_frames_as_declared", "alignment='fixed' frames '00··'", "fixed")
def ctc_as_if_fixed(*inputs):
    return ctc(*inputs)


@part_that_breaks("loss", "aligns_frames_as_declared", "cost less as '0' than as '00'")
def slots_as_if_ctc(log_probs, lengths, targets, target_lengths):
    padded = torch.nn.functional.pad(targets, (0, len(log_probs) - targets.shape[1]))
    return torch.nn.functional.nll_loss(log_probs.flatten(0, 1), padded.t().flatten())


@part_that_breaks("loss", "aligns_frames_as_declared", "cost less as '00' than as '0'")
def blind_to_doubled_letters(log_probs, lengths, targets, target_lengths):
    rows = [row[:n].unique_consecutive() for row, n in zip(targets, target_lengths, strict=True)]
    return ctc(log_probs, lengths, torch.cat(rows), torch.tensor([len(row) for row in rows]))


@part_that_breaks("loss", "is_a_finite_number", "can't be called: AssertionError: Torch not compiled")
def asserting(*inputs):
    raise AssertionError("Torch not compiled with CUDA enabled")  # as .cuda() does


@part_that_breaks("loss", "is_a_finite_number", "can't be called: SystemExit: 3")
def leaving(*inputs):
    raise SystemExit(3)


@part_that_breaks("loss", "decreases_by_gradient_descent", "25 steps")
def with_a_wrong_gradient(*inputs):
    loss = ctc(*inputs)
    return 2 * loss.detach() - loss


@part_that_breaks("loss", "is_deterministic", "keep no state")
def with_chance(*inputs):
    return ctc(*inputs) + torch.rand(())


@part_that_breaks("loss", "stays_on_the_device_of_its_log_probs", "device=log_probs.device")
def masking_on_the_cpu(log_probs, lengths, targets, target_lengths):
    counts = torch.arange(len(log_probs))[:, None] < lengths
    return ctc((log_probs * counts[..., None]), lengths, targets, target_lengths)


READS_NOTHING = "reads_no_value_on_the_host_if_it_says_so"


@part_that_breaks("loss", READS_NOTHING, "it reads lengths on the host (torch's own CTC)", on_device=True)
def torchs_own(*inputs):
    return ctc(*inputs)


@part_that_breaks("loss", READS_NOTHING, "it reads the value of a tensor on the host", on_device=True)
def branching(log_probs, *others, ctc_losses=None):
    return log_probs.sum() if log_probs.sum() < 0 else -log_probs.sum()


# Augmentations --------------------------------------------------------------------------------------


@part_that_breaks("augmentation", "returns_images_of_the_same_shape", "of the same size")
def cropping(images, widths):
    return images[..., 1:]


@part_that_breaks("augmentation", "returns_grey_levels_from_0_to_255", "between 0 and 255")
def lightening(images, widths):
    return images.float() + 100


@part_that_breaks("augmentation", "takes_images_of_any_width", "can't take images of variable width")
def for_images_of_the_spec_alone(images, widths):
    return torch.where(torch.rand(16) < 0, images, images.float())


@part_that_breaks("augmentation", "does_not_modify_its_input", "work on a copy")
def in_place(images, widths):
    return images.fill_(200)


@part_that_breaks("augmentation", "draws_from_torchs_generator", "draw with torch")
def by_numpys_chance(images, widths):
    return torch.from_numpy(np.random.default_rng().integers(0, 256, images.shape, dtype=np.uint8))


@part_that_breaks("augmentation", "keeps_dark_ink_on_light_paper", "the ink must not vanish")
def blank_paper(images, widths):
    return torch.full_like(images, 240)


@part_that_breaks("augmentation", "keeps_dark_ink_on_light_paper", "the ink must not vanish")
def all_black(images, widths):
    return torch.zeros_like(images)


@part_that_breaks("augmentation", "keeps_dark_ink_on_light_paper", "not 0 to 1")
def from_0_to_1(images, widths):
    return images.float() / 255


@part_that_breaks("augmentation", "keeps_dark_ink_on_light_paper", "dark strokes on light paper must stay so")
def inverting(images, widths):
    return 255 - images


@part_that_breaks("augmentation", "keeps_dark_ink_on_light_paper", "invert no image")
def inverting_at_times(images, widths):
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.2, 255 - images, images)


@part_that_breaks(
    "augmentation", "returns_images_of_the_same_shape", "must return a tensor of uint8 or float32; got tuple"
)
def with_widths(images, widths):
    return images, widths


@part_that_breaks("augmentation", "stays_on_the_device_of_its_images", "device=images.device")
def drawing_on_the_cpu(images, widths):
    return images * torch.rand(len(images), 1, 1, 1)


@part_that_breaks("augmentation", "stays_on_the_device_of_its_images", "a result on cpu")
def coming_back_to_the_cpu(images, widths):
    return torch.zeros(images.shape, dtype=torch.uint8)


@part_that_breaks("augmentation", READS_NOTHING, "whose size depends on values", on_device=True)
def counting_dark_pixels(images, widths):
    return (images.float() + 0 * len(images[images < 128])).clamp(0, 255)


# Decoders -------------------------------------------------------------------------------------------


def decoder_that(rule, words):
    """Make ``(log_probs, hypotheses of the best path) -> hypotheses`` a broken decoder component."""

    def note(change):
        def build(alphabet):
            """A decoder that breaks a rule."""
            return lambda read: change(read, greedy_search(read.values_NTK, read.lengths_N))

        build.__name__ = change.__name__
        return breaks("decoder", rule, words)(build)

    return note


@decoder_that("returns_one_hypothesis_per_image", "a list of 6 hypotheses; got 5")
def one_too_few(read, found):
    return found[:-1]


@decoder_that("returns_one_hypothesis_per_image", "must be a Hypothesis")
def bare_tuples(read, found):
    return [tuple(hypothesis) for hypothesis in found]


@decoder_that("returns_labels_of_the_alphabet", "drop blanks")
def with_blanks(read, found):
    return [h._replace(labels=(0, *h.labels)) for h in found]


@decoder_that("returns_rising_frames", "strictly rising")
def backwards(read, found):
    return [h._replace(frames=h.frames[::-1]) for h in found]


@decoder_that("returns_rising_frames", "below 12")
def beyond_the_end(read, found):
    return [h._replace(frames=tuple(f + 3 for f in h.frames)) for h in found]


@decoder_that("returns_a_log_probability", "natural logarithm")
def probabilities(read, found):
    return [h._replace(log_prob=float(np.exp(h.log_prob))) for h in found]


@decoder_that("returns_a_log_probability", "got None")
def without_a_score(read, found):
    return [h._replace(log_prob=None) for h in found]


@decoder_that("returns_rising_frames", "frames tuple)")
def without_frames(read, found):
    return [h._replace(frames=None) for h in found]


@decoder_that("returns_rising_frames", "strictly rising")
def with_frames_of_text(read, found):
    return [h._replace(frames=tuple(map(str, h.frames))) for h in found]


@decoder_that("decodes_confident_frames", "got (17,)")
def beyond_the_alphabet(read, found):
    return [h._replace(labels=(17,)) for h in found]


@decoder_that("decodes_confident_frames", "'001·········' must be decoded as '01'")
def merging_nothing(read, found):
    best = read.values_NTK.argmax(-1)
    return [Hypothesis(tuple(int(k) for k in path if k), -1.0, ()) for path in best]


@decoder_that("decodes_confident_frames", "merge repeats first")
def merging_doubled_letters(read, found):
    return [Hypothesis(tuple(dict.fromkeys(h.labels)), h.log_prob, ()) for h in found]


@decoder_that("ignores_frames_that_do_not_count", "frames past lengths_N")
def of_every_frame(read, found):
    return greedy_search(read.values_NTK)


@decoder_that("decodes_empty_input", "can't decode log-probabilities of shape (0, 12, 17)")
def fails_for_no_frames(read, found):
    read.values_NTK.max()
    return found


@decoder_that("decodes_empty_input", "an empty labelling")
def invents_labels(read, found):
    return [h if h.labels else h._replace(labels=(1,)) for h in found]


@decoder_that("computes_each_image_independently", "alone as in a batch")
def mixing_images(read, found):
    return [h._replace(labels=found[0].labels) for h in found]


@decoder_that("is_deterministic", "use no random numbers")
def counting_its_calls(read, found):
    counting_its_calls.calls += 1
    return [h._replace(labels=(1 + counting_its_calls.calls % 9,)) for h in found]


counting_its_calls.calls = 0


@decoder_that("does_not_modify_its_input", "work on a copy")
def overwriting(read, found):
    read.values_NTK[..., 0] = -1
    return found


@decoder_that("does_not_modify_its_input", "read-only")
def writing_the_same(read, found):
    read.values_NTK[:] = read.values_NTK
    return found


@decoder_that("never_returns_impossible_classes", "class 1 in")
def always_one(read, found):
    return [h._replace(labels=(1,)) for h in found]


class Prover:
    """The best path, with proofs that `change` makes of its hypotheses."""

    def __init__(self, change):
        self.with_proofs = lambda read: change(self(read))

    def __call__(self, read):
        return greedy_search(read.values_NTK, read.lengths_N)


def prover_that(words):
    """Make ``hypotheses -> proofs`` a decoder whose proofs break their rule."""

    def note(change):
        def build(alphabet):
            """A decoder with proofs that break their rule."""
            return Prover(change)

        build.__name__ = change.__name__
        return breaks("decoder", "proves_its_own_labellings", words)(build)

    return note


@prover_that("a list of BestLabelling; got [Hypothesis(")
def proofs_that_are_hypotheses(found):
    return found


@prover_that("at least 0 without one")
def gap_that_is_no_number(found):
    return [BestLabelling(one.labels, one.log_prob, False, math.nan, "none") for one in found]


@prover_that("gap must be 0 with a proof")
def gap_with_a_proof(found):
    return [BestLabelling(one.labels, one.log_prob, True, 0.5, "mine") for one in found]


@prover_that("the labels of the call")
def proofs_of_other_labellings(found):
    return [BestLabelling((1,), one.log_prob, True, 0.0, "mine") for one in found]


@prover_that("5 labellings for 6 images")
def one_proof_too_few(found):
    return [BestLabelling(one.labels, one.log_prob, False, math.inf, "none") for one in found[1:]]
