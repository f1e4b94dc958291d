// The best labelling of those that were offered.
#pragma once

#include <cstdint>
#include <vector>

namespace ctc {

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
