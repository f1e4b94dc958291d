// How UpdateStep replaces rows of a beam of any size; FewRows does it for some beams in less time.
#pragma once

#include "ctc/lane_arrivals.hpp"

namespace ctc {

template <class L>
class ManyRows {
  public:
    // Writes arrival i to row taken[i] and sets parents that leave to kNone. `keep` has a bit for each of the
    // `old_rows` rows that there were, `end` is the last row in use, before or after, plus one. Returns
    // whether the hash of an arrival is that of a row's parent, or may be where to compare all takes long.
    bool replace(const unsigned char* keep, const std::int32_t* taken, std::int32_t old_rows,
                 std::int32_t end, Arrivals<L>& arrivals, LaneBeam<L>& beam);

  private:
    template <class Kept>
    static void drop_parents(Kept kept, std::int32_t rows, LaneBeam<L>& beam);
    void copy_rows(const LaneBeam<L>& beam);
    template <class Kept>
    void fill_rows(Kept kept, const std::int32_t* taken, Arrivals<L>& arrivals, LaneBeam<L>& beam);

    // Columns of the beam as they were: arrivals take the rows of their parents.
    Column<std::int32_t> old_last_, old_length_, old_node_;
    Column<std::uint32_t> old_hash_;
};

template <class L>
bool ManyRows<L>::replace(const unsigned char* keep, const std::int32_t* taken, std::int32_t old_rows,
                          std::int32_t end, Arrivals<L>& arrivals, LaneBeam<L>& beam) {
    copy_rows(beam);
    const auto change_rows = [&](auto kept, std::int32_t rows) {
        drop_parents(kept, rows, beam);
        fill_rows(kept, taken, arrivals, beam);
    };
    // 1 where a row stays, else 0. For kNone either will do.
    if (old_rows <= 64) {
        const std::uint64_t word = word_of(keep);
        change_rows([word](std::int32_t row) { return static_cast<std::int32_t>(word >> (row & 63) & 1U); },
                    whole_lanes(old_rows));
    } else {
        change_rows([keep](std::int32_t row) { return keep[row >> 3] >> (row & 7) & 1; }, old_rows);
    }
    if (arrivals.are_many_for(end)) return true;
    return L::any_common(beam.parent_hash.data(), whole_lanes(end), arrivals.hash.data(), arrivals.count);
}

// Sets the parent of each of the first `rows` rows to kNone if it leaves.
template <class L>
template <class Kept>
void ManyRows<L>::drop_parents(Kept kept, std::int32_t rows, LaneBeam<L>& beam) {
    std::int32_t* parent = beam.parent.data();
    // Without a branch: x | (1 - 1) is x, x | (0 - 1) is kNone.
    for (std::int32_t row = 0; row < rows; ++row) parent[row] |= kept(parent[row]) - 1;
}

// Copies what arrivals take from their parents, whose rows other arrivals may overwrite.
template <class L>
void ManyRows<L>::copy_rows(const LaneBeam<L>& beam) {
    for (Column<std::int32_t>* column : {&old_last_, &old_length_, &old_node_})
        column->reserve(beam.capacity());
    old_hash_.reserve(beam.capacity());
    const auto bytes = static_cast<std::size_t>(whole_lanes(beam.rows)) * sizeof(std::int32_t);
    std::memcpy(old_last_.data(), beam.last.data(), bytes);
    std::memcpy(old_length_.data(), beam.length.data(), bytes);
    std::memcpy(old_node_.data(), beam.node.data(), bytes);
    std::memcpy(old_hash_.data(), beam.hash.data(), bytes);
}

// Writes the arrivals to their rows and to the tree.
template <class L>
template <class Kept>
void ManyRows<L>::fill_rows(Kept kept, const std::int32_t* taken, Arrivals<L>& arrivals, LaneBeam<L>& beam) {
    std::int32_t* last = beam.last.data();
    std::int32_t* length = beam.length.data();
    std::int32_t* node = beam.node.data();
    std::uint32_t* hash = beam.hash.data();
    const std::int32_t* old_last = old_last_.data();
    const std::int32_t* old_length = old_length_.data();
    const std::int32_t* old_node = old_node_.data();
    const std::uint32_t* old_hash = old_hash_.data();
    double* total = beam.total.data();
    double* blank = beam.blank.data();
    double* label = beam.label.data();
    std::int32_t* parent = beam.parent.data();
    unsigned char* repeats = beam.repeats.data();
    std::uint32_t* parent_hash = beam.parent_hash.data();
    std::uint32_t* hashes = arrivals.hash.data();
    const std::uint64_t* ids = arrivals.id.data();
    const double* totals = arrivals.total.data();
    const PrefixTree::Added added = beam.tree.append(arrivals.count);
    for (std::int32_t i = 0; i < arrivals.count; ++i) {
        const std::int32_t from = LaneCandidates<L>::row_of(ids[i]);
        const std::int32_t symbol = LaneCandidates<L>::label_of(ids[i]);
        const std::int32_t row = taken[i];
        total[row] = label[row] = totals[i];
        blank[row] = 0.0;
        last[row] = added.label[i] = symbol;
        parent[row] = from | (kept(from) - 1);  // as in drop_parents()
        repeats[row] = symbol == old_last[from] ? 1 : 0;
        node[row] = added.first + i;
        added.parent[i] = old_node[from];
        length[row] = added.length[i] = old_length[from] + 1;
        parent_hash[row] = old_hash[from];
        hash[row] = hashes[i] = LaneBeam<L>::hash_of(old_hash[from], symbol);
    }
}

}  // namespace ctc
