// BestOffer: the rule for ties.
#include "ctc/best_offer.hpp"

#include <algorithm>
#include <cmath>

#include "ctc/prefix_beam_search.hpp"

namespace ctc {

void BestOffer::clear() {
    labels_.clear();
    highest_ = 0.0;
}

bool BestOffer::reaches(double prob) const {
    return prob > highest_ || highest_ - prob < kTie * highest_;
}

void BestOffer::offer(const std::vector<std::int32_t>& labels, double prob) {
    if (!reaches(prob)) return;
    const bool tie = std::fabs(prob - highest_) < kTie * std::max(prob, highest_);
    if (!tie || labels < labels_) labels_ = labels;
    highest_ = std::max(highest_, prob);
}

}  // namespace ctc
