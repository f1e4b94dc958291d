// The labellings that a beam search holds, as a tree of nodes that share their prefixes.
#pragma once

#include <cstdint>
#include <vector>

namespace ctc {

// A node is in the beam, or it is a ghost: out of the beam, but with descendants in it.
class PrefixArena {
  public:
    using Node = std::int32_t;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixArena() { clear(); }

    // Back to the empty labelling alone, in the beam; keeps the memory.
    void clear();

    // Takes `parent`'s labelling with `label` appended into the beam, to the caller's place `slot`: a ghost,
    // or a new node. It must not be there already.
    Node enter(Node parent, std::int32_t label, std::int32_t slot);

    // Takes a node out of the beam. It becomes a ghost; without descendants it is freed, and with it each
    // ghost above that lived for it alone.
    void leave(Node node);

    Node parent(Node node) const { return nodes_[index(node)].parent; }
    std::int32_t label(Node node) const { return nodes_[index(node)].label; }
    std::int32_t length(Node node) const { return nodes_[index(node)].length; }
    bool has_children(Node node) const { return nodes_[index(node)].children > 0; }
    std::int32_t slot(Node node) const { return nodes_[index(node)].slot; }
    void set_slot(Node node, std::int32_t slot) { nodes_[index(node)].slot = slot; }

    std::vector<std::int32_t> labels(Node node) const;

    // A labelling that may have no node yet: `node`'s, with `extra` appended unless that is kNone.
    struct Labelling {
        Node node;
        std::int32_t extra;
    };
    // Lexicographic order, a prefix before its extensions.
    bool before(Labelling a, Labelling b) const;

    std::size_t live_nodes() const { return live_; }

  private:
    // Invariants:
    // - Two live nodes never spell the same labelling: enter() looks among the ghosts, and what is in the
    //   beam may not enter. So equal nodes and equal labellings are the same thing.
    // - A node lives while it is in the beam or has children; `children` counts those alive, so every
    //   ancestor of a live node is alive. The root lives always.
    // - first_ghost, next_ghost and previous_ghost list the children that are ghosts, latest first. Few are:
    //   most of what leaves the beam has no descendants.
    // - slot is the node's place in the caller's beam, kNone for a ghost.
    // - A free node is linked to the next free one by next_ghost; its other fields mean nothing.
    struct Record {
        Node parent;
        std::int32_t label;
        std::int32_t length;
        std::int32_t slot;
        std::int32_t children;
        Node first_ghost;
        Node next_ghost;
        Node previous_ghost;
    };
    static_assert(sizeof(Record) <= 64, "a live prefix node may take 64 bytes");

    static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
    void unlink(Node ghost);
    void grow();

    std::vector<Record> nodes_;
    std::size_t used_ = 0;  // nodes that were ever taken; those behind them are free, too
    Node first_free_ = kNone;
    std::size_t live_ = 0;
};

inline PrefixArena::Node PrefixArena::enter(Node parent, std::int32_t label, std::int32_t slot) {
    for (Node ghost = nodes_[index(parent)].first_ghost; ghost != kNone;
         ghost = nodes_[index(ghost)].next_ghost) {
        if (nodes_[index(ghost)].label != label) continue;
        unlink(ghost);
        nodes_[index(ghost)].slot = slot;
        return ghost;
    }
    Node node = first_free_;
    if (node != kNone) {
        first_free_ = nodes_[index(node)].next_ghost;
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

inline void PrefixArena::leave(Node node) {
    Record* record = &nodes_[index(node)];
    record->slot = kNone;
    if (record->children > 0) {
        if (node == kRoot) return;
        Record& above = nodes_[index(record->parent)];
        record->next_ghost = above.first_ghost;
        record->previous_ghost = kNone;
        if (above.first_ghost != kNone) nodes_[index(above.first_ghost)].previous_ghost = node;
        above.first_ghost = node;
        return;
    }
    for (;;) {
        const Node above = record->parent;
        record->next_ghost = first_free_;
        first_free_ = node;
        --live_;
        record = &nodes_[index(above)];
        if (--record->children > 0 || record->slot != kNone || above == kRoot) return;
        unlink(above);
        node = above;
    }
}

inline void PrefixArena::unlink(Node ghost) {
    const Record& record = nodes_[index(ghost)];
    if (record.previous_ghost != kNone)
        nodes_[index(record.previous_ghost)].next_ghost = record.next_ghost;
    else
        nodes_[index(record.parent)].first_ghost = record.next_ghost;
    if (record.next_ghost != kNone) nodes_[index(record.next_ghost)].previous_ghost = record.previous_ghost;
}

}  // namespace ctc
