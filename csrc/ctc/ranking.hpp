// Ranking of labellings by total, ties in lexicographic order; prefix_beam_search.hpp states the rule.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/prefix_beam_search.hpp"
#include "ctc/prefix_tree.hpp"
#include "ctc/prob.hpp"

namespace ctc {

// A bound below `p`: a total below it does not tie with any total of at least `p`.
inline Prob below_ties(Prob p) {
    return p * Prob{2.0 * (1.0 - 4.0 * kTie), -1};
}

// Sorts [first, end) by total and orders each group of ties with `before`. Only the first `width` elements
// are in their final order afterwards.
template <class Iterator, class Higher, class Tied, class Before>
void rank(Iterator first, Iterator end, std::size_t width, Higher higher, Tied tied, Before before) {
    std::sort(first, end, higher);
    const auto kept_end =
        first + static_cast<std::ptrdiff_t>(std::min(width, static_cast<std::size_t>(end - first)));
    for (auto group = first; group < kept_end;) {
        auto group_end = group + 1;
        while (group_end != end && tied(*group, *group_end)) ++group_end;
        if (group_end - group > 1) std::partial_sort(group, std::min(group_end, kept_end), group_end, before);
        group = group_end;
    }
}

struct RankedLabelling {
    double total;
    PrefixLabelling labelling;
    std::uint32_t candidate;
};

struct Higher {
    bool operator()(const RankedLabelling& a, const RankedLabelling& b) const { return a.total > b.total; }
};

inline void rank(const PrefixTree& tree, std::vector<RankedLabelling>& all, std::size_t width) {
    rank(
        all.begin(), all.end(), width, Higher{},
        [](const RankedLabelling& leader, const RankedLabelling& other) {
            return leader.total - other.total < kTie * leader.total;
        },
        [&](const RankedLabelling& a, const RankedLabelling& b) {
            return tree.precedes(a.labelling, b.labelling);
        });
}

}  // namespace ctc
