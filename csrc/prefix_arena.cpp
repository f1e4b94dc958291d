// PrefixArena: reset and memory. The functions that the search calls most are inline.
#include "ctc/prefix_arena.hpp"

namespace ctc {

void PrefixArena::clear() {
    if (nodes_.empty()) nodes_.resize(64);
    nodes_[0] = {kNone, kNone, 0, 0, 0, kNone, kNone};
    used_ = 1;
    first_free_ = kNone;
}

// Removes the inactive child of `parent` with that label from the list and returns it, or kNone.
PrefixArena::Node PrefixArena::take_inactive(Node parent, std::int32_t label) {
    Node* link = &nodes_[index(parent)].first_inactive;
    while (*link != kNone && nodes_[index(*link)].label != label) link = &nodes_[index(*link)].next_inactive;
    const Node found = *link;
    if (found != kNone) *link = nodes_[index(found)].next_inactive;
    return found;
}

// Makes room for more nodes, of which `parent` will have one as a child.
void PrefixArena::make_room(Node parent) {
    constexpr std::size_t kFewNodes = 1024;  // below, more memory is better than a search for free nodes
    const std::size_t live = used_ < kFewNodes ? used_ : collect(parent);
    if (live > used_ / 2) nodes_.resize(2 * nodes_.size());
}

// Sets `live` for each live node and for `parent` and its ancestors. Returns their number.
std::size_t PrefixArena::mark_live(Node parent, std::vector<bool>& live) const {
    std::size_t count = 1;
    live.assign(used_, false);
    live[index(kRoot)] = true;
    const auto mark = [&](Node node) {
        for (; !live[index(node)]; node = this->parent(node)) {
            live[index(node)] = true;
            ++count;
        }
    };
    mark(parent);
    for (std::size_t i = 0; i < used_; ++i)
        if (nodes_[i].slot != kNone) mark(static_cast<Node>(i));
    return count;
}

// Frees all nodes that are not live and counts the children of the others again. Returns the number of those.
std::size_t PrefixArena::collect(Node parent) {
    std::vector<bool> live;
    const std::size_t count = mark_live(parent, live);
    first_free_ = kNone;
    for (Record& record : nodes_) record.children = 0, record.first_inactive = kNone;
    for (std::size_t i = used_ - 1; i > 0; --i) {
        Record& record = nodes_[i];
        if (!live[i]) {
            record.next_inactive = first_free_;
            first_free_ = static_cast<Node>(i);
            continue;
        }
        Record& above = nodes_[index(record.parent)];
        ++above.children;
        if (record.slot != kNone) continue;
        record.next_inactive = above.first_inactive;
        above.first_inactive = static_cast<Node>(i);
    }
    return count;
}

std::size_t PrefixArena::live_nodes() const {
    std::vector<bool> live;
    return mark_live(kRoot, live);
}

}  // namespace ctc
