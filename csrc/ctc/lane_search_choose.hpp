// LaneSearch: what of a frame is kept, and the answer.
// A part of lane_search.hpp, which reads it at its end.
#pragma once

namespace ctc {

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
                D first = L::broadcast(kInfinity);
                D last = L::broadcast(0.0);
                const D from = L::broadcast(double_of(low));
                const D to = L::broadcast(double_of(high));
                for (std::int32_t i = 0; i < count; i += kLanes) {
                    const D values = L::load(candidate + i);
                    D ignored = values;
                    L::split(values, from, first, ignored);
                    L::split(values, to, ignored, last);
                }
                low = bits_of(smallest(first));
                high = bits_of(largest(last)) + 1;
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

}  // namespace ctc
