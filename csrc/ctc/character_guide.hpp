// CharacterGuide: an n-gram model of characters as a guide.
#pragma once

#include <memory>
#include <vector>

#include "ctc/guide.hpp"
#include "ctc/ngram_model.hpp"

namespace ctc {

// How a language model counts in the score of a labelling. Each word, or character, with probability p has
// the log weight  weight * log(p) + bonus, less unknown_penalty if the model lacks it. So has the end of the
// text, but without the bonus.
struct FusionWeights {
    double weight = 1.0;
    double bonus = 0.0;
    double unknown_penalty = 0.0;
};

// Special words of a model, each kNoWord if the model lacks it. Without `start` texts begin with the empty
// context, without `end` their end has log weight 0.
struct SpecialWords {
    std::int32_t start = NgramModel::kNoWord;
    std::int32_t end = NgramModel::kNoWord;
    std::int32_t unknown = NgramModel::kNoWord;

    NgramModel::Context first_context(const NgramModel& model) const {
        return start == NgramModel::kNoWord ? NgramModel::kEmpty : model.next(NgramModel::kEmpty, start).next;
    }
    double log_prob_of_end(const NgramModel& model, NgramModel::Context context) const {
        return end == NgramModel::kNoWord ? 0.0 : model.next(context, end).log_prob;
    }
};

// Returns the classes for which `ignored` is true.
std::vector<std::int32_t> ignored_classes(const std::vector<bool>& ignored);

// The states are the contexts of the model.
class CharacterGuide final : public Guide {
  public:
    // By class: `word_of_class` holds the word of the model, or kNoWord for characters that it does not
    // contain; `ignored` is true for the blank, and for all other classes that no labelling may contain.
    // Throws std::invalid_argument if a class has a word that does not exist, or two classes have the same.
    CharacterGuide(const NgramModel& model, const std::vector<std::int32_t>& word_of_class,
                   const std::vector<bool>& ignored, const SpecialWords& special,
                   const FusionWeights& fusion);

    std::int32_t classes() const override { return classes_; }
    State states() const override { return static_cast<State>(shorter_.size()); }
    State start() const override { return start_; }
    void row(State state, State* next_K, double* log_weight_K) const override;
    double final_log_weight(State state) const override {
        return final_log_weights_[static_cast<std::size_t>(state)];
    }
    double highest_log_weight() const override { return highest_log_weight_; }
    std::int32_t shortest(State) const override { return 0; }
    std::int32_t most_frames_to_end() const override { return 0; }
    const GuideTable* table() const override { return table_.rows == nullptr ? nullptr : &table_; }

  private:
    std::vector<double> highest_by_context() const;
    void build_table(const std::vector<double>& highest_logs);

    struct Entry {
        std::int32_t label;
        std::int32_t next;
        double log_weight;
    };

    std::int32_t classes_;
    State start_;
    double highest_log_weight_ = 0.0;
    // By context; the words of the model are replaced by classes, and the weights are applied.
    std::vector<std::int64_t> offsets_;  // into entries_; one element more than contexts
    std::vector<NgramModel::Context> shorter_;
    std::vector<double> log_backoffs_;
    std::vector<double> final_log_weights_;
    static constexpr std::int32_t kNoLabel = -1;
    std::vector<Entry> entries_;         // those of the empty context are all classes that are not ignored
    std::vector<std::int32_t> ignored_;  // classes

    // For table_.
    std::vector<std::int32_t> labels_, targets_;
    std::vector<double> weights_;
    std::vector<std::uint64_t> permitted_;
    std::vector<GuideRow> rows_;
    GuideTable table_;
};

}  // namespace ctc
