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
    struct Record {
        PrefixNode parent;
        std::int32_t label;
        std::int32_t length;
    };

  public:
    using Node = PrefixNode;
    using Labelling = PrefixLabelling;
    static constexpr Node kNone = -1;
    static constexpr Node kRoot = 0;

    PrefixTree() { clear(); }

    // Resets to the root alone, the empty labelling. Keeps the memory.
    void clear();

    // Makes room for `more` nodes. If there is none, frees what is neither among the `count` nodes in use nor
    // an ancestor of one, and replaces these by their new numbers.
    void make_room(Node* nodes, std::size_t count, std::size_t more) {
        if (used_ + more > nodes_.size()) collect(nodes, count, more);
    }

    // Adds nodes one after another.
    class Appender {
      public:
        // Returns a new node: the labelling of `parent` with `label` appended.
        Node add(Node parent, std::int32_t label) {
            nodes_[next_] = {parent, label, nodes_[parent].length + 1};
            return next_++;
        }

      private:
        friend class PrefixTree;
        Appender(Record* nodes, Node next) : nodes_(nodes), next_(next) {}
        Record* nodes_;
        Node next_;
    };

    // Returns what adds `count` nodes. There must be room for them, and all must be added before the next
    // call.
    Appender append(std::int32_t count) {
        const auto first = static_cast<Node>(used_);
        used_ += static_cast<std::size_t>(count);
        return {nodes_.data(), first};
    }

    // Replaces the parent of a node by another one that spells the same.
    void set_parent(Node node, Node parent) { nodes_[index(node)].parent = parent; }

    Node parent(Node node) const { return nodes_[index(node)].parent; }
    std::int32_t label(Node node) const { return nodes_[index(node)].label; }
    std::int32_t length(Node node) const { return nodes_[index(node)].length; }
    std::size_t capacity() const { return nodes_.size(); }

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

    std::vector<Record> nodes_;
    std::size_t used_ = 0;
};

}  // namespace ctc
