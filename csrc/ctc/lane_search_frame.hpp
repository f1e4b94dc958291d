// LaneSearch: the way through the frames; reading one, and what stays in it.
// A part of lane_search.hpp, which reads it at its end.
#pragma once

namespace ctc {

template <class L>
bool LaneSearch<L>::run(const LogProbs& log_probs, Result& result) {
    start(log_probs.classes);
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        Step step = read_frame(log_probs, frame);
        if (step == Step::done) step = advance();
        if (step == Step::lost) return false;
        if (step == Step::done) continue;
        result.status = step == Step::impossible_frame ? Status::impossible_frame : Status::not_a_log_prob;
        result.frame = frame;
        return true;
    }
    finish(log_probs, result);
    return true;
}

template <class L>
void LaneSearch<L>::start(std::int32_t classes) {
    reserve_rows(kLanes);
    for (Column<double>* column : {&total_, &blank_, &label_, &new_blank_, &new_label_, &from_parent_})
        std::memset(column->at(), 0, column->capacity() * sizeof(double));
    classes_ = classes;
    const std::size_t padded = static_cast<std::size_t>(whole_lanes(classes + 1));
    log_prob_.reserve(padded);
    std::fill_n(log_prob_.at() + classes, padded - static_cast<std::size_t>(classes), -kInfinity);
    first_with_.reserve(padded);
    std::fill_n(first_with_.at(), padded, kNone);
    symbol_.reserve(padded);
    symbol_log_.reserve(padded);
    symbol_prob_.reserve(padded);
    arena_.clear();
    rows_ = 1;
    total_.at()[0] = blank_.at()[0] = 1.0;
    last_.at()[0] = classes;
    parent_.at()[0] = kNone;
    repeats_.at()[0] = 0;
    node_.at()[0] = PrefixArena::kRoot;
    highest_ = 1.0;
    exponents_ = 0;
    lost_ = 0.0;
}

// Room for the columns by row.
template <class L>
void LaneSearch<L>::reserve_rows(std::int32_t count) {
    const auto rows = static_cast<std::size_t>(whole_lanes(count));
    if (rows <= total_.capacity()) return;
    for (Column<double>* column : {&total_, &blank_, &label_, &new_blank_, &new_label_, &from_parent_})
        column->reserve(rows);
    logs_.reserve(total_.capacity() + kLanes);
    probs_.reserve(total_.capacity() + kLanes);
    for (Column<std::int32_t>* column : {&last_, &parent_, &next_with_, &node_})
        column->reserve(total_.capacity());
    repeats_.reserve(total_.capacity());
    repeated_.reserve(total_.capacity() / kLanes);
    taken_.reserve(total_.capacity() / kLanes);
    candidate_.reserve(2 * total_.capacity() + kLanes);
    id_.reserve(2 * total_.capacity() + kLanes);
}

// Into log_prob_. False if a value is no log-prob.
template <class L>
template <class T>
bool LaneSearch<L>::widen_row(const unsigned char* row, std::ptrdiff_t stride) {
    double* to = log_prob_.at();
    if (stride != sizeof(T)) {
        bool ok = true;
        for (std::int32_t label = 0; label < classes_; ++label, row += stride) {
            T value;
            std::memcpy(&value, row, sizeof value);
            to[label] = static_cast<double>(value);
            ok = ok && to[label] <= kHighestLog;
        }
        return ok;
    }
    const D highest = L::broadcast(kHighestLog);
    const T* from = reinterpret_cast<const T*>(row);
    D ok = L::broadcast(1.0);  // 0 where a value was too high, or NaN; as a mask it would wait for itself
    std::int32_t label = 0;
    for (; label + kLanes <= classes_; label += kLanes) {
        const D values = eight(from + label);
        ok = L::zero_unless_at_least(ok, highest, values);
        L::store(to + label, values);
    }
    if (label < classes_ && classes_ >= kLanes) {  // the last eight again, with those that are left
        label = classes_ - kLanes;
        const D values = eight(from + label);
        ok = L::zero_unless_at_least(ok, highest, values);
        L::store(to + label, values);
        label = classes_;
    }
    for (; label < classes_; ++label) {
        to[label] = static_cast<double>(from[label]);
        if (!(to[label] <= kHighestLog)) ok = L::broadcast(0.0);
    }
    return smallest(ok) > 0.0;
}

template <class L>
typename LaneSearch<L>::Step LaneSearch<L>::read_frame(const LogProbs& log_probs, std::int32_t frame) {
    const unsigned char* row = log_probs.data + frame * log_probs.frame_stride;
    const bool ok = log_probs.dtype == Dtype::float32 ? widen_row<float>(row, log_probs.class_stride)
                                                      : widen_row<double>(row, log_probs.class_stride);
    if (!ok) return Step::not_a_log_prob;
    double* values = log_prob_.at();
    log_blank_ = values[options_.blank];
    values[options_.blank] = -kInfinity;  // no labelling is extended by it
    D most = L::broadcast(-kInfinity);
    for (std::int32_t label = 0; label < classes_; label += kLanes)
        most = L::max(L::load(values + label), most);
    log_best_ = largest(most);
    return log_best_ >= kLowestLog || log_blank_ >= kLowestLog ? Step::done : Step::impossible_frame;
}

template <class L>
typename LaneSearch<L>::Step LaneSearch<L>::advance() {
    exponent_ = exponent_of(highest_);
    exponents_ += exponent_;
    stay();
    const double floor = floor_of_the_best();
    collect_symbols(floor);
    note_losses();
    if (floor == 0.0) {
        if (lost_ > 0.0) return Step::lost;
        for (std::int32_t i = 0; i < symbols_; ++i)
            if (symbol_prob_.at()[i] < kLeastSymbol) return Step::lost;
    }
    extend(std::max(floor, kNormal));
    choose(std::max(floor, kNormal));
    if (lowest_ < kLeast || lowest_ < kCertain * lost_ || !replace_rows()) return Step::lost;
    return Step::done;
}

// Every row one frame on, its labelling unchanged; with what its parent, if in the beam, turns into it.
template <class L>
void LaneSearch<L>::stay() {
    stays_ = whole_lanes(rows_);
    double* logs = logs_.at();
    {
        const std::int32_t* last = last_.at();
        const std::int32_t* parent = parent_.at();
        const unsigned char* repeats = repeats_.at();
        const double* parts[2] = {total_.at(), blank_.at()};
        const double* log_prob = log_prob_.at();
        double* from_parent = from_parent_.at();
        std::int32_t* first_with = first_with_.at();
        std::int32_t* next_with = next_with_.at();
        for (std::int32_t row = 0; row < rows_; ++row) {
            const std::int32_t label = last[row];
            logs[row] = log_prob[label];
            from_parent[row] = parts[repeats[row]][parent[row]];
            next_with[row] = first_with[label];
            first_with[label] = row;
        }
    }
    logs[stays_] = log_blank_;
    logs[stays_ + 1] = log_best_;
    exp_all(logs, probs_.at(), stays_ + 2);
    prob_blank_ = probs_.at()[stays_];
    prob_best_ = probs_.at()[stays_ + 1];

    const D blank = L::broadcast(prob_blank_);
    const D lost = L::broadcast(kLost);
    const D zero = L::broadcast(0.0);
    unsigned losing = 0;
    for (std::int32_t row = 0; row < stays_; row += kLanes) {
        const D sources = L::add(L::load(label_.at() + row), L::load(from_parent_.at() + row));
        const D total = L::load(total_.at() + row);
        const D new_label = L::mul(sources, L::load(probs_.at() + row));
        const D new_blank = L::mul(total, blank);
        losing |= ~L::at_least(new_label, lost) & ~L::at_least(zero, sources);
        losing |= ~L::at_least(new_blank, lost) & ~L::at_least(zero, total);
        L::store(new_label_.at() + row, new_label);
        L::store(new_blank_.at() + row, new_blank);
        L::store(candidate_.at() + row, L::add(new_label, new_blank));
    }
    losing_ = (losing & 0xff) != 0;
}

// The first class with this log-prob, which one has.
template <class L>
std::int32_t LaneSearch<L>::label_with(double log_prob) const {
    const D wanted = L::broadcast(log_prob);
    for (std::int32_t label = 0;; label += kLanes) {
        const unsigned mask = L::at_least(L::load(log_prob_.at() + label), wanted);
        if (mask != 0) return label + lowest_bit(mask);
    }
}

template <class L>
void LaneSearch<L>::exp_all(const double* logs, double* probs, std::int32_t count) const {
    for (std::int32_t i = 0; i < count; i += kLanes)
        L::store(probs + i, lane_exp<L>(L::load(logs + i), exponent_));
}

template <class L>
double LaneSearch<L>::largest(D values) {
    double all[kLanes];
    L::store(all, values);
    return *std::max_element(all, all + kLanes);
}

template <class L>
double LaneSearch<L>::smallest(D values) {
    double all[kLanes];
    L::store(all, values);
    return *std::min_element(all, all + kLanes);
}

}  // namespace ctc
