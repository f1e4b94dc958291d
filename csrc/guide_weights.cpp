// The weights of a guide's table, with the exponential function of the searches.
#include "ctc/guide_weights.hpp"

#include "ctc/lane_includes.hpp"
#include "ctc/lane_math.hpp"

namespace ctc {

std::vector<double> weights_of(const std::vector<double>& log_weights) {
    std::vector<double> weights(log_weights);
    for (std::size_t i = 0; i < weights.size(); i += kLanes) {
        double some[kLanes] = {};
        const std::size_t count = std::min<std::size_t>(kLanes, weights.size() - i);
        std::copy_n(weights.data() + i, count, some);
        LaneMath<PortableLanes>::exp_all(some, some, kLanes, 0);
        std::copy_n(some, count, weights.data() + i);
    }
    return weights;
}

}  // namespace ctc
