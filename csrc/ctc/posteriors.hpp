// The rows of a sequence as distributions that sum to one, and the best of several labellings.
#pragma once

#include <cstdint>
#include <vector>

#include "ctc/labelling_scores.hpp"

namespace ctc {

// Keeps its memory between sequences.
class Posteriors {
  public:
    // `peaks` has the highest log-probability of each frame; every value has been checked.
    void run(const LogProbs& log_probs, const std::vector<double>& peaks);

    // The logarithm of each frame's row sum.
    const std::vector<double>& log_sums() const { return log_sums_; }
    // The logarithm of the product of the row sums.
    double log_mass() const { return log_mass_; }
    // For each class, the sum over the frames of its probability: no labelling with it is more probable.
    const std::vector<double>& class_masses() const { return class_masses_; }

    // Bounds of the relative rounding error: of the comparison of two labellings, and of what compares with
    // the sum of all probabilities. Each frame takes a few dozen roundings, the sum of its row one a class.
    double margin() const { return margin_; }
    double mass_margin() const { return mass_margin_; }

  private:
    std::vector<double> log_sums_;
    std::vector<double> class_masses_;
    std::vector<double> row_;
    double log_mass_ = 0.0;
    double margin_ = 0.0;
    double mass_margin_ = 0.0;
};

// The best labelling of those that were offered.
class BestOffer {
  public:
    void clear();

    // Whether a labelling of this probability would be taken, unless a tie is lexicographically smaller.
    bool reaches(double prob) const;
    void offer(const std::vector<std::int32_t>& labels, double prob);

    const std::vector<std::int32_t>& labels() const { return labels_; }
    double highest() const { return highest_; }  // the largest probability; labels() may tie with it

  private:
    std::vector<std::int32_t> labels_;
    double highest_ = 0.0;
};

}  // namespace ctc
