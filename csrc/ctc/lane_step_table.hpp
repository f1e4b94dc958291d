// How the best alignments reached the states of an alignment in successive frames.
#pragma once

#include "ctc/lane_includes.hpp"

namespace ctc {

// The steps of successive frames. A row holds the groups of eight places that were computed in its frame.
template <class L>
class StepTable {
  public:
    // Removes all rows. The next one is for frame `first_frame`. Keeps the memory.
    void start(std::int32_t first_frame) {
        first_frame_ = first_frame;
        rows_.clear();
        used_ = 0;
    }

    std::int32_t first_frame() const { return first_frame_; }

    // Returns the steps of the next frame's groups, to be filled in.
    AlignmentSteps* add_row(std::int32_t first_group, std::int32_t last_group) {
        const auto size = static_cast<std::size_t>(std::max(0, last_group - first_group + 1));
        if (used_ + size > steps_.capacity()) steps_.reserve(used_ + size);
        rows_.push_back({used_, first_group, last_group});
        used_ += size;
        return steps_.data() + rows_.back().begin;
    }

    // Returns the state from which the best alignment reached `state` at `frame`. A state that was not
    // computed keeps its place.
    AlignmentState previous(std::int32_t frame, AlignmentState state) const {
        const Row& row = rows_[static_cast<std::size_t>(frame - first_frame_)];
        const std::int32_t group = state.place / kLanes;
        if (group < row.first_group || group > row.last_group) return state;
        const AlignmentSteps& steps =
            steps_.data()[row.begin + static_cast<std::size_t>(group - row.first_group)];
        const unsigned bit = 1U << (state.place % kLanes);
        if (((state.in_label ? steps.from_label : steps.to_blank) & bit) != 0) return {state.place - 1, true};
        return {state.place, state.in_label && (steps.from_blank & bit) == 0};
    }

  private:
    struct Row {
        std::size_t begin;
        std::int32_t first_group, last_group;
    };

    std::int32_t first_frame_ = 0;
    std::size_t used_ = 0;
    std::vector<Row> rows_;
    Column<AlignmentSteps> steps_;
};

}  // namespace ctc
