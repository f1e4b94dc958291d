// The weights of a guide's table.
#pragma once

#include <vector>

namespace ctc {

// Returns e^x for each x, as the searches compute it; 0 where it is below the range of a double.
std::vector<double> weights_of(const std::vector<double>& log_weights);

}  // namespace ctc
