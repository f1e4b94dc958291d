// LaneSearch, one frame after another: what stays, what is appended, what is kept.
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

// A bound from distinct labellings that are quick to name: those that stayed, and each row with the frame's
// best symbol. The last place of the beam goes to nothing below it. 0 if there are too few.
template <class L>
double LaneSearch<L>::floor_of_the_best() {
    const std::int32_t width = options_.beam_width;
    if (2 * stays_ < width) return 0.0;
    double* extended = candidate_.at() + stays_;
    const D best = L::broadcast(prob_best_);
    for (std::int32_t row = 0; row < stays_; row += kLanes)
        L::store(extended + row, L::mul(L::load(total_.at() + row), best));
    const std::int32_t first = first_with_.at()[label_with(log_best_)];
    for (std::int32_t row = first; row != kNone; row = next_with_.at()[row])
        extended[row] = blank_.at()[row] * prob_best_;
    for (std::int32_t row = first; row != kNone; row = next_with_.at()[row])
        if (parent_.at()[row] != kNone) extended[parent_.at()[row]] = 0.0;

    D most = L::broadcast(0.0);
    for (std::int32_t i = 0; i < 2 * stays_; i += kLanes) most = L::max(L::load(candidate_.at() + i), most);
    std::int64_t low = bits_of(kNormal);
    std::int64_t high = bits_of(largest(most)) + 1;
    if (high <= low || L::count(candidate_.at(), 2 * stays_, kNormal) < width) return 0.0;
    if (rows_ == width) {
        D least = L::broadcast(kInfinity);
        for (std::int32_t i = 0; i < stays_; i += kLanes) {
            const D stayed = L::load(candidate_.at() + i);
            D ignored = stayed;
            L::split(stayed, L::broadcast(kNormal), least, ignored);
        }
        if (L::count(candidate_.at(), stays_, kNormal) == width) low = bits_of(smallest(least));
    }
    // Near enough will do: one place more or less costs less than another round.
    for (int round = 0; round < kFloorRounds && high - low > (std::int64_t{1} << 46); ++round) {
        const std::int64_t middle = low + (high - low) / 2;
        const std::int32_t count = L::count(candidate_.at(), 2 * stays_, double_of(middle));
        low = count >= width ? middle : low;
        high = count >= width ? high : middle;
        if (count >= width && count <= width + 2) break;
    }
    return double_of(low) * kSlack;
}

// The classes that lift the best row above the floor.
template <class L>
void LaneSearch<L>::collect_symbols(double floor) {
    double lowest = kLowestLog;
    if (floor > 0.0) {
        const double scaled = highest_ * double_of((1023 - exponent_) << 52);  // in [1, 2)
        lowest = std::max(lowest, log_at_most(floor / scaled) - 1e-6);
    }
    const D limit = L::broadcast(lowest);
    symbols_ = 0;
    for (std::int32_t label = 0; label < classes_; label += kLanes) {
        const D values = L::load(log_prob_.at() + label);
        const unsigned mask = L::at_least(values, limit);
        if (mask == 0) continue;
        L::pack(symbol_log_.at() + symbols_, values, mask);
        L::pack_ids(symbol_.at() + symbols_, static_cast<std::uint64_t>(label), mask);
        symbols_ += L::size(mask);
    }
    exp_all(symbol_log_.at(), symbol_prob_.at(), symbols_);
}

// Every labelling that no row spells yet, if it reaches the floor.
template <class L>
void LaneSearch<L>::extend(double floor) {
    candidates_ = stays_;
    const D limit = L::broadcast(floor);
    const std::int32_t groups = stays_ / kLanes;
    unsigned char* repeated = repeated_.at();
    unsigned char* taken = taken_.at();
    for (std::int32_t i = 0; i < symbols_; ++i) {
        const auto room = static_cast<std::size_t>(candidates_ + stays_ + 2 * kLanes);
        if (room > candidate_.capacity()) {
            candidate_.reserve(room);
            id_.reserve(candidate_.capacity());
        }
        double* candidate = candidate_.at();
        std::uint64_t* id = id_.at();
        const std::uint64_t label = symbol_.at()[i];
        const double prob = symbol_prob_.at()[i];
        const D probs = L::broadcast(prob);
        const std::int32_t first = first_with_.at()[label];
        std::int32_t end = candidates_;
        if (first == kNone) {
            for (std::int32_t row = 0; row < stays_; row += kLanes) {
                const D totals = L::mul(L::load(total_.at() + row), probs);
                const unsigned mask = L::at_least(totals, limit);
                L::pack(candidate + end, totals, mask);
                L::pack_ids(id + end, label << 32 | static_cast<std::uint64_t>(row), mask);
                end += L::size(mask);
            }
        } else {
            std::memset(repeated, 0, static_cast<std::size_t>(groups));
            std::memset(taken, 0, static_cast<std::size_t>(groups));
            for (std::int32_t row = first; row != kNone; row = next_with_.at()[row]) {
                const std::int32_t above = parent_.at()[row];
                set_bit(repeated, row);
                if (above != kNone) set_bit(taken, above);  // it is this row already
            }
            for (std::int32_t group = 0; group < groups; ++group) {
                const std::int32_t row = group * kLanes;
                const D totals = L::mul(L::load(total_.at() + row), probs);
                const unsigned skip = taken[group] | repeated[group];
                const unsigned mask = L::at_least(totals, limit) & ~skip;
                L::pack(candidate + end, totals, mask);
                L::pack_ids(id + end, label << 32 | static_cast<std::uint64_t>(row), mask);
                end += L::size(mask);
            }
            for (std::int32_t row = first; row != kNone; row = next_with_.at()[row]) {
                const double value = blank_.at()[row] * prob;  // a repeated label needs a blank between
                if (value < floor || bit(taken, row)) continue;
                candidate[end] = value;
                id[end++] = label << 32 | static_cast<std::uint64_t>(row);
            }
        }
        candidates_ = end;
    }
    for (std::int32_t row = 0; row < rows_; ++row) first_with_.at()[last_.at()[row]] = kNone;
}

// What is lost grows with the frame's sum over all classes; see kLost.
template <class L>
void LaneSearch<L>::note_losses() {
    if (lost_ > 0.0) {
        D sums = L::broadcast(0.0);
        for (std::int32_t label = 0; label < classes_; label += kLanes)
            sums = L::add(sums, lane_exp<L>(L::load(log_prob_.at() + label), exponent_));
        double all[kLanes];
        L::store(all, sums);
        double sum = prob_blank_;
        for (const double part : all) sum += part;
        lost_ *= sum * 1.001;
    }
    if (losing_) lost_ += 3.0 * static_cast<double>(rows_) * kLost;
}

// Sets a bit in keep_ for each candidate that is kept: the beam_width best, of ties the first by spelling.
template <class L>
void LaneSearch<L>::choose(double floor) {
    double* candidate = candidate_.at();
    L::store(candidate + candidates_, L::broadcast(0.0));
    const std::int32_t count = whole_lanes(candidates_);
    keep_.reserve(static_cast<std::size_t>(count / kLanes + kLanes));
    D most = L::broadcast(0.0);
    for (std::int32_t i = 0; i < count; i += kLanes) most = L::max(L::load(candidate + i), most);
    highest_ = largest(most);

    const std::int32_t width = options_.beam_width;
    double cut = floor;
    if (L::count(candidate, count, floor) > width) {
        // The bits of positive doubles are in the order of their values.
        std::int64_t low = bits_of(floor);
        std::int64_t high = bits_of(highest_) + 1;
        for (int round = 1;; ++round) {
            if (round % kSnapRounds == 0) {  // many are alike: look only where there are values
                D least = L::broadcast(kInfinity);
                D most = L::broadcast(0.0);
                const D from = L::broadcast(double_of(low));
                const D to = L::broadcast(double_of(high));
                for (std::int32_t i = 0; i < count; i += kLanes) {
                    const D values = L::load(candidate + i);
                    D ignored = values;
                    L::split(values, from, least, ignored);
                    L::split(values, to, ignored, most);
                }
                low = bits_of(smallest(least));
                high = bits_of(largest(most)) + 1;
            }
            if (high - low <= kTieBits) return choose_among_ties(double_of(low));
            const std::int64_t middle = low + (high - low) / 2;
            const std::int32_t above = L::count(candidate, count, double_of(middle));
            if (above == width) {
                cut = double_of(middle);
                break;
            }
            low = above > width ? middle : low;
            high = above > width ? high : middle;
        }
    }
    D low = L::broadcast(kInfinity);
    D high = L::broadcast(0.0);
    const D limit = L::broadcast(cut);
    for (std::int32_t i = 0; i < count; i += kLanes)
        keep_.at()[i / kLanes] =
            static_cast<unsigned char>(L::split(L::load(candidate + i), limit, low, high));
    lowest_ = smallest(low);
    if (largest(high) >= lowest_ * kSlack) choose_among_ties(lowest_);
}

// The same where candidates tie with the last one that is kept, which is at least `cut` and next to it.
template <class L>
void LaneSearch<L>::choose_among_ties(double cut) {
    // Only those next to the cut are ranked, if nothing that is better ties with them.
    const double low = std::max(cut * kSlack, kNormal);
    double high = cut / kSlack;
    auto places = static_cast<std::size_t>(options_.beam_width);
    double least_above = kInfinity;
    double most = 0.0;
    std::size_t above = 0;
    for (std::int32_t i = 0; i < candidates_; ++i) {
        const double total = candidate_.at()[i];
        if (total > high) {
            least_above = std::min(least_above, total);
            ++above;
        } else {
            most = std::max(most, total);
        }
    }
    if (above >= places || most >= least_above * kSlack) {
        high = kInfinity;
        above = 0;
    }
    places -= above;

    std::memset(keep_.at(), 0, static_cast<std::size_t>(whole_lanes(candidates_) / kLanes));
    // Written place by place: a copy of a whole one would have to wait for its parts.
    ranked_.resize(static_cast<std::size_t>(candidates_));
    std::size_t count = 0;
    double least = kInfinity;
    for (std::int32_t i = 0; i < candidates_; ++i) {
        const double total = candidate_.at()[i];
        if (total < low) continue;
        if (total > high) {
            set_bit(keep_.at(), i);
            continue;
        }
        least = std::min(least, total);
        RankedLabelling& ranked = ranked_[count++];
        ranked.total = total;
        ranked.labelling.node = node_.at()[i < stays_ ? i : row_of(id_.at()[i])];
        ranked.labelling.extra = i < stays_ ? kNone : label_of(id_.at()[i]);
        ranked.candidate = static_cast<std::uint32_t>(i);
    }
    ranked_.resize(count);
    places = std::min(places, ranked_.size());
    const auto end = ranked_.begin() + static_cast<std::ptrdiff_t>(places);
    if (high < kInfinity && most - least < kTie * most)  // one group
        std::nth_element(ranked_.begin(), end, ranked_.end(),
                         [&](const RankedLabelling& a, const RankedLabelling& b) {
                             return arena_.before(a.labelling, b.labelling);
                         });
    else
        rank(arena_, ranked_, places);
    lowest_ = kInfinity;
    for (auto kept = ranked_.begin(); kept != end; ++kept) {
        set_bit(keep_.at(), static_cast<std::int32_t>(kept->candidate));
        lowest_ = std::min(lowest_, kept->total);
    }
}

// Those that are kept, to their rows. False if fewer rows are left than there were.
template <class L>
bool LaneSearch<L>::replace_rows() {
    const unsigned char* keep = keep_.at();
    std::int32_t leaves = 0;
    std::int32_t arrives = 0;
    leaving_.reserve(total_.capacity());
    std::int32_t* leaving = leaving_.at();
    for_each_bit<false>(keep, rows_, [&](std::int32_t row) { leaving[leaves++] = row; });
    arriving_.reserve(static_cast<std::size_t>(std::min(options_.beam_width, candidates_)));
    Arrival* arriving = arriving_.at();
    const std::uint64_t* id = id_.at() + stays_;
    const double* value = candidate_.at() + stays_;
    for_each_bit<true>(keep + stays_ / kLanes, candidates_ - stays_, [&](std::int32_t i) {
        arriving[arrives++] = {value[i], label_of(id[i]), row_of(id[i]), kNone, 0};
    });
    if (arrives < leaves) return false;

    // What arrives is in before the others leave, so that what both have in common lives on.
    const std::int32_t rows = rows_ + arrives - leaves;
    reserve_rows(rows);
    leaving_.reserve(total_.capacity());
    leaving = leaving_.at();
    Node* node = node_.at();
    std::int32_t* last = last_.at();
    std::int32_t* parent = parent_.at();
    unsigned char* repeats = repeats_.at();
    bool returned = false;
    for (std::int32_t i = 0; i < arrives; ++i) {
        Arrival& arrival = arriving[i];
        if (i >= leaves) leaving[i] = rows_ + i - leaves;
        arrival.node = arena_.enter(node[arrival.parent], arrival.label, leaving[i]);
        returned = returned || arena_.has_children(arrival.node);
        arrival.repeats = arrival.label == last[arrival.parent] ? 1 : 0;
        arrival.parent = bit(keep, arrival.parent) ? arrival.parent : kNone;
    }
    for (std::int32_t i = 0; i < leaves; ++i) arena_.leave(node[leaving[i]]);

    blank_.swap(new_blank_);
    label_.swap(new_label_);
    double* total = total_.at();
    for (std::int32_t row = 0; row < stays_; row += kLanes)
        L::store(total + row, L::load(candidate_.at() + row));
    if (leaves > 0) {
        for (std::int32_t row = 0; row < rows_; ++row) {
            const std::int32_t above = parent[row];
            parent[row] = above != kNone && bit(keep, above) ? above : kNone;
        }
    }
    double* blank = blank_.at();
    double* label = label_.at();
    for (std::int32_t i = 0; i < arrives; ++i) {
        const Arrival& arrival = arriving[i];
        const std::int32_t row = leaving[i];
        total[row] = label[row] = arrival.total;
        blank[row] = 0.0;
        last[row] = arrival.label;
        parent[row] = arrival.parent;
        repeats[row] = arrival.repeats;
        node[row] = arrival.node;
    }
    rows_ = rows;
    // A labelling that comes back may find its own extensions in the beam.
    if (returned) {
        for (std::int32_t row = 0; row < rows; ++row)
            if (node[row] != PrefixArena::kRoot) parent[row] = arena_.slot(arena_.parent(node[row]));
    }
    return true;
}

template <class L>
void LaneSearch<L>::finish(const LogProbs& log_probs, Result& result) {
    const auto best = static_cast<std::size_t>(std::min(rows_, options_.n_best));
    ranked_.clear();
    for (std::int32_t row = 0; row < rows_; ++row)
        ranked_.push_back({total_.at()[row], {node_.at()[row], kNone}, 0});
    const auto last = ranked_.begin() + static_cast<std::ptrdiff_t>(best - 1);
    std::nth_element(ranked_.begin(), last, ranked_.end(), Higher{});
    const double least = last->total * kSlack;  // what may tie with the last one, too
    ranked_.erase(
        std::partition(last, ranked_.end(), [&](const RankedLabelling& r) { return r.total >= least; }),
        ranked_.end());
    rank(arena_, ranked_, best);
    result.hypotheses.resize(best);
    for (std::size_t i = 0; i < best; ++i) {
        Hypothesis& hypothesis = result.hypotheses[i];
        hypothesis.labels = arena_.labels(ranked_[i].labelling.node);
        hypothesis.frames = alignment_.peak_frames(log_probs, hypothesis.labels, options_.blank);
        const std::int64_t exponent = exponent_of(ranked_[i].total);
        const double mantissa = double_of(bits_of(ranked_[i].total) - exponent * (std::int64_t{1} << 52));
        hypothesis.log_prob = log_of({mantissa, exponent + exponents_});
    }
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
