// The edit distance of labellings: the least number of insertions, deletions and substitutions of one label.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "ctc/labelling_scores.hpp"

namespace ctc {

// Keeps its memory between calls.
class EditDistance {
  public:
    // Time is proportional to the lengths without the common beginning and end, which two hypotheses mostly
    // have, up to 64 labels; above, to their product.
    std::int32_t operator()(LabellingView a, LabellingView b) {
        while (a.count > 0 && b.count > 0 && a.labels[a.count - 1] == b.labels[b.count - 1])
            --a.count, --b.count;
        while (a.count > 0 && b.count > 0 && *a.labels == *b.labels)
            ++a.labels, ++b.labels, --a.count, --b.count;
        if (a.count > b.count) std::swap(a, b);
        if (a.count == 0) return b.count;
        const std::int32_t largest = *std::max_element(a.labels, a.labels + a.count);
        return a.count <= kWord && largest < kMostMasks ? by_columns(a, b, largest) : by_cells(a, b);
    }

  private:
    static constexpr std::int32_t kWord = 64;
    static constexpr std::int32_t kMostMasks = 1 << 16;

    // The table of Wagner and Fischer (1974), a column in few operations (Myers 1999; Hyyro 2003): bit i of
    // `more` and `fewer` says that the distance of row i + 1 is one more, one less than that of row i.
    std::int32_t by_columns(LabellingView a, LabellingView b, std::int32_t largest) {
        const auto index = [](std::int32_t value) { return static_cast<std::size_t>(value); };
        if (masks_.size() <= index(largest)) masks_.resize(index(largest) + 1);
        for (std::int32_t i = 0; i < a.count; ++i) masks_[index(a.labels[i])] |= std::uint64_t{1} << i;
        std::uint64_t more = ~std::uint64_t{0};
        std::uint64_t fewer = 0;
        std::int32_t distance = a.count;
        for (std::int32_t j = 0; j < b.count; ++j) {
            const std::uint64_t equal = b.labels[j] <= largest ? masks_[index(b.labels[j])] : 0;
            const std::uint64_t diagonal = (((equal & more) + more) ^ more) | equal;
            std::uint64_t right_more = fewer | ~(diagonal | more);
            std::uint64_t right_fewer = more & diagonal;
            distance += static_cast<std::int32_t>(right_more >> (a.count - 1) & 1);
            distance -= static_cast<std::int32_t>(right_fewer >> (a.count - 1) & 1);
            right_more = right_more << 1 | 1;
            right_fewer <<= 1;
            const std::uint64_t vertical = equal | fewer;
            more = right_fewer | ~(vertical | right_more);
            fewer = right_more & vertical;
        }
        for (std::int32_t i = 0; i < a.count; ++i) masks_[index(a.labels[i])] = 0;
        return distance;
    }

    // The same table cell by cell; one row of it is stored.
    std::int32_t by_cells(LabellingView a, LabellingView b) {
        row_.resize(static_cast<std::size_t>(b.count) + 1);
        std::iota(row_.begin(), row_.end(), 0);
        for (std::int32_t i = 0; i < a.count; ++i) {
            std::int32_t diagonal = row_[0]++;
            for (std::int32_t j = 0; j < b.count; ++j) {
                std::int32_t& below = row_[static_cast<std::size_t>(j) + 1];
                const std::int32_t substituted = diagonal + (a.labels[i] == b.labels[j] ? 0 : 1);
                diagonal = below;
                below = std::min({substituted, below + 1, row_[static_cast<std::size_t>(j)] + 1});
            }
        }
        return row_.back();
    }

    std::vector<std::uint64_t> masks_;  // for each label, where the shorter labelling has it; else 0
    std::vector<std::int32_t> row_;
};

}  // namespace ctc
