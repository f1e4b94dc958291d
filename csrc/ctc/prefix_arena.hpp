// The labellings that a beam search holds, as a tree of nodes that share their prefixes.
#pragma once

#include <cstdint>
#include <vector>

namespace ctc {

class PrefixArena {
  public:
    using Node = std::int32_t;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixArena() { clear(); }

    // Back to the empty labelling alone; keeps the memory.
    void clear();

    // The node for `parent` with `label` appended: the one that exists, or a new one, which dies at the first
    // release() below it unless it is retained.
    Node child(Node parent, std::int32_t label);

    void retain(Node node) { ++nodes_[index(node)].holders; }

    // Gives up one hold; frees the node, and each ancestor that lived only for it, once nothing holds it.
    void release(Node node);

    Node parent(Node node) const { return nodes_[index(node)].parent; }
    std::int32_t label(Node node) const { return nodes_[index(node)].label; }
    std::int32_t length(Node node) const { return nodes_[index(node)].length; }
    std::int32_t slot(Node node) const { return nodes_[index(node)].slot; }
    void set_slot(Node node, std::int32_t slot) { nodes_[index(node)].slot = slot; }

    template <class F>
    void for_each_child(Node node, F f) const {
        for (Node child = nodes_[index(node)].first_child; child != kNone;
             child = nodes_[index(child)].next_sibling)
            f(child);
    }

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
    // - Two live nodes never spell the same labelling: child() looks before it makes one. So equal nodes and
    //   equal labellings are the same thing, and a merge needs no search.
    // - A node lives while `holders` > 0: one for each child and one for each retain(). So every ancestor of
    // a
    //   live node is alive. The root holds itself.
    // - first_child, next_sibling and previous_sibling list exactly the live children, latest first.
    // - slot is the node's place in the caller's beam, or kNone for a node outside it.
    // - A free node is linked to the next free one by next_sibling; its other fields mean nothing.
    struct Record {
        Node parent;
        Node first_child;
        Node next_sibling;
        Node previous_sibling;
        std::int32_t label;
        std::int32_t length;
        std::int32_t slot;
        std::int32_t holders;
    };
    static_assert(sizeof(Record) <= 64, "a live prefix node may take 64 bytes");

    static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
    Node make(Node parent, std::int32_t label);
    void unlink(Node node);

    std::vector<Record> nodes_;
    Node first_free_ = kNone;
    std::size_t live_ = 0;
};

inline PrefixArena::Node PrefixArena::child(Node parent, std::int32_t label) {
    for (Node node = nodes_[index(parent)].first_child; node != kNone;
         node = nodes_[index(node)].next_sibling)
        if (nodes_[index(node)].label == label) return node;
    return make(parent, label);
}

inline PrefixArena::Node PrefixArena::make(Node parent, std::int32_t label) {
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

inline void PrefixArena::unlink(Node node) {
    const Record& record = nodes_[index(node)];
    if (record.previous_sibling != kNone)
        nodes_[index(record.previous_sibling)].next_sibling = record.next_sibling;
    else
        nodes_[index(record.parent)].first_child = record.next_sibling;
    if (record.next_sibling != kNone)
        nodes_[index(record.next_sibling)].previous_sibling = record.previous_sibling;
}

inline void PrefixArena::release(Node node) {
    while (--nodes_[index(node)].holders == 0) {
        const Node above = nodes_[index(node)].parent;
        unlink(node);
        nodes_[index(node)].next_sibling = first_free_;
        first_free_ = node;
        --live_;
        node = above;
    }
}

}  // namespace ctc
