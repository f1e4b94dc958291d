// CharacterGuide: rows from the entries of a context and of the shorter ones behind it.
#include "ctc/character_guide.hpp"

#include <algorithm>
#include <stdexcept>

#include "ctc/guide_weights.hpp"

namespace ctc {

std::vector<std::int32_t> ignored_classes(const std::vector<bool>& ignored) {
    std::vector<std::int32_t> found;
    for (std::size_t label = 0; label < ignored.size(); ++label)
        if (ignored[label]) found.push_back(static_cast<std::int32_t>(label));
    return found;
}

CharacterGuide::CharacterGuide(const NgramModel& model, const std::vector<std::int32_t>& word_of_class,
                               const std::vector<bool>& ignored, const SpecialWords& special,
                               const FusionWeights& fusion)
    : classes_(static_cast<std::int32_t>(word_of_class.size())),
      start_(special.first_context(model)),
      ignored_(ignored_classes(ignored)) {
    if (ignored.size() != word_of_class.size())
        throw std::invalid_argument("word_of_class and ignored must have one element for each class");
    // By word: its class.
    std::vector<std::int32_t> class_of(static_cast<std::size_t>(model.words()), kNoLabel);
    std::vector<std::int32_t> unknown;  // classes
    for (std::int32_t label = 0; label < classes_; ++label) {
        const std::int32_t word = word_of_class[static_cast<std::size_t>(label)];
        if (ignored[static_cast<std::size_t>(label)]) continue;
        if (word == NgramModel::kNoWord) {
            unknown.push_back(label);
            continue;
        }
        if (word < 0 || word >= model.words()) throw std::invalid_argument("a class has no such word");
        if (class_of[static_cast<std::size_t>(word)] != kNoLabel)
            throw std::invalid_argument("two classes have the same word");
        class_of[static_cast<std::size_t>(word)] = label;
    }
    const auto add_unknown = [&](double log_prob, NgramModel::Context next) {
        for (const std::int32_t label : unknown)
            entries_.push_back(
                {label, next, fusion.weight * log_prob + fusion.bonus - fusion.unknown_penalty});
    };
    for (NgramModel::Context context = 0; context < model.contexts(); ++context) {
        offsets_.push_back(static_cast<std::int64_t>(entries_.size()));
        shorter_.push_back(model.shorter(context));
        log_backoffs_.push_back(fusion.weight * model.log_backoff(context));
        final_log_weights_.push_back(bounded(fusion.weight * special.log_prob_of_end(model, context)));
        if (context == NgramModel::kEmpty && special.unknown == NgramModel::kNoWord)
            add_unknown(NgramModel::kLowestLogProb, NgramModel::kEmpty);
        for (const NgramModel::Entry& entry : model.entries(context)) {
            if (entry.word == special.unknown) add_unknown(entry.log_prob, entry.next);
            const std::int32_t label = class_of[static_cast<std::size_t>(entry.word)];
            if (label == kNoLabel) continue;
            entries_.push_back({label, entry.next, fusion.weight * entry.log_prob + fusion.bonus});
        }
    }
    offsets_.push_back(static_cast<std::int64_t>(entries_.size()));
    const std::vector<double> highest_logs = highest_by_context();
    const std::vector<double>& ends = final_log_weights_;
    highest_log_weight_ = std::max(*std::max_element(highest_logs.begin(), highest_logs.end()),
                                   *std::max_element(ends.begin(), ends.end()));
    if (highest_log_weight_ <= kHighestInDoubles) build_table(highest_logs);
}

// Returns a bound of the log weights of each row, of which those of the table are products too.
std::vector<double> CharacterGuide::highest_by_context() const {
    std::vector<double> highest_logs;
    highest_logs.reserve(shorter_.size());
    for (std::size_t context = 0; context < shorter_.size(); ++context) {
        double highest =
            context == 0 ? kLowestLogWeight
                         : log_backoffs_[context] + highest_logs[static_cast<std::size_t>(shorter_[context])];
        for (std::int64_t i = offsets_[context]; i < offsets_[context + 1]; ++i)
            highest = std::max(highest, entries_[static_cast<std::size_t>(i)].log_weight);
        highest_logs.push_back(highest);
    }
    return highest_logs;
}

// Most contexts list few characters: their rows have these alone, and refer to the shorter context for all
// others. Of a model of a few thousand contexts such rows stay in the cache of a processor, where a weight
// for each class would not.
void CharacterGuide::build_table(const std::vector<double>& highest_logs) {
    constexpr std::int64_t kDenseShare = 4;
    std::vector<State> next(static_cast<std::size_t>(classes_));
    std::vector<double> logs(next.size());
    std::vector<double> log_weights;
    std::vector<Entry> listed;
    for (std::size_t context = 0; context < shorter_.size(); ++context) {
        listed.assign(entries_.begin() + offsets_[context], entries_.begin() + offsets_[context + 1]);
        std::sort(listed.begin(), listed.end(),
                  [](const Entry& a, const Entry& b) { return a.label < b.label; });
        GuideRow row = {};
        row.first = static_cast<std::int64_t>(labels_.size());
        row.base = GuideRow::kNoBase;
        row.shorter = GuideRow::kNone;
        if (context == 0 || kDenseShare * static_cast<std::int64_t>(listed.size()) >= classes_) {
            this->row(static_cast<State>(context), next.data(), logs.data());
            row.base = row.first;
            row.factor = 1.0;
            for (std::int32_t label = 0; label < classes_; ++label) {
                const bool dead = next[static_cast<std::size_t>(label)] == kDead;
                labels_.push_back(label);
                targets_.push_back(dead ? 0
                                        : static_cast<std::int32_t>(next[static_cast<std::size_t>(label)]));
                // No labelling has an ignored class; its weight must not be the lowest of the row.
                log_weights.push_back(dead ? highest_logs[context] : logs[static_cast<std::size_t>(label)]);
            }
        } else {
            row.count = static_cast<std::int32_t>(listed.size());
            row.shorter = shorter_[context];
            for (const Entry& entry : listed) {
                labels_.push_back(entry.label);
                targets_.push_back(entry.next);
                log_weights.push_back(bounded(entry.log_weight));
            }
        }
        rows_.push_back(row);
    }
    weights_ = weights_of(log_weights);
    const std::vector<double> factors = weights_of(log_backoffs_);
    permitted_.assign(static_cast<std::size_t>(classes_ + 63) / 64, ~std::uint64_t{0});
    for (const std::int32_t label : ignored_)
        permitted_[static_cast<std::size_t>(label / 64)] &= ~(std::uint64_t{1} << (label % 64));
    table_.classes = classes_;
    table_.labels = labels_.data();
    table_.targets = targets_.data();
    table_.weights = weights_.data();
    table_.permitted = permitted_.data();
    for (std::size_t context = 0; context < rows_.size(); ++context) {
        GuideRow& row = rows_[context];
        row.lowest = 1.0F;
        if (row.base == GuideRow::kNoBase) {
            // The shorter context comes before.
            const GuideRow& shorter = rows_[static_cast<std::size_t>(row.shorter)];
            if (shorter.shorter == GuideRow::kNone) row.base = shorter.base;
            row.factor = factors[context];
            row.highest = row.factor * shorter.highest;
            row.lowest = std::min(row.lowest, static_cast<float>(row.factor) * shorter.lowest);
            table_.describe_edges(row);
        } else {
            GuideRow all = row;
            all.count = classes_;
            table_.describe_edges(all);
            row.highest = all.highest;
            row.lowest = all.lowest;
        }
    }
    table_.rows = rows_.data();
}

void CharacterGuide::row(State state, State* next_K, double* log_weight_K) const {
    // The contexts from this one to the empty one, and what backing off to each of them costs.
    std::size_t contexts[NgramModel::kHighestOrder];
    double costs[NgramModel::kHighestOrder];
    int count = 0;
    double cost = 0.0;
    for (auto context = static_cast<std::size_t>(state);;
         context = static_cast<std::size_t>(shorter_[context])) {
        contexts[count] = context;
        costs[count++] = cost;
        if (context == 0) break;
        cost += log_backoffs_[context];
    }
    for (const std::int32_t label : ignored_) {
        next_K[label] = kDead;
        log_weight_K[label] = 0.0;
    }
    // The empty context lists every other class, and longer contexts overwrite what shorter ones have
    // written.
    while (count-- > 0) {
        const std::size_t context = contexts[count];
        for (std::int64_t i = offsets_[context]; i < offsets_[context + 1]; ++i) {
            const Entry& entry = entries_[static_cast<std::size_t>(i)];
            next_K[entry.label] = entry.next;
            log_weight_K[entry.label] = bounded(costs[count] + entry.log_weight);
        }
    }
}

}  // namespace ctc
