// NgramModel: an n-gram model with backoff, as a graph of contexts.
#pragma once

#include <cstdint>
#include <vector>

namespace ctc {

// The n-grams of one order, sorted by context and then by word. Logarithms are natural.
struct NgramArrays {
    std::vector<std::int32_t> contexts;  // the n-gram without its last word, an index into the previous order
    std::vector<std::int32_t> words;     // the last word
    std::vector<double> log_probs;
    std::vector<double> log_backoffs;
};

// The probability of a word depends on the context: the words before it, as far as the model uses them.
class NgramModel {
  public:
    using Context = std::int32_t;
    static constexpr Context kEmpty = 0;
    // The highest order that is supported.
    static constexpr int kHighestOrder = 32;
    // Stands for a word that the model lacks.
    static constexpr std::int32_t kNoWord = -1;
    // Logarithm of the probability of such a word: 1e-100, as in KenLM.
    static constexpr double kLowestLogProb = -230.25850929940457;

    // A word that the model lists for a context, and the context after it.
    struct Entry {
        std::int32_t word;
        Context next;
        double log_prob;
    };
    struct Entries {
        const Entry* first;
        const Entry* last;
        const Entry* begin() const { return first; }
        const Entry* end() const { return last; }
    };

    // `levels` has the n-grams of each order from 1; the unigrams are the words [0, words) in order. Throws
    // std::invalid_argument if the arrays are not as described: no later access is out of bounds.
    NgramModel(std::int32_t words, const std::vector<NgramArrays>& levels);

    std::int32_t words() const { return words_; }
    std::int32_t contexts() const { return static_cast<std::int32_t>(shorter_.size()); }

    // The words that the model lists for a context, in ascending order; for the empty context all words.
    Entries entries(Context context) const {
        const auto place = static_cast<std::size_t>(context);
        return {entries_.data() + offsets_[place], entries_.data() + offsets_[place + 1]};
    }
    // The context without its first word, or without more of them, that is used for all other words.
    Context shorter(Context context) const { return shorter_[static_cast<std::size_t>(context)]; }
    // The logarithm of the factor of the probabilities of those words.
    double log_backoff(Context context) const { return log_backoffs_[static_cast<std::size_t>(context)]; }

    // By word, the last element for kNoWord: a logarithm that its probability exceeds in no context. Where no
    // backoff weight is above 1 it is the highest of them.
    std::vector<double> highest_log_probs() const;

    // The probability of a word, or of kNoWord, after a context, with backoff, and the context after it.
    Entry next(Context context, std::int32_t word) const;

  private:
    static void check(std::int32_t words, const std::vector<NgramArrays>& levels);

    std::int32_t words_;
    // By context. A context that lists no word and whose backoff weight is 1 is merged with a shorter one.
    std::vector<std::int64_t> offsets_;  // into entries_; one element more than contexts
    std::vector<Context> shorter_;
    std::vector<double> log_backoffs_;
    std::vector<Entry> entries_;
};

}  // namespace ctc
