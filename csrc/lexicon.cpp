#include "ctc/lexicon.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ctc {
namespace {

struct Edge {
    std::int32_t label;
    std::int32_t target;
};

// A state on the path of the word that was added last: it may still get edges.
struct OpenState {
    bool accepting = false;
    std::vector<Edge> edges;
};

// States that get no more edges, each different from all others: a hash table without deletion.
class Register {
  public:
    Register() : table_(1024, kFree) {}

    // Returns the number of the state that equals `state`, and stores it if there is none.
    std::int32_t number_of(const OpenState& state) {
        if ((automaton_.accepting.size() + 1) * 2 > table_.size()) grow();
        std::size_t slot =
            hash(state.accepting, state.edges.data(), state.edges.size()) & (table_.size() - 1);
        while (table_[slot] != kFree) {
            if (equals(table_[slot], state)) return table_[slot];
            slot = (slot + 1) & (table_.size() - 1);
        }
        const auto number = static_cast<std::int32_t>(automaton_.accepting.size());
        table_[slot] = number;
        automaton_.accepting.push_back(state.accepting ? 1 : 0);
        for (const Edge& edge : state.edges) {
            automaton_.labels.push_back(edge.label);
            automaton_.targets.push_back(edge.target);
        }
        automaton_.offsets.push_back(static_cast<std::int64_t>(automaton_.labels.size()));
        return number;
    }

    AcyclicAutomaton& automaton() { return automaton_; }

  private:
    static constexpr std::int32_t kFree = -1;

    static std::size_t hash(bool accepting, const Edge* edges, std::size_t count) {
        std::uint64_t value = accepting ? 1 : 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t edge = (static_cast<std::uint64_t>(edges[i].label) << 32) |
                                       static_cast<std::uint32_t>(edges[i].target);
            value = (value ^ edge) * 0x9E3779B97F4A7C15U;
            value ^= value >> 29;
        }
        return static_cast<std::size_t>(value ^ (value >> 32));
    }

    bool equals(std::int32_t number, const OpenState& state) const {
        const auto begin = static_cast<std::size_t>(automaton_.offsets[static_cast<std::size_t>(number)]);
        const auto end = static_cast<std::size_t>(automaton_.offsets[static_cast<std::size_t>(number) + 1]);
        if ((automaton_.accepting[static_cast<std::size_t>(number)] != 0) != state.accepting ||
            end - begin != state.edges.size())
            return false;
        for (std::size_t i = 0; i < state.edges.size(); ++i)
            if (automaton_.labels[begin + i] != state.edges[i].label ||
                automaton_.targets[begin + i] != state.edges[i].target)
                return false;
        return true;
    }

    void grow() {
        std::vector<std::int32_t> larger(table_.size() * 2, kFree);
        std::vector<Edge> edges;
        for (const std::int32_t number : table_) {
            if (number == kFree) continue;
            const auto state = static_cast<std::size_t>(number);
            edges.clear();
            for (auto e = static_cast<std::size_t>(automaton_.offsets[state]);
                 e < static_cast<std::size_t>(automaton_.offsets[state + 1]); ++e)
                edges.push_back({automaton_.labels[e], automaton_.targets[e]});
            std::size_t slot =
                hash(automaton_.accepting[state] != 0, edges.data(), edges.size()) & (larger.size() - 1);
            while (larger[slot] != kFree) slot = (slot + 1) & (larger.size() - 1);
            larger[slot] = number;
        }
        table_.swap(larger);
    }

    std::vector<std::int32_t> table_;
    AcyclicAutomaton automaton_;
};

struct Word {
    const std::int32_t* begin;
    const std::int32_t* end;
};

}  // namespace

AcyclicAutomaton minimal_automaton(const std::vector<std::int32_t>& labels,
                                   const std::vector<std::int64_t>& offsets) {
    std::vector<Word> words;
    words.reserve(offsets.size() - 1);
    for (std::size_t w = 0; w + 1 < offsets.size(); ++w)
        words.push_back({labels.data() + offsets[w], labels.data() + offsets[w + 1]});
    // The algorithm adds words in lexicographic order: what lies off the path of the next word is then final.
    std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) {
        return std::lexicographical_compare(a.begin, a.end, b.begin, b.end);
    });

    Register states;
    std::vector<OpenState> path(1);  // path[d] is the state after d labels of the last word
    std::size_t depth = 0;
    const auto close_below = [&](std::size_t kept) {
        for (; depth > kept; --depth) {
            path[depth - 1].edges.back().target = states.number_of(path[depth]);
            path[depth].accepting = false;
            path[depth].edges.clear();
        }
    };
    Word last{nullptr, nullptr};
    for (const Word& word : words) {
        const auto length = static_cast<std::size_t>(word.end - word.begin);
        const std::size_t shorter = std::min(length, static_cast<std::size_t>(last.end - last.begin));
        const auto common = static_cast<std::size_t>(
            std::mismatch(word.begin, word.begin + shorter, last.begin).first - word.begin);
        close_below(common);
        if (path.size() <= length) path.resize(length + 1);
        for (; depth < length; ++depth) path[depth].edges.push_back({word.begin[depth], 0});
        path[length].accepting = true;
        last = word;
    }
    close_below(0);
    AcyclicAutomaton& automaton = states.automaton();
    automaton.start = states.number_of(path[0]);
    return std::move(automaton);
}

}  // namespace ctc
