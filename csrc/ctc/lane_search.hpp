// FastSearch over one type of lanes. Compiled once for each; see lanes.hpp.
//
// What makes it fast, most first:
// - Probabilities are doubles, scaled by the power of two that brings the best labelling to [1, 2) each
//   frame: no logarithm, and no exponent to carry along.
// - A floor under the last labelling that will be kept, from candidates that are quick to name, and below
//   which symbols are never looked at: some 40 of 1,575 candidates a frame are made.
// - exp() only of the symbols that are looked at, by eights.
// - The best are found by bisection on the bits of the doubles, which counts by eights and sorts nothing.
//   Only where two candidates at the cut tie are any of them sorted.
// - A labelling that stays keeps its row, its node and its links: only what comes and goes costs.
#pragma once

#include "ctc/lane_alignment.hpp"
#include "ctc/lane_exp.hpp"
#include "ctc/lane_search_needs.hpp"

namespace ctc {

template <class L>
class LaneSearch final : public FastSearch {
  public:
    explicit LaneSearch(const Options& options) : options_(options) {}

    bool run(const LogProbs& log_probs, Result& result) override;

  private:
    using D = typename L::D;
    using Node = PrefixArena::Node;

    static constexpr std::int32_t kNone = PrefixArena::kNone;
    static constexpr double kInfinity = std::numeric_limits<double>::infinity();

    // Numbers are relative to the best labelling of the frame before, in [1, 2). What a double can't hold
    // is lost, and nothing is said of a sequence for which that could matter:
    // - A sum over alignments below kLost counts as lost whole. `lost_` bounds all that any labelling lacks,
    //   its prefixes included: one frame on, that is at most multiplied by the sum of the frame's
    //   probabilities.
    // - Each labelling that is kept must have at least kLeast, and kCertain times as much as may be lost.
    // - While there are fewer candidates than places, so that each counts, nothing may be lost at all.
    // The third is what inputs meet. None is known that meets the second first: they are there for the proof.
    static constexpr double kLost = 1e-200;
    static constexpr double kLeast = 1e-150;
    static constexpr double kCertain = 1e18;
    static constexpr double kLeastSymbol = 1e-90;  // times kLost, still a normal double
    static constexpr double kNormal = 1e-300;
    static constexpr double kSlack = 1.0 - 1e-11;  // wider than any tie

    static constexpr std::int64_t kTieBits = 1 << 13;  // 2e-12 of any double, and more
    static constexpr int kFloorRounds = 8;
    static constexpr int kSnapRounds = 12;

    enum class Step { done, lost, not_a_log_prob, impossible_frame };

    void start(std::int32_t classes);
    Step read_frame(const LogProbs& log_probs, std::int32_t frame);
    template <class T>
    bool widen_row(const unsigned char* row, std::ptrdiff_t stride);
    Step advance();
    void stay();
    double floor_of_the_best();
    void collect_symbols(double floor);
    void extend(double floor);
    void note_losses();
    void choose(double floor);
    void choose_among_ties(double cut);
    bool replace_rows();
    void finish(const LogProbs& log_probs, Result& result);

    void reserve_rows(std::int32_t count);
    std::int32_t label_with(double log_prob) const;
    void exp_all(const double* logs, double* probs, std::int32_t count) const;
    static D eight(const float* from) { return L::widen(from); }
    static D eight(const double* from) { return L::load(from); }
    static double largest(D values);
    static double smallest(D values);
    static std::int32_t row_of(std::uint64_t id) { return static_cast<std::int32_t>(id & 0xffffffffU); }
    static std::int32_t label_of(std::uint64_t id) { return static_cast<std::int32_t>(id >> 32); }

    Options options_;
    PrefixArena arena_;
    LaneAlignment<L> alignment_;

    // The beam, one row a labelling, in no order. Invariants between frames, for row in [0, rows_):
    // - total = blank + label > 0, where `blank` is over the alignments that end in blank and `label` over
    //   those that end in the last label; up to the next whole register, and at -1, total and blank are 0.
    // - last is the last label, or classes_ for the empty labelling; node spells it and has slot == row.
    // - parent is the row of the labelling without its last label, or kNone if that is not in the beam;
    //   repeats says whether the last two labels are the same.
    std::int32_t rows_ = 0;
    Column<double> total_, blank_, label_;
    Column<std::int32_t> last_, parent_;
    Column<unsigned char> repeats_;
    Column<Node> node_;

    // The frame. By class, with one more that has probability zero, up to the next whole register.
    std::int32_t classes_ = 0;
    Column<double> log_prob_;
    Column<std::int32_t> first_with_;  // the first row with this last label, or kNone
    Column<std::int32_t> next_with_;   // by row: the next one with the same
    double log_blank_ = 0.0;
    double log_best_ = 0.0;  // of the other classes
    std::int64_t exponent_ = 0;
    std::int64_t exponents_ = 0;  // of all frames before
    double lost_ = 0.0;
    bool losing_ = false;

    // By row: what the last label gets from the parent; log-probs and probabilities of the last labels, and
    // behind them blank's and the best's.
    Column<double> from_parent_, logs_, probs_;
    double prob_blank_ = 0.0;
    double prob_best_ = 0.0;

    // Symbols that can lift a row above the floor.
    std::int32_t symbols_ = 0;
    Column<std::uint64_t> symbol_;
    Column<double> symbol_log_, symbol_prob_;

    // What may be in the next beam: rows as they stay, one for each up to the next whole register (`stays_`
    // of them), then extensions, whose id is label << 32 | row.
    std::int32_t stays_ = 0;
    std::int32_t candidates_ = 0;
    Column<double> candidate_, new_blank_, new_label_;
    Column<std::uint64_t> id_;
    Column<unsigned char> repeated_, taken_;  // masks by eight rows

    Column<unsigned char> keep_;           // masks by eight candidates
    double highest_ = 0.0;                 // of the candidates
    double lowest_ = 0.0;                  // of those kept
    std::vector<RankedLabelling> ranked_;  // only what ties
    // Rows that are left; then, as far as there are more arrivals, new ones. Arrival i goes to leaving_[i].
    Column<std::int32_t> leaving_;
    struct Arrival {
        double total;
        std::int32_t label;
        std::int32_t parent;  // a row, or kNone once that is known to leave
        Node node;
        unsigned char repeats;
    };
    Column<Arrival> arriving_;
};

}  // namespace ctc

#include "ctc/lane_search_choose.hpp"
#include "ctc/lane_search_extend.hpp"
#include "ctc/lane_search_frame.hpp"
