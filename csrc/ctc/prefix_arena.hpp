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

}  // namespace ctc
