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

    using Node = PrefixArena::Node;
    static constexpr std::int32_t kNone = PrefixArena::kNone;

    struct Arrival {
        double total;
        std::int32_t label;
        std::int32_t parent;  // a row; kNone once it is known that the parent leaves
        Node node;
        unsigned char repeats;
    };

    void fill_rows(std::int32_t count, LaneBeam<L>& beam) const;

    Column<Arrival> arriving_;
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
    std::int32_t leaves = 0;
    std::int32_t arrives = 0;
    free_rows_.reserve(beam.capacity());
    std::int32_t* free_rows = free_rows_.data();
    for_each_bit<false>(keep, beam.rows, [&](std::int32_t row) { free_rows[leaves++] = row; });
    arriving_.reserve(static_cast<std::size_t>(std::min(beam_width, candidates.count)));
    Arrival* arriving = arriving_.data();
    const std::int32_t stays = candidates.stays;
    const std::uint64_t* id = candidates.id.data() + stays;
    const double* value = candidates.total.data() + stays;
    for_each_bit<true>(keep + stays / kLanes, candidates.count - stays, [&](std::int32_t i) {
        arriving[arrives++] = {value[i], LaneCandidates<L>::label_of(id[i]), LaneCandidates<L>::row_of(id[i]),
                               kNone, 0};
    });
    if (!may_shrink && arrives < leaves) return false;

    const std::int32_t old_rows = beam.rows;
    const std::int32_t rows = old_rows + arrives - leaves;
    beam.reserve(rows);
    candidates.reserve_rows(beam.capacity());
    free_rows_.reserve(beam.capacity());
    free_rows = free_rows_.data();
    const Node* node = beam.node.data();
    const std::int32_t* last = beam.last.data();
    std::int32_t* parent = beam.parent.data();
    // Arrivals are inserted before others are removed, so that shared ancestors are not freed in between.
    bool returned = false;
    for (std::int32_t i = 0; i < arrives; ++i) {
        Arrival& arrival = arriving[i];
        if (i >= leaves) free_rows[i] = old_rows + i - leaves;
        arrival.node = beam.arena.insert(node[arrival.parent], arrival.label, free_rows[i]);
        returned = returned || beam.arena.has_children(arrival.node);
        arrival.repeats = arrival.label == last[arrival.parent] ? 1 : 0;
        arrival.parent = bit(keep, arrival.parent) ? arrival.parent : kNone;
    }
    for (std::int32_t i = 0; i < leaves; ++i) beam.arena.remove(node[free_rows[i]]);

    keep_all(candidates, beam);
    if (leaves > 0) {
        for (std::int32_t row = 0; row < old_rows; ++row) {
            // Without a branch; for kNone any bit will do. x | (1 - 1) is x, x | (0 - 1) is kNone.
            const std::int32_t above = parent[row];
            parent[row] = above | ((keep[above >> 3] >> (above & 7) & 1) - 1);
        }
    }
    fill_rows(arrives, beam);
    beam.rows = rows;
    if constexpr (may_shrink) {
        arrives_ = arrives;
        close_gaps(leaves, old_rows, candidates, beam);
    }
    // A labelling that returns to the beam may find its own extensions there.
    if (returned) {
        for (std::int32_t row = 0; row < rows; ++row)
            if (node[row] != PrefixArena::kRoot) parent[row] = beam.arena.slot(beam.arena.parent(node[row]));
    }
    return true;
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
        beam.repeats.data()[move.to] = beam.repeats.data()[move.from];
        beam.arena.set_slot(beam.node.data()[move.to], move.to);
    }
    std::int32_t* parent = beam.parent.data();
    for (std::int32_t row = 0; row < beam.rows; ++row)
        if (parent[row] != kNone) parent[row] = moved_to[parent[row]];
    // The columns of the candidates too: they become the beam's after the next frame.
    for (Column<double>* column :
         {&beam.total, &beam.blank, &beam.label, &candidates.blank, &candidates.label})
        std::fill(column->data() + beam.rows, column->data() + whole_lanes(old_rows), 0.0);
}

template <class L>
void UpdateStep<L>::fill_rows(std::int32_t count, LaneBeam<L>& beam) const {
    double* total = beam.total.data();
    double* blank = beam.blank.data();
    double* label = beam.label.data();
    std::int32_t* last = beam.last.data();
    std::int32_t* parent = beam.parent.data();
    unsigned char* repeats = beam.repeats.data();
    Node* node = beam.node.data();
    const Arrival* arriving = arriving_.data();
    const std::int32_t* free_rows = free_rows_.data();
    for (std::int32_t i = 0; i < count; ++i) {
        const Arrival& arrival = arriving[i];
        const std::int32_t row = free_rows[i];
        total[row] = label[row] = arrival.total;
        blank[row] = 0.0;
        last[row] = arrival.label;
        parent[row] = arrival.parent;
        repeats[row] = arrival.repeats;
        node[row] = arrival.node;
    }
}

}  // namespace ctc
