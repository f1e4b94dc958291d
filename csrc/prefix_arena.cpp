// The tree of prefixes: making, finding, freeing and comparing nodes.
#include "ctc/prefix_arena.hpp"

#include <algorithm>

namespace ctc {

void PrefixArena::clear() {
    nodes_.assign(1, Record{kNone, kNone, kNone, kNone, kNone, 0, kNone, 1});
    first_free_ = kNone;
    live_ = 1;
}

PrefixArena::Node PrefixArena::child(Node parent, std::int32_t label) {
    for (Node node = nodes_[index(parent)].first_child; node != kNone;
         node = nodes_[index(node)].next_sibling)
        if (nodes_[index(node)].label == label) return node;
    return make(parent, label);
}

PrefixArena::Node PrefixArena::make(Node parent, std::int32_t label) {
    Node node = first_free_;
    if (node != kNone) {
        first_free_ = nodes_[index(node)].next_sibling;
    } else {
        node = static_cast<Node>(nodes_.size());
        nodes_.push_back({});
    }
    Record& above = nodes_[index(parent)];
    nodes_[index(node)] = {parent, kNone, above.first_child, kNone, label, above.length + 1, kNone, 0};
    if (above.first_child != kNone) nodes_[index(above.first_child)].previous_sibling = node;
    above.first_child = node;
    ++above.holders;
    ++live_;
    return node;
}

void PrefixArena::unlink(Node node) {
    const Record& record = nodes_[index(node)];
    if (record.previous_sibling != kNone)
        nodes_[index(record.previous_sibling)].next_sibling = record.next_sibling;
    else
        nodes_[index(record.parent)].first_child = record.next_sibling;
    if (record.next_sibling != kNone)
        nodes_[index(record.next_sibling)].previous_sibling = record.previous_sibling;
}

void PrefixArena::release(Node node) {
    while (--nodes_[index(node)].holders == 0) {
        const Node above = nodes_[index(node)].parent;
        unlink(node);
        nodes_[index(node)].next_sibling = first_free_;
        first_free_ = node;
        --live_;
        node = above;
    }
}

std::vector<std::int32_t> PrefixArena::labels(Node node) const {
    std::vector<std::int32_t> labels(index(length(node)));
    for (auto label_out = labels.rbegin(); label_out != labels.rend(); ++label_out, node = parent(node))
        *label_out = label(node);
    return labels;
}

bool PrefixArena::before(Labelling a, Labelling b) const {
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
    bool a_first = length_a < length_b;  // holds if one is a prefix of the other
    for (std::int32_t extra = length_a - length_b; extra > 0; --extra) pop(a);
    for (std::int32_t extra = length_b - length_a; extra > 0; --extra) pop(b);
    // Upwards to the common ancestor: the difference met last is the first one in reading order.
    while (a.node != b.node || a.extra != b.extra) {
        const std::int32_t last_a = pop(a);
        const std::int32_t last_b = pop(b);
        if (last_a != last_b) a_first = last_a < last_b;
    }
    return a_first;
}

}  // namespace ctc
