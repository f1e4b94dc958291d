// Step 4 of a frame: the beam becomes the selected candidates.
#pragma once

#include "ctc/lane_candidates.hpp"

namespace ctc {

// A labelling that stays keeps its row, its node and its links, so only what enters and leaves costs.
template <class L>
class UpdateStep {
  public:
    // Replaces the beam by the candidates whose bit is set in `keep`, at most `beam_width`. Returns false,
    // with the beam unchanged, if that would leave fewer rows than there were.
    bool run(const unsigned char* keep, std::int32_t beam_width, LaneCandidates<L>& candidates,
             LaneBeam<L>& beam) {
        return replace<false>(keep, beam_width, candidates, beam);
    }

    // The same for a beam that may lose rows. At least one candidate must be kept.
    void run_shrinking(const unsigned char* keep, std::int32_t beam_width, LaneCandidates<L>& candidates,
                       LaneBeam<L>& beam) {
        replace<true>(keep, beam_width, candidates, beam);
    }

    // Calls arrive(i, row) with the row of each arrival, in the order of the candidates, and then move(from,
    // to) for each row that run_shrinking() has moved, arrivals included.
    template <class Arrive, class Move>
    void for_each_change(Arrive arrive, Move move) const {
        for (std::int32_t i = 0; i < arrives_; ++i) arrive(i, free_rows_.data()[i]);
        for (const RowMove& moved : moves_) move(moved.from, moved.to);
    }

    // Replaces the probabilities of all rows by those of the unchanged labellings.
    static void keep_all(LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
        beam.blank.swap(candidates.blank);
        beam.label.swap(candidates.label);
        for (std::int32_t row = 0; row < candidates.stays; row += kLanes)
            L::store(beam.total.data() + row, L::load(candidates.total.data() + row));
    }

  private:
    struct RowMove {
        std::int32_t from, to;
    };

    template <bool may_shrink>
    bool replace(const unsigned char* keep, std::int32_t beam_width, LaneCandidates<L>& candidates,
                 LaneBeam<L>& beam);
    void close_gaps(std::int32_t leaves, std::int32_t old_rows, LaneCandidates<L>& candidates,
                    LaneBeam<L>& beam);

    using Node = PrefixTree::Node;
    static constexpr std::int32_t kNone = PrefixTree::kNone;

    template <bool wanted>
    static std::int32_t list_bits(const unsigned char* bytes, std::int32_t count, std::int32_t* places);
    template <class Kept>
    static void drop_parents(Kept kept, std::int32_t rows, LaneBeam<L>& beam);
    void copy_rows(LaneBeam<L>& beam);
    template <class Kept>
    void fill_rows(Kept kept, const LaneCandidates<L>& candidates, LaneBeam<L>& beam);
    void link_children(std::int32_t end, LaneBeam<L>& beam) const;

    Column<std::int32_t> selected_;  // the extensions that arrive
    Column<std::uint32_t> hashes_;   // of the arrivals
    // Columns of the beam as they were: arrivals take the rows of their parents.
    Column<std::int32_t> old_last_;
    Column<Node> old_node_;
    Column<std::uint32_t> old_hash_;
    // The rows that arrivals go to, in their order: those of the labellings that leave, then new rows.
    Column<std::int32_t> free_rows_;
    std::int32_t arrives_ = 0;
    std::vector<RowMove> moves_;  // of a beam that shrinks
    Column<std::int32_t> moved_to_;
};

template <class L>
template <bool may_shrink>
bool UpdateStep<L>::replace(const unsigned char* keep, std::int32_t beam_width, LaneCandidates<L>& candidates,
                            LaneBeam<L>& beam) {
    free_rows_.reserve(beam.capacity());
    const std::int32_t leaves = list_bits<false>(keep, beam.rows, free_rows_.data());
    const std::int32_t stays = candidates.stays;
    const auto most = static_cast<std::size_t>(std::min(beam_width, candidates.count));
    selected_.reserve(most);
    const std::int32_t arrives =
        list_bits<true>(keep + stays / kLanes, candidates.count - stays, selected_.data());
    if (!may_shrink && arrives < leaves) return false;

    const std::int32_t old_rows = beam.rows;
    const std::int32_t rows = old_rows + arrives - leaves;
    beam.reserve(rows);
    candidates.reserve_rows(beam.capacity());
    free_rows_.reserve(beam.capacity());
    for (std::int32_t i = leaves; i < arrives; ++i) free_rows_.data()[i] = old_rows + i - leaves;
    arrives_ = arrives;
    keep_all(candidates, beam);
    copy_rows(beam);
    const auto change_rows = [&](auto kept) {
        if (leaves > 0) drop_parents(kept, old_rows, beam);
        fill_rows(kept, candidates, beam);
    };
    // 1 where a row stays, else 0. For kNone either will do.
    if (old_rows <= 64) {
        const std::uint64_t word = word_of(keep);
        change_rows([word](std::int32_t row) { return static_cast<std::int32_t>(word >> (row & 63) & 1U); });
    } else {
        change_rows([keep](std::int32_t row) { return keep[row >> 3] >> (row & 7) & 1; });
    }
    beam.rows = rows;
    // Of a beam that shrinks, the last rows are moved below. Rows that labellings left are linked in vain.
    const std::int32_t end = std::max(old_rows, rows);
    if (L::any_common(beam.parent_hash.data(), whole_lanes(end), hashes_.data(), arrives))
        link_children(end, beam);
    if constexpr (may_shrink) {
        close_gaps(leaves, old_rows, candidates, beam);
    }
    return true;
}

// Writes the places of the first `count` bits that equal `wanted`, in order. Returns their number.
template <class L>
template <bool wanted>
CTC_ALWAYS_INLINE std::int32_t UpdateStep<L>::list_bits(const unsigned char* bytes, std::int32_t count,
                                                        std::int32_t* places) {
    std::int32_t found = 0;
    for (std::int32_t first = 0; first < count; first += 64) {
        std::uint64_t word = word_of(bytes + first / 8);
        if (!wanted) word = ~word;
        if (count - first < 64) word &= (std::uint64_t{1} << (count - first)) - 1;
        for (; word != 0; word &= word - 1) places[found++] = first + lowest_bit(word);
    }
    return found;
}

// Sets the parent of each of the first `rows` rows to kNone if it leaves.
template <class L>
template <class Kept>
void UpdateStep<L>::drop_parents(Kept kept, std::int32_t rows, LaneBeam<L>& beam) {
    std::int32_t* parent = beam.parent.data();
    // Without a branch: x | (1 - 1) is x, x | (0 - 1) is kNone.
    for (std::int32_t row = 0; row < rows; ++row) parent[row] |= kept(parent[row]) - 1;
}

// Copies what arrivals take from their parents, whose rows other arrivals may overwrite. Makes room in the
// tree.
template <class L>
void UpdateStep<L>::copy_rows(LaneBeam<L>& beam) {
    const auto count = static_cast<std::size_t>(arrives_);
    beam.tree.make_room(beam.node.data(), static_cast<std::size_t>(beam.rows), count);
    hashes_.reserve(count);
    for (Column<std::int32_t>* column : {&old_last_, &old_node_}) column->reserve(beam.capacity());
    old_hash_.reserve(beam.capacity());
    const auto bytes = static_cast<std::size_t>(whole_lanes(beam.rows)) * sizeof(std::int32_t);
    std::memcpy(old_last_.data(), beam.last.data(), bytes);
    std::memcpy(old_node_.data(), beam.node.data(), bytes);
    std::memcpy(old_hash_.data(), beam.hash.data(), bytes);
}

// Writes the arrivals to their rows.
template <class L>
template <class Kept>
void UpdateStep<L>::fill_rows(Kept kept, const LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
    std::int32_t* last = beam.last.data();
    Node* node = beam.node.data();
    std::uint32_t* hash = beam.hash.data();
    const std::int32_t* old_last = old_last_.data();
    const Node* old_node = old_node_.data();
    const std::uint32_t* old_hash = old_hash_.data();
    double* total = beam.total.data();
    double* blank = beam.blank.data();
    double* label = beam.label.data();
    std::int32_t* parent = beam.parent.data();
    unsigned char* repeats = beam.repeats.data();
    std::uint32_t* parent_hash = beam.parent_hash.data();
    std::uint32_t* hashes = hashes_.data();
    const std::int32_t* free_rows = free_rows_.data();
    const std::int32_t* selected = selected_.data();
    const std::uint64_t* ids = candidates.id.data() + candidates.stays;
    const double* totals = candidates.total.data() + candidates.stays;
    auto nodes = beam.tree.append(arrives_);
    for (std::int32_t i = 0; i < arrives_; ++i) {
        const std::uint64_t id = ids[selected[i]];
        const std::int32_t from = LaneCandidates<L>::row_of(id);
        const std::int32_t symbol = LaneCandidates<L>::label_of(id);
        const std::int32_t row = free_rows[i];
        total[row] = label[row] = totals[selected[i]];
        blank[row] = 0.0;
        last[row] = symbol;
        parent[row] = from | (kept(from) - 1);  // as in drop_parents()
        repeats[row] = symbol == old_last[from] ? 1 : 0;
        node[row] = nodes.add(old_node[from], symbol);
        parent_hash[row] = old_hash[from];
        hash[row] = hashes[i] = LaneBeam<L>::hash_of(old_hash[from], symbol);
    }
}

// A labelling that returns to the beam may find its own extensions in a row before `end`: sets them as its
// children.
template <class L>
void UpdateStep<L>::link_children(std::int32_t end, LaneBeam<L>& beam) const {
    for (std::int32_t row = 0; row < end; ++row) {
        const Node node = beam.node.data()[row];
        if (beam.parent.data()[row] != kNone || node == PrefixTree::kRoot) continue;
        for (std::int32_t i = 0; i < arrives_; ++i) {
            if (hashes_.data()[i] != beam.parent_hash.data()[row]) continue;
            const std::int32_t arrival = free_rows_.data()[i];
            if (!beam.tree.are_equal(beam.tree.parent(node), beam.node.data()[arrival])) continue;
            beam.parent.data()[row] = arrival;
            beam.tree.set_parent(node, beam.node.data()[arrival]);  // later comparisons are shorter
        }
    }
}

// Moves the last rows to those that labellings left and no arrival took. beam.rows is the new number of rows.
template <class L>
void UpdateStep<L>::close_gaps(std::int32_t leaves, std::int32_t old_rows, LaneCandidates<L>& candidates,
                               LaneBeam<L>& beam) {
    moves_.clear();
    if (beam.rows >= old_rows) return;
    const std::int32_t* gaps = free_rows_.data();  // ascending
    std::int32_t first = arrives_;
    std::int32_t end = old_rows;
    for (std::int32_t last = leaves; first < last; ++first) {
        while (first < last && gaps[last - 1] == end - 1) --last, --end;
        if (first == last) break;
        moves_.push_back({--end, gaps[first]});
    }
    moved_to_.reserve(static_cast<std::size_t>(old_rows));
    std::int32_t* moved_to = moved_to_.data();
    for (std::int32_t row = 0; row < old_rows; ++row) moved_to[row] = row;
    for (const RowMove& move : moves_) {
        moved_to[move.from] = move.to;
        for (Column<double>* column : {&beam.total, &beam.blank, &beam.label})
            column->data()[move.to] = column->data()[move.from];
        for (Column<std::int32_t>* column : {&beam.last, &beam.parent, &beam.node})
            column->data()[move.to] = column->data()[move.from];
        for (Column<std::uint32_t>* column : {&beam.hash, &beam.parent_hash})
            column->data()[move.to] = column->data()[move.from];
        beam.repeats.data()[move.to] = beam.repeats.data()[move.from];
    }
    std::int32_t* parent = beam.parent.data();
    for (std::int32_t row = 0; row < beam.rows; ++row)
        if (parent[row] != kNone) parent[row] = moved_to[parent[row]];
    // The columns of the candidates too: they become the beam's after the next frame.
    for (Column<double>* column :
         {&beam.total, &beam.blank, &beam.label, &candidates.blank, &candidates.label})
        std::fill(column->data() + beam.rows, column->data() + whole_lanes(old_rows), 0.0);
}

}  // namespace ctc
