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
    if (before == 0) searched_ = -1;  // only now the number of classes is known
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
        advanced_search();
    } catch (...) {
        frames_.truncate(before);
        throw;
    }
    return result;
}

Hypothesis Stream::best() {
    std::vector<Hypothesis> hypotheses;
    advanced_search().write_best(1, nullptr, hypotheses);
    return hypotheses.front();
}

std::vector<std::int32_t> Stream::stable_prefix() {
    return advanced_search().common_prefix();
}

std::vector<Hypothesis> Stream::finish() {
    std::vector<Hypothesis> hypotheses;
    const LogProbs all = frames_.view();
    advanced_search().write_best(options_.n_best, options_.frames ? &all : nullptr, hypotheses);
    search_.reset();
    frames_ = {};
    return hypotheses;
}

// Returns the search, once it has read every frame.
FrameSearch& Stream::advanced_search() {
    const LogProbs all = frames_.view();
    if (search_ == nullptr) search_ = make_fast_search(options_);
    if (search_ == nullptr) search_ = std::make_unique<ExactSearch>(options_);
    std::int32_t next = searched_;
    searched_ = -1;  // if it throws, the search is in no usable state and has to be started again
    if (next < 0) {
        search_->start(all.classes);
        next = 0;
    }
    for (Status status; next < all.frames; ++next) {
        if (search_->push(all, next, status)) continue;
        search_ = std::make_unique<ExactSearch>(options_);
        search_->start(all.classes);
        next = -1;
    }
    searched_ = next;
    return *search_;
}

}  // namespace ctc
