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
    float lowest;    // nor a lower one; at most 1
    std::int32_t count;
    std::int32_t shorter;
    std::int32_t shortest;                   // Guide::shortest() of the state
    std::int32_t least_needed, most_needed;  // of the frames that a labelling needs after an edge
};

// Arrays by edge, and the rows. It owns nothing.
struct GuideTable {
    const GuideRow* rows = nullptr;
    const std::int32_t* labels = nullptr;
    const std::int32_t* targets = nullptr;  // rows
    const std::int32_t* needed = nullptr;   // the frames that a labelling needs after the edge; null: none
    const double* weights = nullptr;        // null: all are 1
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

    // Returns the edge of a row with a label that it permits. L is a type of lanes, for its popcount64().
    template <class L>
    Found find(const GuideRow& row, std::int32_t label) const {
        double factor = 1.0;
        for (const GuideRow* at = &row;; at = rows + at->shorter) {
            if ((at->labels >> (label & 63) & 1) != 0) {
                const std::int64_t edge = own_edge<L>(*at, label);
                if (edge >= 0) return {edge, factor};
            }
            factor *= at->factor;
            if (at->base != GuideRow::kNoBase) return {at->base + label, factor};
        }
    }

    double weight(Found found) const { return weights == nullptr ? 1.0 : found.factor * weights[found.edge]; }
    std::int32_t needed_after(std::int64_t edge) const { return needed == nullptr ? 0 : needed[edge]; }

    // Sets the fields of a row that follow from its own edges. Of those that bound edges it must have the
    // bounds of the others.
    void describe_edges(GuideRow& row) const;

  private:
    // The edge of a row that has the bit of the label, or -1.
    template <class L>
    std::int64_t own_edge(const GuideRow& row, std::int32_t label) const {
        // Without a branch that depends on the edges.
        if (classes <= 64) return row.first + L::popcount64(row.labels & ((std::uint64_t{1} << label) - 1));
        const std::int32_t* begin = labels + row.first;
        const std::int32_t* end = begin + row.count;
        const std::int32_t* found = std::lower_bound(begin, end, label);
        return found != end && *found == label ? found - labels : -1;
    }
};

}  // namespace ctc
