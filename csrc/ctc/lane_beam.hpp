// The state that LaneSearch carries from one frame to the next: the labellings in the beam.
#pragma once

#include "ctc/lane_includes.hpp"

namespace ctc {

// One row for each labelling, in no particular order. A row stays where it is while its labelling is kept.
//
// Invariants between frames, for row in [0, rows):
// - The probability of a labelling is total * 2^exponent. `largest` is the largest total.
// - total = blank + label > 0: `blank` sums the alignments that end in blank, `label` those that end in the
//   last label. From `rows` to the end of that register, and at -1, total and blank are 0.
// - last is the last label, or the number of classes for the empty labelling.
// - node spells the labelling in `tree`, and hash is a function of the labelling. parent_hash is the hash of
//   the labelling without its last label; that of the empty labelling has no meaning.
// - parent is the row of the labelling without its last label, or kNone if that is not in the beam.
// - length is the number of labels.
// - repeats is 1 if the last two labels are equal, else 0.
template <class L>
struct LaneBeam {
    using Node = PrefixTree::Node;
    static constexpr std::int32_t kNone = PrefixTree::kNone;

    std::int32_t rows = 0;
    Column<double> total, blank, label;
    Column<std::int32_t> last, parent, length;
    Column<unsigned char> repeats;
    Column<Node> node;
    Column<std::uint32_t> hash, parent_hash;
    PrefixTree tree;

    double largest = 1.0;
    std::int64_t exponent = 0;

    // Resets to the empty labelling with probability 1, which is the total 2^scale. Keeps the memory.
    void start(std::int32_t classes, std::int64_t scale = 0) {
        reserve(std::max(kLanes, L::kFewRows));
        for (Column<double>* column : {&total, &blank, &label}) column->fill_zero();
        tree.clear();
        rows = 1;
        largest = total.data()[0] = blank.data()[0] = double_of((1023 + scale) << 52);
        exponent = -scale;
        last.data()[0] = classes;
        parent.data()[0] = kNone;
        length.data()[0] = 0;
        repeats.data()[0] = 0;
        node.data()[0] = PrefixTree::kRoot;
        hash.data()[0] = parent_hash.data()[0] = 0;
    }

    // The hash of a labelling with `label` appended.
    static std::uint32_t hash_of(std::uint32_t before, std::int32_t label) {
        const std::uint32_t product = (before + static_cast<std::uint32_t>(label) + 1U) * 0x9e3779b1U;
        return product ^ product >> 15;
    }

    // The number of rows for which there is memory, a multiple of kLanes.
    std::size_t capacity() const { return total.capacity(); }

    void reserve(std::int32_t count) {
        const auto padded = static_cast<std::size_t>(whole_lanes(count));
        if (padded <= capacity()) return;
        for (Column<double>* column : {&total, &blank, &label}) column->reserve(padded);
        for (Column<std::int32_t>* column : {&last, &parent, &length, &node}) column->reserve(capacity());
        for (Column<std::uint32_t>* column : {&hash, &parent_hash}) column->reserve(capacity());
        repeats.reserve(capacity());
    }
};

}  // namespace ctc
