// The weights of the rows of a guided beam, by class.
#pragma once

#include "ctc/lane_guide_columns.hpp"

namespace ctc {

// Written side by side for each row that is asked for, once while it is in the beam.
template <class L>
class RowWeights {
  public:
    // Whether the weights of so many rows stay in a processor's second cache.
    static bool fits(std::int32_t classes, std::int32_t rows) {
        constexpr std::int64_t kMostWeights = 65'536;
        return std::int64_t{whole_lanes(classes)} * rows <= kMostWeights;
    }

    // Makes room, before of() is called in a frame.
    void reserve(const GuideColumns<L>& columns, std::int32_t rows) {
        const std::int64_t stride = whole_lanes(columns.rows.table().classes);
        weights_.reserve(static_cast<std::size_t>(rows * stride));
        slot_.reserve(static_cast<std::size_t>(rows));
        if (generation_ != columns.rows.generation() || stride_ != stride) slot_.fill_zero();
        generation_ = columns.rows.generation();
        stride_ = stride;
    }

    // Returns the weights of a row by class, in whole registers. Those of classes that it does not permit
    // have no meaning.
    const double* of(const GuideColumns<L>& columns, std::int32_t row) {
        if (slot_.data()[row] != columns.slot(row) + 1) write(columns, row);
        return weights_.data() + row * stride_;
    }

  private:
    using D = typename L::D;

    void write(const GuideColumns<L>& columns, std::int32_t row);
    static void write_chain(const GuideTable& table, const GuideRow& row, double factor, double* weights);

    std::int64_t stride_ = 0;  // between rows
    std::int64_t generation_ = 0;
    Column<double> weights_;
    Column<std::int32_t> slot_;  // by row: 1 + the slot of the state whose weights are there
};

template <class L>
void RowWeights<L>::write(const GuideColumns<L>& columns, std::int32_t row) {
    const GuideTable& table = columns.rows.table();
    const GuideRow& edges = columns.edges.data()[row];
    double* weights = weights_.data() + row * stride_;
    slot_.data()[row] = columns.slot(row) + 1;
    if (table.permitted != nullptr) {
        write_chain(table, edges, 1.0, weights);
        return;
    }
    for (std::int64_t edge = edges.first; edge < edges.first + edges.count; ++edge)
        weights[table.labels[edge]] = table.weights[edge];
}

// As GuideTable::find() and weight(), for all classes.
template <class L>
void RowWeights<L>::write_chain(const GuideTable& table, const GuideRow& row, double factor,
                                double* weights) {
    const double shorter = factor * row.factor;
    if (row.base == GuideRow::kNoBase) {
        write_chain(table, table.rows[row.shorter], shorter, weights);
    } else {
        const double* base = table.weights + row.base;
        const D factors = L::broadcast(shorter);
        std::int32_t label = 0;
        for (; label + kLanes <= table.classes; label += kLanes)
            L::store(weights + label, L::mul(factors, L::load(base + label)));
        for (; label < table.classes; ++label) weights[label] = shorter * base[label];
    }
    for (std::int64_t edge = row.first; edge < row.first + row.count; ++edge)
        weights[table.labels[edge]] = factor * table.weights[edge];
}

}  // namespace ctc
