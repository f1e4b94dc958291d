// Example of the library without Python: decodes three frames of (blank, a, b) and prints the labellings.
//
// Build it with CMake (CMakeLists.txt here), or with all of csrc/*.cpp but bindings*.cpp:
// c++ -std=c++17 -O3 -ffp-contract=off -pthread -Icsrc ... -o decode
#include <cmath>
#include <cstdio>
#include <vector>

#include "ctc/prefix_beam_search.hpp"

int main() {
    const char names[] = {'-', 'a', 'b'};
    std::vector<float> log_probs_TK;
    for (const float prob : {0.3f, 0.6f, 0.1f, 0.5f, 0.4f, 0.1f, 0.2f, 0.2f, 0.6f})
        log_probs_TK.push_back(std::log(prob));

    ctc::LogProbs sequence;
    sequence.data = reinterpret_cast<const unsigned char*>(log_probs_TK.data());
    sequence.dtype = ctc::Dtype::float32;
    sequence.frame_stride = 3 * sizeof(float);
    sequence.class_stride = sizeof(float);
    sequence.frames = 3;
    sequence.classes = 3;

    ctc::Options options;
    options.n_best = 3;
    const std::vector<ctc::Result> results = ctc::prefix_beam_search({sequence}, options);
    if (results[0].status != ctc::Status::ok) return 1;
    for (const ctc::Hypothesis& hypothesis : results[0].hypotheses) {
        for (const int label : hypothesis.labels) std::putchar(names[label]);
        std::printf(" %.4f at frames", std::exp(hypothesis.log_prob));
        for (const int frame : hypothesis.frames) std::printf(" %d", frame);
        std::putchar('\n');
    }
    return 0;
}
