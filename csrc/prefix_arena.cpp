// PrefixArena: reset, labels and order. The functions that the search calls most are inline.
#include "ctc/prefix_arena.hpp"

#include <algorithm>

namespace ctc {

void PrefixArena::clear() {
    if (nodes_.empty()) nodes_.resize(64);
    nodes_[0] = {kNone, kNone, 0, 0, 0, kNone, kNone};
    used_ = 1;
    first_free_ = kNone;
}

// Removes the inactive child of `parent` with that label from the list and returns it, or kNone.
PrefixArena::Node PrefixArena::take_inactive(Node parent, std::int32_t label) {
    Node* link = &nodes_[index(parent)].first_inactive;
    while (*link != kNone && nodes_[index(*link)].label != label) link = &nodes_[index(*link)].next_inactive;
    const Node found = *link;
    if (found != kNone) *link = nodes_[index(found)].next_inactive;
    return found;
}

// Makes room for more nodes, of which `parent` will have one as a child.
void PrefixArena::make_room(Node parent) {
    constexpr std::size_t kFewNodes = 1024;  // below, more memory is better than a search for free nodes
    const std::size_t live = used_ < kFewNodes ? used_ : collect(parent);
    if (live > used_ / 2) nodes_.resize(2 * nodes_.size());
}

// Sets `live` for each live node and for `parent` and its ancestors. Returns their number.
std::size_t PrefixArena::mark_live(Node parent, std::vector<bool>& live) const {
    std::size_t count = 1;
    live.assign(used_, false);
    live[index(kRoot)] = true;
    const auto mark = [&](Node node) {
        for (; !live[index(node)]; node = this->parent(node)) {
            live[index(node)] = true;
            ++count;
        }
    };
    mark(parent);
    for (std::size_t i = 0; i < used_; ++i)
        if (nodes_[i].slot != kNone) mark(static_cast<Node>(i));
    return count;
}

// Frees all nodes that are not live and counts the children of the others again. Returns the number of those.
std::size_t PrefixArena::collect(Node parent) {
    std::vector<bool> live;
    const std::size_t count = mark_live(parent, live);
    first_free_ = kNone;
    for (Record& record : nodes_) record.children = 0, record.first_inactive = kNone;
    for (std::size_t i = used_ - 1; i > 0; --i) {
        Record& record = nodes_[i];
        if (!live[i]) {
            record.next_inactive = first_free_;
            first_free_ = static_cast<Node>(i);
            continue;
        }
        Record& above = nodes_[index(record.parent)];
        ++above.children;
        if (record.slot != kNone) continue;
        record.next_inactive = above.first_inactive;
        above.first_inactive = static_cast<Node>(i);
    }
    return count;
}

std::size_t PrefixArena::live_nodes() const {
    std::vector<bool> live;
    return mark_live(kRoot, live);
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
