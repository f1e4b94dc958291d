// LaneSearch: what is appended in a frame, above a floor under all that will be kept.
// A part of lane_search.hpp, which reads it at its end.
#pragma once

namespace ctc {

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
        const auto room =
            static_cast<std::size_t>(candidates_) + static_cast<std::size_t>(stays_) + 2 * kLanes;
        if (room > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) throw std::bad_alloc();
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

}  // namespace ctc
