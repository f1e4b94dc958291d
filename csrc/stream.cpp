// Stream: the frames are stored, and the search advances by each of them.
#include "ctc/stream.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "ctc/exact_search.hpp"
#include "ctc/fast_search.hpp"
#include "ctc/prob.hpp"

namespace ctc {

namespace {

std::size_t index(std::int32_t value) {
    return static_cast<std::size_t>(value);
}

Status status_of(const LogProbs& log_probs, std::int32_t frame) {
    double best = -std::numeric_limits<double>::infinity();
    for (std::int32_t label = 0; label < log_probs.classes; ++label) {
        const double log_prob = log_probs.at(frame, label);
        if (!(log_prob <= kHighestLog)) return Status::not_a_log_prob;
        best = std::max(best, log_prob);
    }
    return best >= kLowestLog ? Status::ok : Status::impossible_frame;
}

// Without reserve(), which would copy all frames for every piece.
template <class T>
void append_values(const LogProbs& piece, std::vector<T>& values) {
    for (std::int32_t frame = 0; frame < piece.frames; ++frame)
        for (std::int32_t label = 0; label < piece.classes; ++label)
            values.push_back(static_cast<T>(piece.at(frame, label)));
}

}  // namespace

void FrameStore::append(const LogProbs& piece) {
    classes_ = piece.classes;
    if (single_ && piece.dtype == Dtype::float64) {
        doubles_.assign(singles_.begin(), singles_.end());
        singles_ = {};
        single_ = false;
    }
    if (single_)
        append_values(piece, singles_);
    else
        append_values(piece, doubles_);
    frames_ += piece.frames;
}

void FrameStore::truncate(std::int32_t frames) {
    frames_ = frames;
    const std::size_t count = index(frames) * index(classes_);
    if (single_)
        singles_.resize(count);
    else
        doubles_.resize(count);
}

LogProbs FrameStore::view() const {
    const auto size = static_cast<std::ptrdiff_t>(single_ ? sizeof(float) : sizeof(double));
    const auto* data = single_ ? reinterpret_cast<const unsigned char*>(singles_.data())
                               : reinterpret_cast<const unsigned char*>(doubles_.data());
    return {data, single_ ? Dtype::float32 : Dtype::float64, size * classes_, size, frames_, classes_};
}

Result Stream::push(const LogProbs& piece) {
    Result result;
    const std::int32_t before = frames_.view().frames;
    if (piece.frames == 0) return result;
    if (piece.frames > std::numeric_limits<std::int32_t>::max() - before)
        throw std::length_error("a stream can have at most 2^31 - 1 frames");
    if (before == 0) search_.frames = ahead_.frames = -1;  // only now the number of classes is known
    try {
        // The copy is checked: another thread of the caller may write to the piece.
        frames_.append(piece);
        const LogProbs all = frames_.view();
        for (std::int32_t frame = before; frame < all.frames; ++frame) {
            result.status = status_of(all, frame);
            if (result.status == Status::ok) continue;
            result.frame = frame - before;
            frames_.truncate(before);
            return result;
        }
        advance(search_, std::max(0, all.frames - behind_), false);
    } catch (...) {
        frames_.truncate(before);
        throw;
    }
    return result;
}

Hypothesis Stream::best() {
    Search& search = behind_ == 0 ? search_ : ahead_;
    advance(search, frames_.view().frames, false);
    std::vector<Hypothesis> hypotheses;
    search.search->write_leader(hypotheses);
    if (hypotheses.empty()) return {{}, -std::numeric_limits<double>::infinity(), {}};
    return hypotheses.front();
}

std::vector<std::int32_t> Stream::stable_prefix() {
    advance(search_, std::max(0, frames_.view().frames - behind_), false);
    return search_.search->common_prefix();
}

std::vector<Hypothesis> Stream::finish() {
    std::vector<Hypothesis> hypotheses;
    const LogProbs all = frames_.view();
    advance(search_, all.frames, true);
    search_.search->write_best(options_.n_best, options_.frames ? &all : nullptr, hypotheses);
    search_ = {};
    ahead_ = {};
    frames_ = {};
    return hypotheses;
}

// Lets the search read the frames up to `end`; with `last`, no more follow.
void Stream::advance(Search& search, std::int32_t end, bool last) {
    const LogProbs all = frames_.view();
    if (search.search == nullptr) search.search = make_fast_search(options_);
    if (search.search == nullptr) search.search = std::make_unique<ExactSearch>(options_);
    std::int32_t next = search.frames;
    search.frames = -1;  // if it throws, the search is in no usable state and has to be started again
    if (next < 0) {
        search.search->start(all.classes);
        next = 0;
    }
    if (last) search.search->limit(all.frames - next);
    Status status;
    while (next < end || (last && !search.search->ends_in_range())) {
        if (next < end && search.search->push(all, next, status)) {
            ++next;
            continue;
        }
        search.search = std::make_unique<ExactSearch>(options_);
        search.search->start(all.classes);
        if (last) search.search->limit(all.frames);
        next = 0;
    }
    search.frames = next;
}

}  // namespace ctc
