// PrefixTree: reset, comparison and memory. The functions that the search calls most are inline.
#include "ctc/prefix_tree.hpp"

namespace ctc {

void PrefixTree::clear() {
    if (parent_.empty()) resize(256);
    parent_[0] = label_[0] = kNone;
    length_[0] = 0;
    used_ = 1;
}

void PrefixTree::resize(std::size_t size) {
    for (std::vector<std::int32_t>* column : {&parent_, &label_, &length_}) column->resize(size);
}

bool PrefixTree::are_equal(Node a, Node b) const {
    if (length(a) != length(b)) return false;
    for (; a != b; a = parent(a), b = parent(b))
        if (label(a) != label(b)) return false;
    return true;
}

// Doubles the memory where more than half of it is in use, so that the next search for free nodes is far off.
void PrefixTree::collect(Node* nodes, std::size_t count, std::size_t more) {
    constexpr std::size_t kFewNodes = 1024;  // below, more memory is better than a search for free nodes
    if (capacity() >= kFewNodes) {
        std::vector<Node> new_number(used_, kNone);
        new_number[index(kRoot)] = kRoot;
        for (std::size_t i = 0; i < count; ++i)
            for (Node node = nodes[i]; new_number[index(node)] == kNone; node = parent(node))
                new_number[index(node)] = kRoot;  // until it is known
        std::size_t live = 1;
        for (std::size_t i = 1; i < used_; ++i)
            if (new_number[i] != kNone) new_number[i] = static_cast<Node>(live++);
        for (std::size_t i = 1; i < used_; ++i) {
            if (new_number[i] == kNone) continue;
            const std::size_t to = index(new_number[i]);
            parent_[to] = new_number[index(parent_[i])];
            label_[to] = label_[i];
            length_[to] = length_[i];
        }
        for (std::size_t i = 0; i < count; ++i) nodes[i] = new_number[index(nodes[i])];
        used_ = live;
    }
    std::size_t size = capacity();
    while (used_ + more > size / 2) size *= 2;
    resize(size);
}

}  // namespace ctc
