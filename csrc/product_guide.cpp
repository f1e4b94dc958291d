// ProductGuide: states as tuples in mixed radix, the first part's digit the lowest.
#include "ctc/product_guide.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace ctc {

ProductGuide::ProductGuide(std::vector<std::shared_ptr<const Guide>> parts) : parts_(std::move(parts)) {
    if (parts_.empty()) throw std::invalid_argument("a product needs at least one guide");
    constexpr State kMostStates = State{1} << 62;
    for (const auto& part : parts_) {
        if (part->classes() != classes())
            throw std::invalid_argument("guides of one product must be for the same number of classes");
        if (part->states() > kMostStates / states_)
            throw std::invalid_argument("the guides have more than 2**62 states together");
        highest_log_weight_ += part->highest_log_weight();
        start_ += part->start() * states_;
        states_ *= part->states();
    }
}

void ProductGuide::row(State state, State* next_K, double* log_weight_K) const {
    const auto count = static_cast<std::size_t>(classes());
    std::fill_n(next_K, count, 0);
    std::fill_n(log_weight_K, count, 0.0);
    std::vector<State> part_next(count);
    std::vector<double> part_log_weight(count);
    State radix = 1;
    for (const auto& part : parts_) {
        part->row(state % part->states(), part_next.data(), part_log_weight.data());
        for (std::size_t k = 0; k < count; ++k) {
            if (next_K[k] == kDead) continue;
            next_K[k] = part_next[k] == kDead ? kDead : next_K[k] + part_next[k] * radix;
            log_weight_K[k] = next_K[k] == kDead ? 0.0 : bounded(log_weight_K[k] + part_log_weight[k]);
        }
        state /= part->states();
        radix *= part->states();
    }
}

double ProductGuide::final_log_weight(State state) const {
    double sum = 0.0;
    for (const auto& part : parts_) {
        sum += part->final_log_weight(state % part->states());
        state /= part->states();
    }
    if (sum == -std::numeric_limits<double>::infinity()) return sum;
    return bounded(sum);
}

std::int32_t ProductGuide::shortest(State state) const {
    std::int32_t most = 0;
    for (const auto& part : parts_) {
        most = std::max(most, part->shortest(state % part->states()));
        state /= part->states();
    }
    return most;
}

std::int32_t ProductGuide::shortest_after(std::int32_t label, State state) const {
    std::int32_t most = 0;
    for (const auto& part : parts_) {
        most = std::max(most, part->shortest_after(label, state % part->states()));
        state /= part->states();
    }
    return most;
}

std::int32_t ProductGuide::most_frames_to_end() const {
    std::int32_t most = 0;
    for (const auto& part : parts_) most = std::max(most, part->most_frames_to_end());
    return most;
}

}  // namespace ctc
