// ProductGuide: several guides at once.
#pragma once

#include <memory>
#include <vector>

#include "ctc/guide.hpp"

namespace ctc {

// Permits what all of its parts permit, with the sums of their log weights.
//
// Its states are the tuples of states of its parts, numbered in mixed radix. None of them is stored, so the
// memory does not grow with their number.
class ProductGuide final : public Guide {
  public:
    // Throws std::invalid_argument if there is no part, if the numbers of classes differ, or if there are
    // more than 2^62 tuples.
    explicit ProductGuide(std::vector<std::shared_ptr<const Guide>> parts);

    std::int32_t classes() const override { return parts_.front()->classes(); }
    State states() const override { return states_; }
    State start() const override { return start_; }
    void row(State state, State* next_K, double* log_weight_K) const override;
    double final_log_weight(State state) const override;
    double highest_log_weight() const override { return highest_log_weight_; }
    // The most that a part needs: a continuation has to satisfy all.
    std::int32_t shortest(State state) const override;
    std::int32_t shortest_after(std::int32_t label, State state) const override;
    std::int32_t most_frames_to_end() const override;

  private:
    std::vector<std::shared_ptr<const Guide>> parts_;
    State states_ = 1;
    State start_ = 0;
    double highest_log_weight_ = 0.0;
};

}  // namespace ctc
