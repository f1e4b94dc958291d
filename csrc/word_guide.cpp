// WordGuide: the tree of spellings, and the weights of letters and of the ends of words.
#include "ctc/word_guide.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace ctc {

namespace {

std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

WordGuide::WordGuide(NgramModel model, const std::vector<bool>& ignored, std::int32_t space,
                     const Spellings& spellings, bool unknown_words, const SpecialWords& special,
                     const FusionWeights& fusion)
    : model_(std::move(model)),
      classes_(static_cast<std::int32_t>(ignored.size())),
      ignored_(ignored_classes(ignored)),
      space_(space),
      unknown_words_(unknown_words),
      special_(special),
      fusion_(fusion) {
    grow(spellings);
    look_ahead();
    find_frames_to_end();
    places_ = static_cast<State>(label_.size());
    start_ = special.first_context(model_) * places_;
    for (NgramModel::Context context = 0; context < model_.contexts(); ++context)
        final_log_weights_.push_back(fusion.weight * special.log_prob_of_end(model_, context));
}

// Builds the tree breadth first, so that the children of a place are in a row.
void WordGuide::grow(const Spellings& spellings) {
    const auto fail = [] {
        throw std::invalid_argument("the spellings are not sorted, or have no such label");
    };
    const std::size_t count = spellings.words.size();
    if (space_ < kNoLabel || space_ >= classes_ || spellings.offsets.size() != count + 1 ||
        spellings.offsets.front() != 0 ||
        spellings.offsets.back() != static_cast<std::int64_t>(spellings.labels.size()))
        fail();
    for (std::size_t i = 0; i < count; ++i)
        if (spellings.offsets[i] >= spellings.offsets[i + 1] || spellings.words[i] < 0 ||
            spellings.words[i] >= model_.words())
            fail();
    if (spellings.labels.size() + 2 >= index(std::numeric_limits<std::int32_t>::max())) fail();

    // The spellings that begin with the labels of a place are [first, last); `depth` is their number.
    struct Range {
        std::size_t first, last;
        std::int64_t depth;
    };
    std::vector<Range> ranges{{0, count, 0}};
    label_.assign(1, kNoLabel);
    word_.assign(1, NgramModel::kNoWord);
    for (std::size_t place = 0; place < ranges.size(); ++place) {
        first_child_.push_back(static_cast<std::int32_t>(ranges.size()));
        Range range = ranges[place];
        const auto length = [&](std::size_t i) { return spellings.offsets[i + 1] - spellings.offsets[i]; };
        if (range.first < range.last && length(range.first) == range.depth) {
            word_[place] = spellings.words[range.first];
            ++range.first;
        }
        std::int32_t before = kNoLabel;
        for (std::size_t i = range.first; i < range.last; ++i) {
            if (length(i) <= range.depth) fail();  // a repeated spelling
            const std::int32_t label = spellings.labels[index(spellings.offsets[i] + range.depth)];
            if (label < before || label >= classes_ || label == space_) fail();
            if (label != before) {
                ranges.push_back({i, i, range.depth + 1});
                label_.push_back(label);
                word_.push_back(NgramModel::kNoWord);
                before = label;
            }
            ranges.back().last = i + 1;
        }
    }
    unknown_ = ranges.size();
    label_.push_back(kNoLabel);
    word_.push_back(NgramModel::kNoWord);
    first_child_.insert(first_child_.end(), 2, static_cast<std::int32_t>(unknown_));
}

// Computes what each place gets in advance. No label but the first of a word adds anything then, and the end
// of a word at most kMostSettled.
void WordGuide::look_ahead() {
    const std::vector<double> highest = model_.highest_log_probs();
    const auto highest_of = [&](std::int32_t word) {
        return highest[word == NgramModel::kNoWord ? highest.size() - 1 : index(word)];
    };
    const auto in_advance = [&](std::int32_t word, bool known) {
        return std::max(log_weight(model_.next(NgramModel::kEmpty, word).log_prob, known),
                        log_weight(highest_of(word), known) - kMostSettled);
    };
    ahead_.assign(label_.size(), -std::numeric_limits<double>::infinity());
    ahead_[unknown_] = in_advance(special_.unknown, false);
    // Children have higher numbers than their parent.
    for (std::size_t place = unknown_; place-- > 0;) {
        if (word_[place] != NgramModel::kNoWord) ahead_[place] = in_advance(word_[place], true);
        if (unknown_words_) ahead_[place] = std::max(ahead_[place], ahead_[unknown_]);
        for (std::int32_t child = first_child_[place]; child < first_child_[place + 1]; ++child)
            ahead_[place] = std::max(ahead_[place], ahead_[index(child)]);
    }
    const double first_label = ahead_[kRoot];
    ahead_[kRoot] = 0.0;

    double end_of_word = log_weight(highest_of(special_.unknown), false) - ahead_[unknown_];
    for (std::size_t place = 1; place < unknown_; ++place)
        if (word_[place] != NgramModel::kNoWord)
            end_of_word = std::max(end_of_word, log_weight(highest_of(word_[place]), true) - ahead_[place]);
    const double end_of_text =
        special_.end == NgramModel::kNoWord ? 0.0 : fusion_.weight * highest_of(special_.end);
    highest_log_weight_ = std::max(first_label, std::max(end_of_word, 0.0) + std::max(end_of_text, 0.0));
}

// Computes how many labels lead to the end of a word.
void WordGuide::find_frames_to_end() {
    frames_to_end_.assign(label_.size(), kNever);
    frames_after_label_.assign(label_.size(), kNever);
    for (std::size_t place = unknown_; place-- > 0;) {
        if (word_[place] != NgramModel::kNoWord) frames_to_end_[place] = frames_after_label_[place] = 0;
        for (std::int32_t child = first_child_[place]; child < first_child_[place + 1]; ++child) {
            const std::int32_t frames = frames_after_label_[index(child)] + 1;
            const std::int32_t blank = label_[index(child)] == label_[place] ? 1 : 0;
            frames_to_end_[place] = std::min(frames_to_end_[place], frames);
            frames_after_label_[place] = std::min(frames_after_label_[place], frames + blank);
        }
    }
    frames_to_end_[kRoot] = frames_after_label_[kRoot] = 0;
}

WordGuide::WordEnd WordGuide::end_word(NgramModel::Context context, std::size_t place) const {
    if (place == kRoot) return {context, 0.0};
    const std::int32_t word = word_[place];
    const bool known = word != NgramModel::kNoWord;
    if (!known && !unknown_words_) return {context, -std::numeric_limits<double>::infinity()};
    const NgramModel::Entry entry = model_.next(context, known ? word : special_.unknown);
    return {entry.next, log_weight(entry.log_prob, known) - ahead_[place]};
}

void WordGuide::row(State state, State* next_K, double* log_weight_K) const {
    const auto context = static_cast<NgramModel::Context>(state / places_);
    const std::size_t place = index(state % places_);
    const State first = context * places_;
    const State other = unknown_words_ ? first + static_cast<State>(unknown_) : kDead;
    const double other_weight = unknown_words_ ? bounded(ahead_[unknown_] - ahead_[place]) : 0.0;
    std::fill_n(next_K, classes_, other);
    std::fill_n(log_weight_K, classes_, other_weight);
    for (std::int32_t child = first_child_[place]; child < first_child_[place + 1]; ++child) {
        const std::int32_t label = label_[index(child)];
        next_K[label] = first + child;
        log_weight_K[label] = bounded(ahead_[index(child)] - ahead_[place]);
    }
    for (const std::int32_t label : ignored_) {
        next_K[label] = kDead;
        log_weight_K[label] = 0.0;
    }
    if (space_ == kNoLabel) return;
    const WordEnd end = end_word(context, place);
    const bool possible = end.log_weight > -std::numeric_limits<double>::infinity();
    next_K[space_] = possible ? end.next * places_ : kDead;
    log_weight_K[space_] = possible ? bounded(end.log_weight) : 0.0;
}

double WordGuide::final_log_weight(State state) const {
    const WordEnd end = end_word(static_cast<NgramModel::Context>(state / places_), index(state % places_));
    if (!(end.log_weight > -std::numeric_limits<double>::infinity())) return end.log_weight;
    return bounded(end.log_weight + final_log_weights_[index(end.next)]);
}

std::int32_t WordGuide::most_frames_to_end() const {
    std::int32_t most = 0;
    if (unknown_words_) return most;
    for (const std::int32_t frames : frames_after_label_)
        if (frames != kNever) most = std::max(most, frames);
    return most;
}

}  // namespace ctc
