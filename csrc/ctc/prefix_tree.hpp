// The labellings of a beam as a tree that only grows, until its memory is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctc/prefix_order.hpp"

namespace ctc {

// A labelling that returns to the beam has a new node, so several nodes can spell the same. PrefixArena has
// one node for each labelling, which takes longer.
class PrefixTree {
  public:
    using Node = PrefixNode;
    using Labelling = PrefixLabelling;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixTree() { clear(); }

    // Resets to the root alone, the empty labelling. Keeps the memory.
    void clear();

    // Makes room for `more` nodes and kOverrun behind them. If there is none, frees what is neither among the
    // `count` nodes in use nor an ancestor of one, and replaces these by their new numbers.
    void make_room(Node* nodes, std::size_t count, std::size_t more) {
        if (used_ + more + kOverrun > parent_.size()) collect(nodes, count, more + kOverrun);
    }

    // New nodes first, first + 1, ...: where the parent, the last label and the length of each are written.
    struct Added {
        Node first;
        Node* parent;
        std::int32_t* label;
        std::int32_t* length;
    };

    // Adds `count` nodes, for which there must be room. All must be written before the next call; what lies
    // up to kOverrun behind them may be overwritten.
    Added append(std::int32_t count) {
        const std::size_t first = used_;
        used_ += static_cast<std::size_t>(count);
        return {static_cast<Node>(first), parent_.data() + first, label_.data() + first,
                length_.data() + first};
    }

    // Replaces the parent of a node by another one that spells the same.
    void set_parent(Node node, Node parent) { parent_[index(node)] = parent; }

    Node parent(Node node) const { return parent_[index(node)]; }
    std::int32_t label(Node node) const { return label_[index(node)]; }
    std::int32_t length(Node node) const { return length_[index(node)]; }
    std::size_t capacity() const { return parent_.size(); }

    // Whether two nodes spell the same labelling.
    bool are_equal(Node a, Node b) const;

    std::vector<std::int32_t> labels(Node node) const { return labels_of(*this, node); }
    std::vector<std::int32_t> common_prefix(const Node* nodes, std::size_t count) const {
        return labels(common_prefix_of(*this, nodes, count));
    }
    bool precedes(Labelling a, Labelling b) const { return precedes_in(*this, a, b); }

  private:
    static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
    void collect(Node* nodes, std::size_t count, std::size_t more);
    void resize(std::size_t size);

    static constexpr std::size_t kOverrun = 16;  // a whole register, of which no place may be meant

    // By node.
    std::vector<Node> parent_;
    std::vector<std::int32_t> label_, length_;
    std::size_t used_ = 0;
};

}  // namespace ctc
