// GuideTable: the rows of a guide in the form that a search reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ctc/bits.hpp"

namespace ctc {

// The row of a state, in one line of a processor's cache. It has edges of its own, [first, first + count) of
// the table, ascending in their labels. For every label that it lists none for it may have those of other
// rows too, with weights times `factor`: the edges of a language model are of this kind. Those of a context
// are few, and for all other labels the model backs off to a shorter context.
struct alignas(64) GuideRow {
    static constexpr std::int32_t kNone = -1;
    static constexpr std::int64_t kNoBase = std::numeric_limits<std::int64_t>::min();

    // Bit k % 64 is set if the state has an edge of its own with label k that is not found by `base`.
    std::uint64_t labels;
    std::int64_t first;
    // The edges for other labels: that with label k is base + k, which may begin below 0, or without a base
    // that of the row `shorter`. There are no others if there is neither.
    std::int64_t base;
    double factor;
    double highest;  // no edge has a higher weight
    float lowest;    // nor a lower one; at most 1; 0 where a weight may be lost
    std::int32_t count;
    std::int32_t shorter;
    std::int32_t shortest;                   // Guide::shortest() of the state
    std::int32_t least_needed, most_needed;  // of the frames that a labelling needs after an edge

    // Whether an edge may have another weight than that in the table: one below the range of lane_exp().
    bool loses_weights() const { return lowest == 0.0F; }
};

// Arrays by edge, and the rows. It owns nothing.
struct GuideTable {
    const GuideRow* rows = nullptr;
    const std::int32_t* labels = nullptr;
    const std::int32_t* targets = nullptr;  // rows
    const std::int32_t* needed = nullptr;   // the frames that a labelling needs after the edge; null: none
    const double* weights = nullptr;        // null: all are 1
    bool weighs_ends = true;                // whether a permitted end may have another weight than 1
    // A bit for each class that every row permits, in words of 64 bits, if all rows permit the same. Else
    // null, and rows have edges of their own only.
    const std::uint64_t* permitted = nullptr;
    std::int32_t classes = 0;
    std::int32_t fewest = std::numeric_limits<std::int32_t>::max();  // edges of a row, if it has any
    std::int32_t most_needed = 0;  // no row has a higher `shortest` or `most_needed`

    // An edge, and what its weight has to be multiplied by.
    struct Found {
        std::int64_t edge;
        double factor;
    };

    double weight(Found found) const { return weights == nullptr ? 1.0 : found.factor * weights[found.edge]; }
    std::int32_t needed_after(std::int64_t edge) const { return needed == nullptr ? 0 : needed[edge]; }

    // Sets the fields of a row that follow from its own edges. Of those that bound edges it must have the
    // bounds of the others.
    void describe_edges(GuideRow& row) const;
};

}  // namespace ctc
