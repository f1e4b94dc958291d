// The edit distance of labellings: the least number of insertions, deletions and substitutions of one label.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "ctc/labelling_scores.hpp"

namespace ctc {

// Keeps its memory between calls.
class EditDistance {
  public:
    // By the table of Wagner and Fischer (1974), of which one row is stored. Time is proportional to the
    // product of the lengths without the common beginning and end, which two hypotheses mostly have.
    std::int32_t operator()(LabellingView a, LabellingView b) {
        while (a.count > 0 && b.count > 0 && a.labels[a.count - 1] == b.labels[b.count - 1])
            --a.count, --b.count;
        while (a.count > 0 && b.count > 0 && *a.labels == *b.labels)
            ++a.labels, ++b.labels, --a.count, --b.count;
        if (a.count == 0 || b.count == 0) return std::max(a.count, b.count);
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

  private:
    std::vector<std::int32_t> row_;
};

}  // namespace ctc
