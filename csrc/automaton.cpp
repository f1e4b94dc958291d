// Automaton: the checks of its arrays, and the least number of frames to an accepting state.
#include "ctc/automaton.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "ctc/guide_weights.hpp"

namespace ctc {

namespace {

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

Automaton::Automaton(AutomatonArrays arrays) : arrays_(std::move(arrays)) {
    check();
    for (const std::vector<double>* weights : {&arrays_.log_weights, &arrays_.final_log_weights})
        for (const double weight : *weights) highest_log_weight_ = std::max(highest_log_weight_, weight);
    find_shortest();
    build_table();
}

void Automaton::check() const {
    const std::vector<std::int64_t>& offsets = arrays_.offsets;
    const auto num_states = static_cast<std::int64_t>(arrays_.accepting.size());
    const auto num_edges = static_cast<std::int64_t>(arrays_.labels.size());
    require(arrays_.classes >= 1, "an automaton needs at least one class");
    require(num_states >= 1 && num_states < std::numeric_limits<std::int32_t>::max(),
            "an automaton needs 1 to 2**31 - 2 states");
    require(arrays_.start >= 0 && arrays_.start < num_states, "the start must be a state");
    require(arrays_.targets.size() == arrays_.labels.size(), "labels and targets must have one length");
    require(offsets.size() == index(num_states + 1) && offsets.front() == 0 && offsets.back() == num_edges,
            "offsets must have one element more than there are states, and lead from 0 to the edges");
    require(std::is_sorted(offsets.begin(), offsets.end()), "offsets must not decrease");
    for (std::size_t state = 0; state < arrays_.accepting.size(); ++state) {
        std::int32_t previous = -1;
        for (std::size_t edge = index(offsets[state]); edge < index(offsets[state + 1]); ++edge) {
            require(arrays_.labels[edge] > previous, "the labels of a state must ascend");
            previous = arrays_.labels[edge];
            require(previous < arrays_.classes, "labels must be classes");
            require(arrays_.targets[edge] >= 0 && arrays_.targets[edge] < num_states,
                    "targets must be states");
        }
    }
    require(arrays_.log_weights.empty() || arrays_.log_weights.size() == arrays_.labels.size(),
            "there must be a log weight for each edge, or none");
    require(arrays_.final_log_weights.empty() || arrays_.final_log_weights.size() == arrays_.accepting.size(),
            "there must be a final log weight for each state, or none");
    const auto within_bounds = [](double weight) {
        return weight >= kLowestLogWeight && weight <= kHighestInDoubles;
    };
    for (const std::vector<double>* weights : {&arrays_.log_weights, &arrays_.final_log_weights})
        require(std::all_of(weights->begin(), weights->end(), within_bounds),
                "log weights must lie in [-1e6, 100]");
}

// Settles the states in the order of their distance, backwards from the accepting ones. An edge takes one
// frame, or two where every shortest continuation of its target begins with the label of the edge.
void Automaton::find_shortest() {
    const std::size_t num_states = arrays_.accepting.size();
    const std::size_t num_edges = arrays_.labels.size();
    shortest_.assign(num_states, kNever);
    sole_first_.assign(num_states, kNoLabel);

    // The edges by their target: sources and labels of those into state s are [into[s], into[s + 1]).
    std::vector<std::size_t> into(num_states + 2, 0);
    for (const std::int32_t target : arrays_.targets) ++into[index(target) + 2];
    for (std::size_t state = 2; state < into.size(); ++state) into[state] += into[state - 1];
    std::vector<std::pair<std::int32_t, std::int32_t>> incoming(num_edges);
    for (std::size_t state = 0; state < num_states; ++state)
        for (std::size_t edge = index(arrays_.offsets[state]); edge < index(arrays_.offsets[state + 1]);
             ++edge)
            incoming[into[index(arrays_.targets[edge]) + 1]++] = {static_cast<std::int32_t>(state),
                                                                  arrays_.labels[edge]};

    // The states at distance d, d + 1 and d + 2: no edge takes more than two frames.
    std::vector<std::int32_t> bucket, next, second;
    for (std::size_t state = 0; state < num_states; ++state)
        if (arrays_.accepting[state] != 0) {
            shortest_[state] = 0;
            bucket.push_back(static_cast<std::int32_t>(state));
        }
    for (std::int32_t distance = 0; !bucket.empty() || !next.empty(); ++distance) {
        for (const std::int32_t target : bucket) {
            if (shortest_[index(target)] != distance) continue;  // it was found again at a smaller distance
            for (std::size_t i = into[index(target)]; i < into[index(target) + 1]; ++i) {
                const auto [source, label] = incoming[i];
                const std::int32_t found = distance + (sole_first_[index(target)] == label ? 2 : 1);
                std::int32_t& best = shortest_[index(source)];
                std::int32_t& first = sole_first_[index(source)];
                if (found < best) {
                    best = found;
                    first = label;
                    (found == distance + 1 ? next : second).push_back(source);
                } else if (found == best && first != label) {
                    first = kNoLabel;
                }
            }
        }
        bucket.swap(next);
        next.swap(second);
        second.clear();
    }
}

void Automaton::build_table() {
    needed_.reserve(arrays_.labels.size());
    for (std::size_t edge = 0; edge < arrays_.labels.size(); ++edge)
        needed_.push_back(shortest_after(arrays_.labels[edge], arrays_.targets[edge]));
    const bool weighted = !arrays_.log_weights.empty();
    if (weighted) weights_ = weights_of(arrays_.log_weights);
    table_.classes = arrays_.classes;
    table_.labels = arrays_.labels.data();
    table_.targets = arrays_.targets.data();
    table_.needed = needed_.data();
    table_.weights = weighted ? weights_.data() : nullptr;
    table_.weighs_ends = !arrays_.final_log_weights.empty();
    rows_.reserve(arrays_.accepting.size());
    for (std::size_t state = 0; state < arrays_.accepting.size(); ++state) {
        GuideRow row = {};
        row.first = arrays_.offsets[state];
        row.count = static_cast<std::int32_t>(arrays_.offsets[state + 1] - row.first);
        row.base = GuideRow::kNoBase;
        row.shorter = GuideRow::kNone;
        row.shortest = shortest_[state];
        row.highest = weighted || row.count == 0 ? 0.0 : 1.0;
        row.lowest = 1.0F;
        row.least_needed = kNever;
        table_.describe_edges(row);
        if (row.count > 0) table_.fewest = std::min(table_.fewest, row.count);
        table_.most_needed = std::max({table_.most_needed, row.shortest, row.most_needed});
        rows_.push_back(row);
    }
    table_.rows = rows_.data();
}

void Automaton::row(State state, State* next_K, double* log_weight_K) const {
    std::fill_n(next_K, arrays_.classes, kDead);
    std::fill_n(log_weight_K, arrays_.classes, 0.0);
    const std::size_t end = index(arrays_.offsets[index(state) + 1]);
    for (std::size_t edge = index(arrays_.offsets[index(state)]); edge < end; ++edge)
        next_K[arrays_.labels[edge]] = arrays_.targets[edge];
    if (arrays_.log_weights.empty()) return;
    for (std::size_t edge = index(arrays_.offsets[index(state)]); edge < end; ++edge)
        log_weight_K[arrays_.labels[edge]] = arrays_.log_weights[edge];
}

std::int32_t Automaton::most_frames_to_end() const {
    std::int32_t most = 0;
    for (std::size_t state = 0; state < shortest_.size(); ++state)
        if (shortest_[state] != kNever)
            most = std::max(most, shortest_[state] + (sole_first_[state] == kNoLabel ? 0 : 1));
    return most;
}

bool Automaton::accepts(const std::vector<std::int32_t>& labels) const {
    std::int32_t state = arrays_.start;
    for (const std::int32_t label : labels) {
        const auto first = arrays_.labels.begin() + arrays_.offsets[index(state)];
        const auto end = arrays_.labels.begin() + arrays_.offsets[index(state) + 1];
        const auto found = std::lower_bound(first, end, label);
        if (found == end || *found != label) return false;
        state = arrays_.targets[index(found - arrays_.labels.begin())];
    }
    return arrays_.accepting[index(state)] != 0;
}

double Automaton::final_log_weight(State state) const {
    if (arrays_.accepting[index(state)] == 0) return -std::numeric_limits<double>::infinity();
    return arrays_.final_log_weights.empty() ? 0.0 : arrays_.final_log_weights[index(state)];
}

}  // namespace ctc
