// Step 4 of a frame: the beam becomes the selected candidates.
#pragma once

#include "ctc/lane_few_rows.hpp"
#include "ctc/lane_many_rows.hpp"

namespace ctc {

// A labelling that stays keeps its row, its node and its links, so only what enters and leaves costs.
template <class L>
class UpdateStep {
  public:
    // Finds the extensions among the candidates whose bit is set in `keep`, of which there are at most
    // `beam_width`. Belongs to the step, which run() or run_shrinking() must follow.
    const Arrivals<L>& find_arrivals(const unsigned char* keep, std::int32_t beam_width,
                                     const LaneCandidates<L>& candidates);

    // Replaces the beam by the candidates whose bit is set in `keep`. Returns false, with the beam unchanged,
    // if that would leave fewer rows than there were.
    bool run(const unsigned char* keep, LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
        return replace<false>(keep, candidates, beam);
    }

    // The same for a beam that may lose rows. At least one candidate must be kept.
    void run_shrinking(const unsigned char* keep, LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
        replace<true>(keep, candidates, beam);
    }

    // Calls arrive(i, row) with the row of each arrival, in the order of the candidates, and then move(from,
    // to) for each row that run_shrinking() has moved, arrivals included.
    template <class Arrive, class Move>
    void for_each_change(Arrive arrive, Move move) const {
        for (std::int32_t i = 0; i < arrivals_.count; ++i) arrive(i, free_rows_.data()[i]);
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
    struct HashedArrival {
        std::uint32_t hash;
        std::int32_t arrival;
        bool operator<(const HashedArrival& other) const { return hash < other.hash; }
    };

    template <bool may_shrink>
    bool replace(const unsigned char* keep, LaneCandidates<L>& candidates, LaneBeam<L>& beam);
    void close_gaps(std::int32_t leaves, std::int32_t old_rows, LaneCandidates<L>& candidates,
                    LaneBeam<L>& beam);

    using Node = PrefixTree::Node;
    static constexpr std::int32_t kNone = PrefixTree::kNone;

    static std::int32_t list_gaps(const unsigned char* keep, std::int32_t rows, std::int32_t* places);
    void link_children(std::int32_t end, LaneBeam<L>& beam);
    void sort_hashes();

    Arrivals<L> arrivals_;
    ManyRows<L> many_;
    // The rows that arrivals go to, in their order: those of the labellings that leave, then new rows.
    Column<std::int32_t> free_rows_;
    std::vector<HashedArrival> sorted_;  // of a large beam
    std::vector<RowMove> moves_;         // of a beam that shrinks
    Column<std::int32_t> moved_to_;
};

template <class L>
template <bool may_shrink>
bool UpdateStep<L>::replace(const unsigned char* keep, LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
    free_rows_.reserve(beam.capacity());
    const std::int32_t old_rows = beam.rows;
    const std::int32_t leaves = list_gaps(keep, old_rows, free_rows_.data());
    const std::int32_t arrives = arrivals_.count;
    if (!may_shrink && arrives < leaves) return false;

    const std::int32_t rows = old_rows + arrives - leaves;
    // Of a beam that shrinks, the last rows are moved below. Rows that labellings left are linked in vain.
    const std::int32_t end = std::max(old_rows, rows);
    beam.reserve(rows);
    candidates.reserve_rows(beam.capacity());
    free_rows_.reserve(beam.capacity());
    for (std::int32_t i = leaves; i < arrives; ++i) free_rows_.data()[i] = old_rows + i - leaves;
    beam.tree.make_room(beam.node.data(), static_cast<std::size_t>(old_rows),
                        static_cast<std::size_t>(arrives));
    bool may_link = false;
    if (end <= L::kFewRows) {
        if constexpr (L::kFewRows > 0) {
            using Few = FewRows<L>;
            const auto kept = static_cast<std::uint32_t>(word_of(keep) & Few::rows_below(old_rows));
            const auto gaps = static_cast<std::uint32_t>(~kept & Few::rows_below(end));
            may_link = Few::replace(kept, Few::first_bits(gaps, arrives), end, arrivals_, candidates, beam);
        }
    } else {
        keep_all(candidates, beam);
        may_link = many_.replace(keep, free_rows_.data(), old_rows, end, arrivals_, beam);
    }
    beam.rows = rows;
    if (may_link) link_children(end, beam);
    if constexpr (may_shrink) {
        close_gaps(leaves, old_rows, candidates, beam);
    }
    return true;
}

// Writes the rows, of the first `rows`, that are not kept, in order. Returns their number.
template <class L>
CTC_ALWAYS_INLINE std::int32_t UpdateStep<L>::list_gaps(const unsigned char* keep, std::int32_t rows,
                                                        std::int32_t* places) {
    if constexpr (L::kFewRows > 0) {
        if (rows <= L::kFewRows) {
            using Few = FewRows<L>;
            const auto gaps = static_cast<std::uint32_t>(~word_of(keep) & Few::rows_below(rows));
            Few::list_bits(gaps, places);
            return L::popcount(gaps);
        }
    }
    std::int32_t found = 0;
    for_each_bit<false>(keep, rows, [&](std::int32_t row) { places[found++] = row; });
    return found;
}

template <class L>
const Arrivals<L>& UpdateStep<L>::find_arrivals(const unsigned char* keep, std::int32_t beam_width,
                                                const LaneCandidates<L>& candidates) {
    arrivals_.reserve(static_cast<std::size_t>(
        std::max(L::kFewRows, std::min(beam_width, candidates.count - candidates.stays))));
    double* total = arrivals_.total.data();
    std::uint64_t* id = arrivals_.id.data();
    std::int32_t found = 0;
    for (std::int32_t i = candidates.stays; i < candidates.count; i += kLanes) {
        const unsigned mask = keep[i / kLanes];
        L::compress(total + found, L::load(candidates.total.data() + i), mask);
        L::compress_sums(id + found, candidates.id.data() + i, 0, mask);
        found += L::popcount(mask);
    }
    arrivals_.count = found;
    return arrivals_;
}

// A labelling that returns to the beam may find its own extensions in a row before `end`: sets them as its
// children.
template <class L>
void UpdateStep<L>::link_children(std::int32_t end, LaneBeam<L>& beam) {
    const bool are_many = arrivals_.are_many_for(end);
    if (are_many) sort_hashes();
    for (std::int32_t row = 0; row < end; ++row) {
        const Node node = beam.node.data()[row];
        if (beam.parent.data()[row] != kNone || node == PrefixTree::kRoot) continue;
        const std::uint32_t hash = beam.parent_hash.data()[row];
        const auto link_to = [&](std::int32_t i) {
            const std::int32_t arrival = free_rows_.data()[i];
            if (!beam.tree.are_equal(beam.tree.parent(node), beam.node.data()[arrival])) return;
            beam.parent.data()[row] = arrival;
            beam.tree.set_parent(node, beam.node.data()[arrival]);  // later comparisons are shorter
        };
        if (are_many) {
            const auto equal = std::equal_range(sorted_.begin(), sorted_.end(), HashedArrival{hash, 0});
            for (auto found = equal.first; found != equal.second; ++found) link_to(found->arrival);
        } else {
            for (std::int32_t i = 0; i < arrivals_.count; ++i)
                if (arrivals_.hash.data()[i] == hash) link_to(i);
        }
    }
}

// Fills sorted_ with the arrivals.
template <class L>
void UpdateStep<L>::sort_hashes() {
    sorted_.resize(static_cast<std::size_t>(arrivals_.count));
    for (std::int32_t i = 0; i < arrivals_.count; ++i)
        sorted_[static_cast<std::size_t>(i)] = {arrivals_.hash.data()[i], i};
    std::sort(sorted_.begin(), sorted_.end());
}

// Moves the last rows to those that labellings left and no arrival took. beam.rows is the new number of rows.
template <class L>
void UpdateStep<L>::close_gaps(std::int32_t leaves, std::int32_t old_rows, LaneCandidates<L>& candidates,
                               LaneBeam<L>& beam) {
    moves_.clear();
    if (beam.rows >= old_rows) return;
    const std::int32_t* gaps = free_rows_.data();  // ascending
    std::int32_t first = arrivals_.count;
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
        for (Column<std::int32_t>* column : {&beam.last, &beam.parent, &beam.length, &beam.node})
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
