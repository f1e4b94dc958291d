// ExactSearch: for each frame the unchanged labellings, the extensions, and the selection of the best.
#include "ctc/exact_search.hpp"

#include <algorithm>

#include "ctc/alignment.hpp"
#include "ctc/ranking.hpp"

namespace ctc {

namespace {

constexpr std::int32_t kNone = PrefixArena::kNone;

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

Result ExactSearch::run(const LogProbs& log_probs) {
    Result result;
    start(log_probs.classes);
    limit(log_probs.frames);
    for (std::int32_t frame = 0; frame < log_probs.frames; ++frame) {
        push(log_probs, frame, result.status);
        if (result.status != Status::ok) {
            result.frame = frame;
            return result;
        }
    }
    write_best(options_.n_best, options_.frames ? &log_probs : nullptr, result.hypotheses);
    return result;
}

bool ExactSearch::push(const LogProbs& log_probs, std::int32_t frame, Status& status) {
    status = read_frame(log_probs, frame);
    if (status != Status::ok) return true;
    stay();
    if (options_.guide == nullptr) {
        set_floor();
        extend();
    } else {
        --remaining_;
        drop_unfinishable();
        set_floor_guided();
        extend_guided();
    }
    rank_candidates();
    replace_beam();
    return true;
}

void ExactSearch::write_best(std::int32_t n_best, const LogProbs* all_frames,
                             std::vector<Hypothesis>& hypotheses) {
    write(options_.guide == nullptr ? beam_ : ended(), n_best, all_frames, hypotheses);
}

void ExactSearch::write_leader(std::vector<Hypothesis>& hypotheses) {
    write(beam_, 1, nullptr, hypotheses);
}

void ExactSearch::write(const std::vector<Entry>& best, std::int32_t n_best, const LogProbs* all_frames,
                        std::vector<Hypothesis>& hypotheses) const {
    const std::size_t count = std::min(index(n_best), best.size());
    hypotheses.clear();
    hypotheses.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<std::int32_t> labels = arena_.labels(best[i].node);
        std::vector<std::int32_t> frames;
        if (all_frames != nullptr) frames = peak_frames(*all_frames, labels, options_.blank);
        hypotheses.push_back({std::move(labels), log_of(best[i].total), std::move(frames)});
    }
}

std::vector<std::int32_t> ExactSearch::common_prefix() const {
    if (beam_.empty()) return {};
    std::vector<PrefixArena::Node> nodes;
    nodes.reserve(beam_.size());
    for (const Entry& entry : beam_) nodes.push_back(entry.node);
    return arena_.common_prefix(nodes.data(), nodes.size());
}

void ExactSearch::start(std::int32_t classes) {
    arena_.clear();
    beam_.assign(1, {PrefixArena::kRoot, one(), Prob{}, one()});
    frame_.resize(index(classes));
    taken_by_.assign(index(classes), kNone);
    if (options_.guide != nullptr) start_guided();
}

Status ExactSearch::read_frame(const LogProbs& log_probs, std::int32_t frame) {
    symbols_.clear();
    bool possible = false;
    for (std::int32_t label = 0; label < log_probs.classes; ++label) {
        const double log_prob = log_probs.at(frame, label);
        if (!(log_prob <= kHighestLog)) return Status::not_a_log_prob;
        const Prob prob = prob_from_log(log_prob);
        frame_[index(label)] = prob;
        possible = possible || prob.positive();
        if (label != options_.blank && prob.positive()) symbols_.push_back({prob, label});
    }
    return possible ? Status::ok : Status::impossible_frame;
}

// The probability of `entry` with `symbol` appended. A repeated label needs a blank between.
Prob ExactSearch::extension(const Entry& entry, std::int32_t symbol) const {
    const bool repeats = entry.node != PrefixArena::kRoot && arena_.label(entry.node) == symbol;
    return (repeats ? entry.blank : entry.total) * frame_[index(symbol)];
}

// Computes every entry one frame later with its labelling unchanged. If its parent is in the beam too, the
// extension of the parent is the same labelling and is added.
void ExactSearch::stay() {
    const Prob blank = frame_[index(options_.blank)];
    candidates_.clear();
    stayed_.clear();
    first_child_.assign(beam_.size(), kNone);
    next_child_.assign(beam_.size(), kNone);
    for (std::int32_t i = 0; index(i) < beam_.size(); ++i) {
        const Entry& entry = beam_[index(i)];
        Entry stayed{entry.node, entry.total * blank, Prob{}, Prob{}, entry.state, entry.weight};
        if (entry.node != PrefixArena::kRoot) {
            const std::int32_t last = arena_.label(entry.node);
            const std::int32_t parent = arena_.slot(arena_.parent(entry.node));
            stayed.label = entry.label * frame_[index(last)];
            if (parent != kNone) {
                stayed.label = stayed.label + extension(beam_[index(parent)], last) * entry.weight;
                next_child_[index(i)] = first_child_[index(parent)];
                first_child_[index(parent)] = i;
            }
        }
        stayed.total = stayed.blank + stayed.label;
        stayed_.push_back(stayed);
        if (stayed.total.positive()) candidates_.push_back({stayed.total, i, kNone});
    }
}

// Sets a lower bound on what will be kept, from distinct labellings that are quick to compute: the unchanged
// ones, and each entry extended by the frame's best symbol. The beam_width-th best of those is no better than
// the beam_width-th best of all.
void ExactSearch::set_floor() {
    floor_ = Prob{};
    const auto best = std::max_element(symbols_.begin(), symbols_.end(),
                                       [](const Symbol& a, const Symbol& b) { return a.prob < b.prob; });
    if (best == symbols_.end()) return;
    bounds_.clear();
    for (const Candidate& candidate : candidates_) bounds_.push_back(candidate.total);
    for (std::size_t i = 0; i < beam_.size(); ++i) {
        bool in_beam = false;
        for (std::int32_t child = first_child_[i]; child != kNone; child = next_child_[index(child)])
            in_beam = in_beam || arena_.label(beam_[index(child)].node) == best->label;
        const Prob prob = extension(beam_[i], best->label);
        if (!in_beam && prob.positive()) bounds_.push_back(prob);
    }
    const std::size_t width = index(options_.beam_width);
    if (bounds_.size() < width) return;
    const auto last = bounds_.begin() + static_cast<std::ptrdiff_t>(width - 1);
    std::nth_element(bounds_.begin(), last, bounds_.end(), [](Prob a, Prob b) { return b < a; });
    floor_ = below_ties(*last);

    // Drop the symbols that lift no entry to the floor, before the rest is sorted.
    Prob highest;
    for (const Entry& entry : beam_) highest = std::max(highest, entry.total);
    symbols_.erase(std::remove_if(symbols_.begin(), symbols_.end(),
                                  [&](const Symbol& symbol) { return highest * symbol.prob < floor_; }),
                   symbols_.end());
}

// Adds every extension that reaches the floor and whose labelling is not in the beam.
void ExactSearch::extend() {
    std::sort(symbols_.begin(), symbols_.end(),
              [](const Symbol& a, const Symbol& b) { return b.prob < a.prob; });
    for (std::int32_t i = 0; index(i) < beam_.size(); ++i) {
        const Entry& entry = beam_[index(i)];
        take(i, i);
        const std::int32_t last = entry.node == PrefixArena::kRoot ? kNone : arena_.label(entry.node);
        for (const Symbol& symbol : symbols_) {
            Prob prob = entry.total * symbol.prob;
            if (prob < floor_) break;  // and so are all that follow: symbols_ is sorted
            if (taken_by_[index(symbol.label)] == i) continue;
            if (symbol.label == last) prob = entry.blank * symbol.prob;
            if (prob.positive() && !(prob < floor_)) candidates_.push_back({prob, i, symbol.label});
        }
        take(i, kNone);
    }
}

// Marks the extensions of beam_[i] that are in the beam: stay() has merged them into the child.
void ExactSearch::take(std::int32_t i, std::int32_t by) {
    for (std::int32_t child = first_child_[index(i)]; child != kNone; child = next_child_[index(child)])
        taken_by_[index(arena_.label(beam_[index(child)].node))] = by;
}

bool ExactSearch::precedes(const Candidate& a, const Candidate& b) const {
    return arena_.precedes({beam_[index(a.entry)].node, a.symbol}, {beam_[index(b.entry)].node, b.symbol});
}

// Reduces the candidates to the best beam_width, in rank order. prefix_beam_search.hpp states the rule for
// ties.
void ExactSearch::rank_candidates() {
    const auto higher = [](const Candidate& a, const Candidate& b) { return b.total < a.total; };
    const auto in_order = [this](const Candidate& a, const Candidate& b) { return precedes(a, b); };
    const std::size_t width = std::min(index(options_.beam_width), candidates_.size());
    auto end = candidates_.end();
    if (width < candidates_.size()) {
        // The last one kept may tie with some that follow it.
        const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(width - 1);
        std::nth_element(candidates_.begin(), last, end, higher);
        const Prob lowest = below_ties(last->total);
        end = std::partition(last + 1, end, [&](const Candidate& c) { return !(c.total < lowest); });
    }
    rank(
        candidates_.begin(), end, width, higher,
        [](const Candidate& leader, const Candidate& c) { return within(c.total, leader.total, kTie); },
        in_order);
    candidates_.resize(width);
}

void ExactSearch::replace_beam() {
    next_.clear();
    stays_.assign(beam_.size(), false);
    for (const Candidate& candidate : candidates_) {
        const auto slot = static_cast<std::int32_t>(next_.size());
        const Entry& stayed = stayed_[index(candidate.entry)];
        if (candidate.symbol == kNone) {
            stays_[index(candidate.entry)] = true;
            arena_.set_slot(stayed.node, slot);
            next_.push_back(stayed);
        } else {
            const PrefixArena::Node node = arena_.insert(stayed.node, candidate.symbol, slot);
            Entry extended{node, Prob{}, candidate.total, candidate.total};
            if (options_.guide != nullptr) {
                extended.state = successors_[index(candidate.successor)].state;
                extended.weight = successors_[index(candidate.successor)].weight;
            }
            next_.push_back(extended);
        }
    }
    // New nodes are inserted before old ones are removed, so that shared ancestors are not freed in between.
    for (std::size_t i = 0; i < beam_.size() && !next_.empty(); ++i)
        if (!stays_[i]) arena_.remove(beam_[i].node);
    // A guide can leave nothing. The root, which is always live, could not be removed.
    if (next_.empty()) arena_.clear();
    beam_.swap(next_);
}

}  // namespace ctc
