// NgramModel: the contexts of an n-gram model, and the shorter context of each.
#include "ctc/ngram_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace ctc {

namespace {

// All n-grams of a model, numbered in the order of their lengths; 0 is the empty one. The number of an n-gram
// is its index in its order plus the first number of that order.
class Ngrams {
  public:
    explicit Ngrams(const std::vector<NgramArrays>& levels) {
        std::size_t total = 1;
        for (const NgramArrays& level : levels) total += level.words.size();
        word_.reserve(total);
        word_.push_back(NgramModel::kNoWord);
        first_child_.reserve(total + 1);
        std::size_t below = 0;  // the first number of the order below
        for (const NgramArrays& level : levels) {
            const std::size_t start = word_.size();
            for (std::size_t i = 0; i < level.words.size(); ++i) {
                // The n-grams are sorted by context: those of a context are its children, in a row.
                while (first_child_.size() <= below + static_cast<std::size_t>(level.contexts[i]))
                    first_child_.push_back(static_cast<std::int32_t>(start + i));
                word_.push_back(level.words[i]);
            }
            // The contexts behind the last one that has children.
            while (first_child_.size() < start)
                first_child_.push_back(static_cast<std::int32_t>(word_.size()));
            below = start;
        }
        while (first_child_.size() <= word_.size())
            first_child_.push_back(static_cast<std::int32_t>(word_.size()));
        find_suffixes();
    }

    std::int32_t size() const { return static_cast<std::int32_t>(word_.size()); }
    std::int32_t word(std::int32_t ngram) const { return word_[static_cast<std::size_t>(ngram)]; }
    std::int32_t first_child(std::int32_t ngram) const {
        return first_child_[static_cast<std::size_t>(ngram)];
    }
    std::int32_t end_child(std::int32_t ngram) const {
        return first_child_[static_cast<std::size_t>(ngram) + 1];
    }
    // The longest n-gram of the model that is a proper suffix of this one.
    std::int32_t suffix(std::int32_t ngram) const { return suffix_[static_cast<std::size_t>(ngram)]; }

  private:
    // The n-gram with `word` appended, or -1.
    std::int32_t child(std::int32_t ngram, std::int32_t word) const {
        const auto begin = word_.begin() + first_child(ngram);
        const auto end = word_.begin() + end_child(ngram);
        const auto found = std::lower_bound(begin, end, word);
        return found != end && *found == word ? static_cast<std::int32_t>(found - word_.begin()) : -1;
    }

    void find_suffixes() {
        suffix_.assign(word_.size(), 0);
        for (std::int32_t ngram = 0; ngram < size(); ++ngram) {
            if (ngram == 0) continue;
            for (std::int32_t next = first_child(ngram); next < end_child(ngram); ++next) {
                // Ends at the latest at the empty n-gram, whose children are all words.
                std::int32_t shorter = suffix(ngram);
                std::int32_t found = child(shorter, word(next));
                while (found < 0) {
                    shorter = suffix(shorter);
                    found = child(shorter, word(next));
                }
                suffix_[static_cast<std::size_t>(next)] = found;
            }
        }
    }

    std::vector<std::int32_t> word_;
    std::vector<std::int32_t> first_child_;  // one element more than n-grams
    std::vector<std::int32_t> suffix_;
};

}  // namespace

NgramModel::NgramModel(std::int32_t words, const std::vector<NgramArrays>& levels) : words_(words) {
    check(words, levels);
    const Ngrams ngrams(levels);
    std::vector<double> log_probs{0.0};
    std::vector<double> log_backoffs{0.0};
    for (const NgramArrays& level : levels) {
        log_probs.insert(log_probs.end(), level.log_probs.begin(), level.log_probs.end());
        log_backoffs.insert(log_backoffs.end(), level.log_backoffs.begin(), level.log_backoffs.end());
    }
    // By n-gram: the context that it is, or is merged with.
    std::vector<Context> context_of;
    context_of.reserve(log_probs.size());
    std::vector<std::int32_t> kept;
    for (std::int32_t ngram = 0; ngram < ngrams.size(); ++ngram) {
        const bool useful = ngrams.first_child(ngram) < ngrams.end_child(ngram) ||
                            log_backoffs[static_cast<std::size_t>(ngram)] != 0.0;
        // A suffix is shorter, so its context is known.
        if (ngram == 0 || useful) {
            context_of.push_back(static_cast<Context>(kept.size()));
            kept.push_back(ngram);
        } else {
            context_of.push_back(context_of[static_cast<std::size_t>(ngrams.suffix(ngram))]);
        }
    }
    offsets_.reserve(kept.size() + 1);
    entries_.reserve(log_probs.size());
    for (const std::int32_t ngram : kept) {
        offsets_.push_back(static_cast<std::int64_t>(entries_.size()));
        shorter_.push_back(context_of[static_cast<std::size_t>(ngrams.suffix(ngram))]);
        log_backoffs_.push_back(log_backoffs[static_cast<std::size_t>(ngram)]);
        for (std::int32_t child = ngrams.first_child(ngram); child < ngrams.end_child(ngram); ++child)
            entries_.push_back({ngrams.word(child), context_of[static_cast<std::size_t>(child)],
                                log_probs[static_cast<std::size_t>(child)]});
    }
    offsets_.push_back(static_cast<std::int64_t>(entries_.size()));
}

NgramModel::Entry NgramModel::next(Context context, std::int32_t word) const {
    double log_backoffs = 0.0;
    for (;;) {
        const Entries listed = entries(context);
        const Entry* found =
            std::lower_bound(listed.begin(), listed.end(), word,
                             [](const Entry& entry, std::int32_t w) { return entry.word < w; });
        if (found != listed.end() && found->word == word)
            return {word, found->next, log_backoffs + found->log_prob};
        if (context == kEmpty) return {word, kEmpty, log_backoffs + kLowestLogProb};
        log_backoffs += log_backoff(context);
        context = shorter(context);
    }
}

std::vector<double> NgramModel::highest_log_probs() const {
    // By context: what backing off to it can add.
    std::vector<double> added(shorter_.size(), 0.0);
    // The shorter context comes before.
    for (std::size_t context = shorter_.size() - 1; context > 0; --context) {
        double& to = added[static_cast<std::size_t>(shorter_[context])];
        to = std::max(to, added[context] + log_backoffs_[context]);
    }
    std::vector<double> highest(static_cast<std::size_t>(words_) + 1, kLowestLogProb + added[kEmpty]);
    for (Context context = 0; context < contexts(); ++context)
        for (const Entry& entry : entries(context)) {
            double& of_word = highest[static_cast<std::size_t>(entry.word)];
            const double log_prob = entry.log_prob + added[static_cast<std::size_t>(context)];
            // That of the empty context, which lists every word, is the first.
            of_word = context == kEmpty ? log_prob : std::max(of_word, log_prob);
        }
    return highest;
}

void NgramModel::check(std::int32_t words, const std::vector<NgramArrays>& levels) {
    const auto require = [](bool condition, const char* message) {
        if (!condition) throw std::invalid_argument(message);
    };
    require(!levels.empty() && levels.front().words.size() == static_cast<std::size_t>(words),
            "the unigrams must be the words");
    require(levels.size() <= kHighestOrder, "the order is too high");
    std::size_t below = 1;
    std::size_t total = 1;
    for (std::size_t n = 0; n < levels.size(); ++n) {
        const NgramArrays& level = levels[n];
        const std::size_t size = level.words.size();
        require(level.contexts.size() == size && level.log_probs.size() == size &&
                    level.log_backoffs.size() == size,
                "the arrays of an order must have equal lengths");
        total += size;
        require(total < static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
                "there must be fewer than 2**31 n-grams");
        for (std::size_t i = 0; i < size; ++i) {
            const std::int32_t context = level.contexts[i];
            const std::int32_t word = level.words[i];
            require(context >= 0 && static_cast<std::size_t>(context) < below && word >= 0 && word < words,
                    "an n-gram has a context or a word that does not exist");
            require(i == 0 || context > level.contexts[i - 1] ||
                        (context == level.contexts[i - 1] && word > level.words[i - 1]),
                    "the n-grams of an order must be sorted by context and word, each once");
            require(std::isfinite(level.log_probs[i]) && std::isfinite(level.log_backoffs[i]),
                    "logarithms must be finite");
            // n-grams of the highest order are no contexts.
            require(n + 1 < levels.size() || level.log_backoffs[i] == 0.0,
                    "the highest order must have no backoff weights");
        }
        below = size;
    }
}

}  // namespace ctc
