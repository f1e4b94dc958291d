// align(): Viterbi alignments of given labellings, with their log-probabilities and confidences.
#include "ctc/forced_alignment.hpp"

#include "ctc/parallel.hpp"

namespace ctc {

namespace {

ForcedAlignment align_one(const LogProbs& log_probs, LabellingView labelling, std::int32_t blank) {
    ForcedAlignment alignment;
    ForwardSums sums;
    ProbFrame probs;
    std::vector<Prob> row_sums;
    sums.start(labelling);
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        alignment.status = probs.read(log_probs, frame);
        if (alignment.status != Status::ok) {
            alignment.frame = frame;
            return alignment;
        }
        row_sums.push_back(probs.sum());
        sums.advance(probs, blank, frame, log_probs.frames);
    }
    // The Viterbi algorithm needs a labelling that is possible.
    if (!sums.total().positive()) {
        alignment.log_prob = -std::numeric_limits<double>::infinity();
        return alignment;
    }
    const std::vector<std::int32_t> labels(labelling.labels, labelling.labels + labelling.count);
    alignment.runs = label_runs(log_probs, labels, blank);
    std::int32_t frame = 0;
    const auto pass = [&](std::int32_t end, std::int32_t label) {
        double share = 0.0;
        for (; frame < end; ++frame) {
            const double log_prob = possible_log(log_probs.at(frame, label));
            alignment.log_prob += log_prob;
            share += std::exp(log_prob - log_of(row_sums[static_cast<std::size_t>(frame)]));
        }
        return share;
    };
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const LabelRun& run = alignment.runs[i];
        pass(run.start, blank);
        alignment.confidence.push_back(pass(run.end, labels[i]) / (run.end - run.start));
    }
    pass(log_probs.frames, blank);
    return alignment;
}

}  // namespace

std::vector<ForcedAlignment> align(const std::vector<LogProbs>& batch,
                                   const std::vector<LabellingView>& labellings, std::int32_t blank,
                                   std::int32_t threads) {
    std::vector<ForcedAlignment> alignments(batch.size());
    share_among_threads(batch.size(), threads, [&] {
        return [&](std::size_t i) { alignments[i] = align_one(batch[i], labellings[i], blank); };
    });
    return alignments;
}

}  // namespace ctc
