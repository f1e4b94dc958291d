// The labellings in a beam as a tree: labellings with a common prefix share its nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ctc {

// A live node is active if its labelling is in the beam, and inactive if only descendants of it are.
class PrefixArena {
  public:
    using Node = std::int32_t;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixArena() { clear(); }

    // Resets to the root alone, the empty labelling, which is active. Keeps the memory.
    void clear();

    // Activates the labelling of `parent` with `label` appended: reuses its inactive node or takes a new one.
    // `slot` is its place in the caller's beam. The labelling must not be active already.
    Node insert(Node parent, std::int32_t label, std::int32_t slot);

    // Deactivates a node. Without descendants it is freed, and so is each inactive ancestor whose last
    // descendant it was.
    void remove(Node node);

    Node parent(Node node) const { return nodes_[index(node)].parent; }
    std::int32_t label(Node node) const { return nodes_[index(node)].label; }
    std::int32_t length(Node node) const { return nodes_[index(node)].length; }
    bool has_children(Node node) const { return nodes_[index(node)].children > 0; }
    std::int32_t slot(Node node) const { return nodes_[index(node)].slot; }
    void set_slot(Node node, std::int32_t slot) { nodes_[index(node)].slot = slot; }

    std::vector<std::int32_t> labels(Node node) const;

    // The longest common prefix of the labellings of `count` nodes, at least one.
    std::vector<std::int32_t> common_prefix(const Node* nodes, std::size_t count) const;

    // A labelling that may have no node yet: that of `node`, with `extra` appended unless `extra` is kNone.
    struct Labelling {
        Node node;
        std::int32_t extra;
    };
    // Whether `a` comes before `b` in lexicographic order: a prefix comes before its extensions.
    bool precedes(Labelling a, Labelling b) const;

    std::size_t live_nodes() const { return live_; }

  private:
    // Invariants:
    // - No two live nodes spell the same labelling: insert() looks for an inactive node first, and must not
    //   be called for an active one. So two labellings in the beam are equal only if their nodes are.
    // - A node is live while it is active or has live children, which `children` counts. So every ancestor of
    //   a live node is live. The root is always live.
    // - first_inactive, next_inactive and previous_inactive list a node's inactive children, latest first.
    //   The lists are short: most labellings that leave the beam have no descendants in it.
    // - slot is the node's place in the caller's beam, or kNone for an inactive node.
    // - A free node is linked to the next free one by next_inactive; its other fields have no meaning.
    struct Record {
        Node parent;
        std::int32_t label;
        std::int32_t length;
        std::int32_t slot;
        std::int32_t children;
        Node first_inactive;
        Node next_inactive;
        Node previous_inactive;
    };
    static_assert(sizeof(Record) <= 64, "a live prefix node may take 64 bytes");

    static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
    void unlink(Node inactive);
    void grow();

    std::vector<Record> nodes_;
    std::size_t used_ = 0;  // nodes that were ever in use; those behind are free, too
    Node first_free_ = kNone;
    std::size_t live_ = 0;
};

inline PrefixArena::Node PrefixArena::insert(Node parent, std::int32_t label, std::int32_t slot) {
    for (Node inactive = nodes_[index(parent)].first_inactive; inactive != kNone;
         inactive = nodes_[index(inactive)].next_inactive) {
        if (nodes_[index(inactive)].label != label) continue;
        unlink(inactive);
        nodes_[index(inactive)].slot = slot;
        return inactive;
    }
    Node node = first_free_;
    if (node != kNone) {
        first_free_ = nodes_[index(node)].next_inactive;
    } else {
        if (used_ == nodes_.size()) grow();
        node = static_cast<Node>(used_++);
    }
    Record& above = nodes_[index(parent)];
    ++above.children;
    nodes_[index(node)] = {parent, label, above.length + 1, slot, 0, kNone, kNone, kNone};
    ++live_;
    return node;
}

inline void PrefixArena::remove(Node node) {
    Record* record = &nodes_[index(node)];
    record->slot = kNone;
    if (record->children > 0) {
        if (node == kRoot) return;
        Record& above = nodes_[index(record->parent)];
        record->next_inactive = above.first_inactive;
        record->previous_inactive = kNone;
        if (above.first_inactive != kNone) nodes_[index(above.first_inactive)].previous_inactive = node;
        above.first_inactive = node;
        return;
    }
    for (;;) {
        const Node above = record->parent;
        record->next_inactive = first_free_;
        first_free_ = node;
        --live_;
        record = &nodes_[index(above)];
        if (--record->children > 0 || record->slot != kNone || above == kRoot) return;
        unlink(above);
        node = above;
    }
}

inline void PrefixArena::unlink(Node inactive) {
    const Record& record = nodes_[index(inactive)];
    if (record.previous_inactive != kNone)
        nodes_[index(record.previous_inactive)].next_inactive = record.next_inactive;
    else
        nodes_[index(record.parent)].first_inactive = record.next_inactive;
    if (record.next_inactive != kNone)
        nodes_[index(record.next_inactive)].previous_inactive = record.previous_inactive;
}

}  // namespace ctc
