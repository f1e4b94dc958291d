"""The log weight that a language model gives a text, as `LanguageModel` defines it; slow and simple."""

from ctcbench.decoding.lm.ngram_model import END, SPACE
from ctcbench.decoding.lm.ngram_reference import score_words


def words_of(text, unit):
    return (
        text.split() if unit == "word" else [SPACE if character == " " else character for character in text]
    )


def plain_log_weight(model, text, *, unit, weight=0.5, length_bonus=0.0, unknown_penalty=10.0):
    total = 0.0
    for score in score_words(model, words_of(text, unit)):
        total += weight * score.log_prob
        if score.word != END:
            total += length_bonus - (0 if score.known else unknown_penalty)
    return total


def guided_log_weight(guide, labels):
    """Return the sum of the log weights along a labelling, None if the guide forbids it."""
    state, total = guide.start, 0.0
    for label in labels:
        next_K, log_weights_K = guide.row(state)
        if next_K[label] < 0:
            return None
        total += float(log_weights_K[label])
        state = int(next_K[label])
    final = guide.final_log_weight(state)
    return None if final == -float("inf") else total + final
