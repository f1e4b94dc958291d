// Labellings as nodes of a tree: their labels, their order and what they have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ctc {

// A node of a tree of prefixes, in which a labelling may have several nodes. The functions below need
// parent(), label() and length() of a node; the root is kRoot, the empty labelling.
using PrefixNode = std::int32_t;

// A labelling that may have no node: that of `node`, with `extra` appended unless `extra` is -1.
struct PrefixLabelling {
    PrefixNode node;
    std::int32_t extra;
};

template <class Tree>
std::vector<std::int32_t> labels_of(const Tree& tree, PrefixNode node) {
    std::vector<std::int32_t> labels(static_cast<std::size_t>(tree.length(node)));
    for (auto label_out = labels.rbegin(); label_out != labels.rend(); ++label_out, node = tree.parent(node))
        *label_out = tree.label(node);
    return labels;
}

// Returns the ancestor of `node` with that length, `node` itself if it has it.
template <class Tree>
PrefixNode ancestor_of(const Tree& tree, PrefixNode node, std::int32_t length) {
    while (tree.length(node) > length) node = tree.parent(node);
    return node;
}

// Returns a node of the longest common prefix of two labellings.
template <class Tree>
PrefixNode common_prefix_of(const Tree& tree, PrefixNode a, PrefixNode b) {
    a = ancestor_of(tree, a, tree.length(b));
    b = ancestor_of(tree, b, tree.length(a));
    PrefixNode common = a;
    // The last difference on the way to the root is the first one in reading order.
    while (a != b) {
        const bool differ = tree.label(a) != tree.label(b);
        a = tree.parent(a);
        b = tree.parent(b);
        if (differ) common = a;
    }
    return common;
}

// Returns a node of the longest common prefix of the labellings of `count` nodes, at least one.
template <class Tree>
PrefixNode common_prefix_of(const Tree& tree, const PrefixNode* nodes, std::size_t count) {
    PrefixNode common = nodes[0];
    for (std::size_t i = 1; i < count; ++i) common = common_prefix_of(tree, common, nodes[i]);
    return common;
}

// Returns whether `a` comes before `b` in lexicographic order: a prefix comes before its extensions.
template <class Tree>
bool precedes_in(const Tree& tree, PrefixLabelling a, PrefixLabelling b) {
    if (a.node == b.node) return a.extra < b.extra;  // -1 is below every label
    const auto total_length = [&](PrefixLabelling x) { return tree.length(x.node) + (x.extra < 0 ? 0 : 1); };
    // Takes the last label off and returns it.
    const auto pop = [&](PrefixLabelling& x) {
        const std::int32_t last = x.extra < 0 ? tree.label(x.node) : x.extra;
        if (x.extra < 0) x.node = tree.parent(x.node);
        x.extra = -1;
        return last;
    };
    const std::int32_t length_a = total_length(a);
    const std::int32_t length_b = total_length(b);
    bool a_first = length_a < length_b;  // decides if one is a prefix of the other
    for (std::int32_t extra = length_a - length_b; extra > 0; --extra) pop(a);
    for (std::int32_t extra = length_b - length_a; extra > 0; --extra) pop(b);
    // Up to the common ancestor: the last difference on the way is the first one in reading order.
    while (a.node != b.node || a.extra != b.extra) {
        const std::int32_t last_a = pop(a);
        const std::int32_t last_b = pop(b);
        if (last_a != last_b) a_first = last_a < last_b;
    }
    return a_first;
}

}  // namespace ctc
