// Tests of NgramModel, CharacterGuide and WordGuide: rows against the definition, on random models.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "checks.hpp"
#include "ctc/character_guide.hpp"
#include "ctc/ngram_model.hpp"
#include "ctc/word_guide.hpp"

namespace {

using Words = std::vector<std::int32_t>;

// Words 0 and 1 begin and end a text, 2 is the unknown word.
constexpr std::int32_t kWords = 7;
constexpr ctc::SpecialWords kSpecial{0, 1, 2};
// With the second one, probabilities that differ by e^5 have weights that differ by e^200.
constexpr ctc::FusionWeights kFusions[] = {{0.5, 0.25, 2.0}, {40.0, 0.25, 2.0}};

struct RandomModel {
    std::map<Words, std::pair<double, double>> ngrams;  // log-probability and log backoff weight
    std::vector<ctc::NgramArrays> levels;
};

RandomModel random_model(std::mt19937& random, std::size_t order) {
    std::uniform_real_distribution<double> logarithm(-5.0, 0.0);
    RandomModel made;
    std::vector<Words> below{{}};
    for (std::size_t n = 1; n <= order; ++n) {
        ctc::NgramArrays level;
        std::vector<Words> ngrams;
        for (std::size_t context = 0; context < below.size(); ++context) {
            for (std::int32_t word = 0; word < kWords; ++word) {
                if (n > 1 && random() % 3 != 0) continue;
                const double log_prob = logarithm(random);
                const double log_backoff = n == order || random() % 2 == 0 ? 0.0 : logarithm(random);
                level.contexts.push_back(static_cast<std::int32_t>(context));
                level.words.push_back(word);
                level.log_probs.push_back(log_prob);
                level.log_backoffs.push_back(log_backoff);
                Words ngram = below[context];
                ngram.push_back(word);
                made.ngrams[ngram] = {log_prob, log_backoff};
                ngrams.push_back(std::move(ngram));
            }
        }
        made.levels.push_back(std::move(level));
        below = std::move(ngrams);
    }
    return made;
}

// The log-probability of `word` after `history`, by the definition.
double plain_log_prob(const RandomModel& model, Words history, std::int32_t word) {
    const std::size_t longest = model.levels.size() - 1;
    if (history.size() > longest) history.erase(history.begin(), history.end() - static_cast<long>(longest));
    double log_backoffs = 0.0;
    for (;;) {
        Words ngram = history;
        ngram.push_back(word);
        if (const auto found = model.ngrams.find(ngram); found != model.ngrams.end())
            return log_backoffs + found->second.first;
        if (const auto found = model.ngrams.find(history); found != model.ngrams.end())
            log_backoffs += found->second.second;
        history.erase(history.begin());
    }
}

bool close(double a, double b) {
    return std::abs(a - b) < 1e-9 + 1e-12 * std::abs(b);
}

// Walks along random labellings of a model of characters: class k > 0 is word k + 2, the last is unknown.
void test_characters(std::mt19937& random, const RandomModel& model, const ctc::FusionWeights& fusion) {
    const ctc::NgramModel compiled(kWords, model.levels);
    const Words word_of_class{-1, 3, 4, 5, 6, -1};
    const ctc::CharacterGuide guide(compiled, word_of_class, {true, false, false, false, false, false},
                                    kSpecial, fusion);
    std::vector<ctc::Guide::State> next(6);
    std::vector<double> log_weights(6);
    Words history{0};
    ctc::Guide::State state = guide.start();
    for (int step = 0; step < 12; ++step) {
        ctc::check(state >= 0 && state < guide.states(), "a state in range");
        guide.row(state, next.data(), log_weights.data());
        ctc::check(next[0] == ctc::Guide::kDead, "the blank is dead");
        for (std::size_t k = 1; k < 6; ++k) {
            const std::int32_t word = k == 5 ? 2 : word_of_class[k];
            const double expected =
                fusion.weight * plain_log_prob(model, history, word) + 0.25 - (k == 5 ? 2.0 : 0.0);
            ctc::check(close(log_weights[k], expected), "the weight of a character");
            ctc::check(log_weights[k] <= guide.highest_log_weight(), "no higher weight of a character");
        }
        ctc::check(close(guide.final_log_weight(state), fusion.weight * plain_log_prob(model, history, 1)),
                   "the final weight of a character model");
        const std::size_t label = 1 + random() % 5;
        history.push_back(label == 5 ? 2 : word_of_class[label]);
        state = next[label];
    }
}

// Spells random texts in a model of words: word k is spelled 1 1 … 2, the space is 3.
void test_words(std::mt19937& random, const RandomModel& model, bool unknown_words,
                const ctc::FusionWeights& fusion) {
    const ctc::Spellings spellings{{0, 4, 7, 9, 10}, {1, 1, 1, 2, 1, 1, 2, 1, 2, 2}, {6, 5, 4, 3}};
    const ctc::WordGuide guide(ctc::NgramModel(kWords, model.levels), {true, false, false, false}, 3,
                               spellings, unknown_words, kSpecial, fusion);
    ctc::check(guide.highest_log_weight() < 50.0 + 1e-9, "what the end of a word adds is bounded");
    std::array<ctc::Guide::State, 4> next{};
    std::array<double, 4> log_weights{};
    Words history{0};
    ctc::Guide::State state = guide.start();
    double expected = 0.0;
    double total = 0.0;
    for (int word = 0; word < 6; ++word) {
        const int ones = static_cast<int>(random() % 6);
        const bool known = ones < 4;
        for (int i = 0; i <= ones + 1; ++i) {
            const std::size_t label = i < ones ? 1 : (i == ones ? 2 : 3);
            guide.row(state, next.data(), log_weights.data());
            ctc::check(next[0] == ctc::Guide::kDead, "the blank is dead");
            if (next[label] == ctc::Guide::kDead) {
                ctc::check(!known && !unknown_words, "only unknown words are dead");
                return;
            }
            ctc::check(log_weights[label] <= guide.highest_log_weight() + 1e-9, "no higher weight in a word");
            total += log_weights[label];
            state = next[label];
            ctc::check(guide.shortest(state) == 0 || !unknown_words, "a labelling may end at once");
        }
        expected +=
            fusion.weight * plain_log_prob(model, history, known ? ones + 3 : 2) + 0.25 - (known ? 0.0 : 2.0);
        history.push_back(known ? ones + 3 : 2);
        ctc::check(close(total, expected), "the weight of a word");
        ctc::check(close(guide.final_log_weight(state), fusion.weight * plain_log_prob(model, history, 1)),
                   "the final weight of a word model");
    }
}

}  // namespace

int main() {
    std::mt19937 random(0);
    for (int round = 0; round < 300; ++round) {
        const RandomModel model = random_model(random, 1 + random() % 4);
        for (const ctc::FusionWeights& fusion : kFusions) {
            test_characters(random, model, fusion);
            test_words(random, model, round % 2 == 0, fusion);
        }
    }
    return ctc::report_failures();
}
