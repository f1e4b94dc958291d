// PrefixArena: reset, labels and order. The functions that the search calls most are inline.
#include "ctc/prefix_arena.hpp"

#include <algorithm>

namespace ctc {

void PrefixArena::clear() {
    if (nodes_.empty()) grow();
    nodes_[0] = {kNone, kNone, 0, 0, 0, kNone, kNone, kNone};
    used_ = 1;
    first_free_ = kNone;
    live_ = 1;
}

void PrefixArena::grow() {
    nodes_.resize(std::max<std::size_t>(64, 2 * nodes_.size()));
}

std::vector<std::int32_t> PrefixArena::labels(Node node) const {
    std::vector<std::int32_t> labels(index(length(node)));
    for (auto label_out = labels.rbegin(); label_out != labels.rend(); ++label_out, node = parent(node))
        *label_out = label(node);
    return labels;
}

std::vector<std::int32_t> PrefixArena::common_prefix(const Node* nodes, std::size_t count) const {
    Node common = nodes[0];
    for (std::size_t i = 1; i < count; ++i) {
        Node other = nodes[i];
        while (other != common) {
            if (length(other) <= length(common)) common = parent(common);
            if (length(other) > length(common)) other = parent(other);
        }
    }
    return labels(common);
}

bool PrefixArena::precedes(Labelling a, Labelling b) const {
    if (a.node == b.node) return a.extra < b.extra;  // kNone is below every label
    const auto total_length = [this](Labelling x) { return length(x.node) + (x.extra == kNone ? 0 : 1); };
    // Takes the last label off and returns it.
    const auto pop = [this](Labelling& x) {
        const std::int32_t last = x.extra == kNone ? label(x.node) : x.extra;
        if (x.extra == kNone) x.node = parent(x.node);
        x.extra = kNone;
        return last;
    };
    const std::int32_t length_a = total_length(a);
    const std::int32_t length_b = total_length(b);
    bool a_first = length_a < length_b;  // decides if one is a prefix of the other
    for (std::int32_t extra = length_a - length_b; extra > 0; --extra) pop(a);
    for (std::int32_t extra = length_b - length_a; extra > 0; --extra) pop(b);
    // Walk up to the common ancestor: the last difference on the way is the first one in reading order.
    while (a.node != b.node || a.extra != b.extra) {
        const std::int32_t last_a = pop(a);
        const std::int32_t last_b = pop(b);
        if (last_a != last_b) a_first = last_a < last_b;
    }
    return a_first;
}

}  // namespace ctc
