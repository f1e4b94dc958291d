// Tests of work on a batch by several threads: the results, calls at the same time, and failures.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ctc/parallel.hpp"
#include "ctc/prefix_beam_search.hpp"
#include "tests/checks.hpp"

namespace {

using ctc::check;

bool same(const std::vector<ctc::Result>& a, const std::vector<ctc::Result>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].hypotheses.size() != b[i].hypotheses.size()) return false;
        for (std::size_t j = 0; j < a[i].hypotheses.size(); ++j) {
            const ctc::Hypothesis& x = a[i].hypotheses[j];
            const ctc::Hypothesis& y = b[i].hypotheses[j];
            if (x.labels != y.labels || x.log_prob != y.log_prob || x.frames != y.frames) return false;
        }
    }
    return true;
}

void test_search_with_threads() {
    std::mt19937 random(2);
    std::vector<double> values(40 * 30 * 12);
    for (double& value : values) value = -static_cast<double>(random() % 1000) / 37.0;
    const auto batch = ctc::views(values, 40, 30, 12);
    ctc::Options options;
    options.beam_width = 8;
    options.n_best = 8;
    options.blank = 5;
    const auto alone = ctc::prefix_beam_search(batch, options);
    check(alone.size() == 40 && alone[0].hypotheses.size() == 8, "n_best hypotheses for each sequence");
    for (const std::int32_t threads : {2, 3, 64}) {
        options.threads = threads;
        check(same(alone, ctc::prefix_beam_search(batch, options)),
              "bit-identical for every number of threads");
    }
    std::atomic<int> equal{0};
    std::vector<std::thread> callers;
    for (std::int32_t caller = 0; caller < 6; ++caller)
        callers.emplace_back([&, mine = options, caller]() mutable {
            mine.threads = 1 + caller;
            for (int call = 0; call < 20; ++call)
                equal += same(alone, ctc::prefix_beam_search(batch, mine)) ? 1 : 0;
        });
    for (std::thread& caller : callers) caller.join();
    check(equal == 120, "calls at the same time share the threads");
}

void test_each_item_once() {
    for (const std::size_t count : std::vector<std::size_t>{0, 1, 2, 3, 1000}) {
        std::vector<std::atomic<int>> calls(count);
        ctc::share_among_threads(count, 4, [&] { return [&](std::size_t i) { ++calls[i]; }; });
        bool once = true;
        for (const auto& number : calls) once = once && number == 1;
        check(once, "each item once");
    }
}

void test_a_failure_is_passed_on() {
    for (int round = 0; round < 100; ++round) {
        std::atomic<int> running{0};
        bool failed = false;
        try {
            ctc::share_among_threads(50, 3, [&] {
                return [&](std::size_t i) {
                    ++running;
                    if (i == 7) {
                        --running;
                        throw std::runtime_error("7");
                    }
                    std::this_thread::yield();
                    --running;
                };
            });
        } catch (const std::runtime_error&) {
            failed = true;
        }
        check(failed, "the failure of one item ends the call");
        check(running == 0, "no thread works for a call that has ended");
    }
    std::atomic<int> calls{0};
    ctc::share_among_threads(5, 3, [&] { return [&](std::size_t) { ++calls; }; });
    check(calls == 5, "the threads work on after a failure");
}

void test_a_call_can_be_stopped() {
    for (const int threads : {1, 3}) {
        std::atomic<int> calls{0};
        bool stopped = false;
        ctc::stop_requested = [] { return true; };
        try {
            ctc::share_among_threads(100'000, threads, [&] {
                return [&](std::size_t) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    ++calls;
                };
            });
        } catch (const ctc::Stopped&) {
            stopped = true;
        }
        ctc::stop_requested = nullptr;
        check(stopped && calls < 100'000, "a call can be stopped");
    }
    std::atomic<int> calls{0};
    ctc::share_among_threads(5, 3, [&] { return [&](std::size_t) { ++calls; }; });
    check(calls == 5, "the next call is not stopped");
}

}  // namespace

int main() {
    test_search_with_threads();
    test_each_item_once();
    test_a_failure_is_passed_on();
    test_a_call_can_be_stopped();
    return ctc::report_failures();
}
