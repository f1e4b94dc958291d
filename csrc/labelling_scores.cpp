// score_labellings(): the forward algorithm, for all labellings of a sequence at once.
#include "ctc/labelling_scores.hpp"

#include <algorithm>

#include "ctc/parallel.hpp"

namespace ctc {

namespace {

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

// Keeps its memory between sequences.
class Scorer {
  public:
    LabellingScores run(const LogProbs& log_probs, const std::vector<LabellingView>& labellings,
                        std::int32_t blank) {
        LabellingScores scores;
        if (sums_.size() < labellings.size()) sums_.resize(labellings.size());
        for (std::size_t i = 0; i < labellings.size(); ++i) sums_[i].start(labellings[i]);
        Prob mass = one();
        // Frame by frame, so that each value is read and exponentiated once for all labellings.
        for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
            scores.status = frame_.read(log_probs, frame);
            if (scores.status != Status::ok) {
                scores.frame = frame;
                return scores;
            }
            mass = mass * frame_.sum();
            for (std::size_t i = 0; i < labellings.size(); ++i)
                sums_[i].advance(frame_, blank, frame, log_probs.frames);
        }
        scores.log_mass = log_of(mass);
        scores.log_probs.reserve(labellings.size());
        for (std::size_t i = 0; i < labellings.size(); ++i)
            scores.log_probs.push_back(log_of(sums_[i].total()));
        return scores;
    }

  private:
    ProbFrame frame_;
    std::vector<ForwardSums> sums_;
};

}  // namespace

Status ProbFrame::read(const LogProbs& log_probs, std::int32_t frame) {
    probs_.resize(index(log_probs.classes));
    sum_ = Prob{};
    for (std::int32_t label = 0; label < log_probs.classes; ++label) {
        const double log_prob = log_probs.at(frame, label);
        if (!(log_prob <= kHighestLog)) return Status::not_a_log_prob;
        const Prob prob = prob_from_log(log_prob);
        probs_[index(label)] = prob;
        sum_ = sum_ + prob;
    }
    return sum_.positive() ? Status::ok : Status::impossible_frame;
}

void ForwardSums::start(LabellingView labelling) {
    labelling_ = labelling;
    label_.assign(index(labelling.count), Prob{});
    blank_.assign(index(labelling.count) + 1, Prob{});
    blank_[0] = one();  // before the first frame, as if behind a blank
}

// In place from the last place to the first: lower places still hold the frame before. Places that no
// alignment has reached yet are left out, and so are those from which the end is too far away.
void ForwardSums::advance(const ProbFrame& probs, std::int32_t blank, std::int32_t frame,
                          std::int32_t frames) {
    const std::int32_t count = labelling_.count;
    const Prob prob_blank = probs.at(blank);
    const std::int32_t first = std::max(0, count - (frames - frame));
    for (std::int32_t i = std::min(count, frame + 1); i >= first; --i) {
        const Prob before = i > 0 ? label_[index(i - 1)] : Prob{};
        if (i < count) {
            const std::int32_t label = labelling_.labels[i];
            Prob into = label_[index(i)] + blank_[index(i)];
            // A repeated label needs a blank between.
            if (i > 0 && labelling_.labels[i - 1] != label) into = into + before;
            label_[index(i)] = into * probs.at(label);
        }
        blank_[index(i)] = (blank_[index(i)] + before) * prob_blank;
    }
}

Prob ForwardSums::total() const {
    return label_.empty() ? blank_.back() : label_.back() + blank_.back();
}

std::vector<LabellingScores> score_labellings(const std::vector<LogProbs>& batch,
                                              const std::vector<std::vector<LabellingView>>& labellings,
                                              std::int32_t blank, std::int32_t threads) {
    std::vector<LabellingScores> scores(batch.size());
    share_among_threads(batch.size(), threads, [&] {
        return [&, scorer = Scorer()](std::size_t i) mutable {
            scores[i] = scorer.run(batch[i], labellings[i], blank);
        };
    });
    return scores;
}

}  // namespace ctc
