// The labellings in a beam as a tree: labellings with a common prefix share its nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/prefix_order.hpp"

namespace ctc {

// A live node is active if its labelling is in the beam, and inactive if only descendants of it are.
class PrefixArena {
  public:
    using Node = PrefixNode;
    using Labelling = PrefixLabelling;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixArena() { clear(); }

    // Resets to the root alone, the empty labelling, which is active. Keeps the memory.
    void clear();

    // Activates the labelling of `parent` with `label` appended: reuses its inactive node or takes a new one.
    // `slot` is its place in the caller's beam. The labelling must not be active already.
    Node insert(Node parent, std::int32_t label, std::int32_t slot);

    // Deactivates a node. Its memory is used again some time after it and its descendants are inactive.
    void remove(Node node);

    Node parent(Node node) const { return nodes_[index(node)].parent; }
    std::int32_t label(Node node) const { return nodes_[index(node)].label; }
    std::int32_t length(Node node) const { return nodes_[index(node)].length; }
    bool has_children(Node node) const { return nodes_[index(node)].children > 0; }
    std::int32_t slot(Node node) const { return nodes_[index(node)].slot; }
    void set_slot(Node node, std::int32_t slot) { nodes_[index(node)].slot = slot; }

    std::vector<std::int32_t> labels(Node node) const { return labels_of(*this, node); }

    // The longest common prefix of the labellings of `count` nodes, at least one.
    std::vector<std::int32_t> common_prefix(const Node* nodes, std::size_t count) const {
        return labels(common_prefix_of(*this, nodes, count));
    }
    // Whether `a` comes before `b` in lexicographic order.
    bool precedes(Labelling a, Labelling b) const { return precedes_in(*this, a, b); }

    std::size_t live_nodes() const;

  private:
    // Invariants:
    // - No two live nodes spell the same labelling: insert() looks for an inactive node first, and must not
    //   be called for an active one. So two labellings in the beam are equal only if their nodes are.
    // - A node is live while it or a descendant is active. So every ancestor of a live node is live. The root
    // is
    //   always live.
    // - `children` counts a node's children, but for those that were removed when they had none. A node with
    //   live children has at least as many.
    // - first_inactive and next_inactive list a node's inactive children that are counted: the live ones
    // among
    //   them. The lists are short: most labellings that leave the beam have no descendants in it.
    // - slot is the node's place in the caller's beam, or kNone for an inactive node.
    // - Nodes that are not live are found by collect(), when there is no room: to count live descendants at
    //   each removal would take longer. A free node is linked to the next free one by next_inactive, and its
    //   slot is kNone; its other fields have no meaning.
    struct Record {
        Node parent;
        std::int32_t label;
        std::int32_t length;
        std::int32_t slot;
        std::int32_t children;
        Node first_inactive;
        Node next_inactive;
    };
    static_assert(sizeof(Record) <= 64, "a live prefix node may take 64 bytes");

    static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
    Node take_inactive(Node parent, std::int32_t label);
    void make_room(Node parent);
    std::size_t mark_live(Node parent, std::vector<bool>& live) const;
    std::size_t collect(Node parent);

    std::vector<Record> nodes_;
    std::size_t used_ = 0;  // nodes that were ever in use; those behind are free, too
    Node first_free_ = kNone;
};

inline PrefixArena::Node PrefixArena::insert(Node parent, std::int32_t label, std::int32_t slot) {
    if (nodes_[index(parent)].first_inactive != kNone) {
        const Node inactive = take_inactive(parent, label);
        if (inactive != kNone) {
            nodes_[index(inactive)].slot = slot;
            return inactive;
        }
    }
    if (first_free_ == kNone && used_ == nodes_.size()) make_room(parent);
    Node node = first_free_;
    if (node != kNone)
        first_free_ = nodes_[index(node)].next_inactive;
    else
        node = static_cast<Node>(used_++);
    Record& above = nodes_[index(parent)];
    ++above.children;
    nodes_[index(node)] = {parent, label, above.length + 1, slot, 0, kNone, kNone};
    return node;
}

inline void PrefixArena::remove(Node node) {
    Record& record = nodes_[index(node)];
    record.slot = kNone;
    if (node == kRoot) return;
    Record& above = nodes_[index(record.parent)];
    // Without a branch: both cases are frequent, in no order that a processor can predict.
    const bool leaf = record.children == 0;
    record.next_inactive = above.first_inactive;
    above.children -= leaf ? 1 : 0;
    above.first_inactive = leaf ? above.first_inactive : node;
}

}  // namespace ctc
