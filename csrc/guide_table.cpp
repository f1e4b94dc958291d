// GuideTable: what follows from the edges of a row.
#include "ctc/guide_table.hpp"

#include <algorithm>

namespace ctc {

void GuideTable::describe_edges(GuideRow& row) const {
    constexpr double kBelow = 1.0 - 1e-6;  // more than the rounding of a float
    for (std::int64_t edge = row.first; edge < row.first + row.count; ++edge) {
        row.labels |= std::uint64_t{1} << (labels[edge] & 63);
        row.least_needed = std::min(row.least_needed, needed_after(edge));
        row.most_needed = std::max(row.most_needed, needed_after(edge));
        if (weights == nullptr) continue;
        row.highest = std::max(row.highest, weights[edge]);
        if (weights[edge] < 1.0)
            row.lowest = std::min(row.lowest, static_cast<float>(weights[edge] * kBelow));
    }
    const std::int32_t* own = labels + row.first;
    const bool alone = row.base == GuideRow::kNoBase && row.shorter == GuideRow::kNone && row.count > 0;
    if (classes > 64 && alone && own[row.count - 1] - own[0] == row.count - 1) {
        row.labels = 0;
        row.base = row.first - own[0];
        row.factor = 1.0;
    }
}

}  // namespace ctc
