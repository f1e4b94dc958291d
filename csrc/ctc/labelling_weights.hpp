// The weights of given labellings by a guide.
#pragma once

#include <vector>

#include "ctc/guide.hpp"
#include "ctc/labelling_scores.hpp"

namespace ctc {

// Returns for each labelling the sum of the log weights of its labels and of its end; -inf where it is not
// permitted. Labels are classes of the guide and not the blank.
std::vector<double> log_weights_of(const Guide& guide, const std::vector<LabellingView>& labellings);

}  // namespace ctc
