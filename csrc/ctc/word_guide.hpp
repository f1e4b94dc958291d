// WordGuide: an n-gram model of words as a guide, which spells words with characters.
#pragma once

#include <vector>

#include "ctc/character_guide.hpp"
#include "ctc/guide.hpp"
#include "ctc/ngram_model.hpp"

namespace ctc {

// The words that can be spelled with the classes, in lexicographic order of their labels, no two of them
// equal and none empty. The labels of word i are [offsets[i], offsets[i + 1]).
struct Spellings {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> labels;
    std::vector<std::int32_t> words;  // words of the model
};

// Words are separated by one or more labels `space`, which have no weight of their own. A word gets its
// weight at its end; its letters get in advance the weight of the most probable unigram that begins with
// them, or of the unknown word if that is higher, and the end of the word settles the difference, so that it
// does not show in the score of a labelling. So that its end never adds more than kMostSettled, a word that a
// context makes far more probable gets more in advance.
//
// A state is a context of the model and a place in the tree of spellings, or the place of all beginnings that
// are in no spelling.
class WordGuide final : public Guide {
  public:
    // `ignored` is, for each class, whether no labelling may contain it, as is so for the blank. `space` is
    // kNoLabel if the classes have none; a labelling is then one word. Without `unknown_words` a labelling
    // may have words with a spelling only. Throws std::invalid_argument if the spellings are not as
    // described.
    WordGuide(NgramModel model, const std::vector<bool>& ignored, std::int32_t space,
              const Spellings& spellings, bool unknown_words, const SpecialWords& special,
              const FusionWeights& fusion);

    std::int32_t classes() const override { return classes_; }
    State states() const override { return model_.contexts() * places_; }
    State start() const override { return start_; }
    void row(State state, State* next_K, double* log_weight_K) const override;
    double final_log_weight(State state) const override;
    double highest_log_weight() const override { return highest_log_weight_; }
    std::int32_t shortest(State state) const override {
        return unknown_words_ ? 0 : frames_to_end_[static_cast<std::size_t>(state % places_)];
    }
    std::int32_t shortest_after(std::int32_t /*label*/, State state) const override {
        return unknown_words_ ? 0 : frames_after_label_[static_cast<std::size_t>(state % places_)];
    }
    std::int32_t most_frames_to_end() const override;

  private:
    static constexpr std::size_t kRoot = 0;  // the place between words
    static constexpr std::int32_t kNoLabel = -1;
    // Half of kHighestInDoubles, so that one is left for other guides.
    static constexpr double kMostSettled = 50.0;

    // The end of a word.
    struct WordEnd {
        NgramModel::Context next;
        double log_weight;
    };

    void grow(const Spellings& spellings);
    void look_ahead();
    void find_frames_to_end();
    double log_weight(double log_prob, bool known) const {
        return fusion_.weight * log_prob + fusion_.bonus - (known ? 0.0 : fusion_.unknown_penalty);
    }
    WordEnd end_word(NgramModel::Context context, std::size_t place) const;

    NgramModel model_;
    std::int32_t classes_;
    std::vector<std::int32_t> ignored_;
    std::int32_t space_;
    bool unknown_words_;
    SpecialWords special_;
    FusionWeights fusion_;
    State places_ = 0;
    State start_ = 0;
    std::size_t unknown_ = 0;  // the last place
    double highest_log_weight_ = 0.0;
    // By place.
    std::vector<std::int32_t> first_child_;         // a place; one element more than places
    std::vector<std::int32_t> label_;               // the last label
    std::vector<std::int32_t> word_;                // the word that ends here, or kNoWord
    std::vector<std::int32_t> frames_to_end_;       // of a word, after a blank
    std::vector<std::int32_t> frames_after_label_;  // the same directly after the last label
    std::vector<double> ahead_;                     // log weight in advance
    std::vector<double> final_log_weights_;         // of the end of the text, by context
};

}  // namespace ctc
