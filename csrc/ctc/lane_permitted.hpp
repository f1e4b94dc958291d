// The classes that the rows of a guided beam permit.
#pragma once

#include "ctc/lanes.hpp"

namespace ctc {

// By row, a bit for each class of a group of 64. Owns nothing.
template <class L>
struct PermittedClasses {
    const std::uint64_t* bits = nullptr;
    std::size_t stride = 0;  // between groups of classes
    std::int32_t words = 0;  // the number of groups

    const std::uint64_t* of(std::int32_t word) const {
        return bits + static_cast<std::size_t>(word) * stride;
    }
    bool has(std::int32_t row, std::int32_t label) const {
        return (of(label / 64)[row] >> (label % 64) & 1) != 0;
    }

    // Whether two rows permit the same.
    bool same(std::int32_t a, std::int32_t b) const {
        for (std::int32_t word = 0; word < words; ++word)
            if (of(word)[a] != of(word)[b]) return false;
        return true;
    }

    // A bit for each of the first `count` of `labels`, at most 64 in whole registers, that the row permits.
    std::uint64_t places(std::int32_t row, const std::uint64_t* labels, std::int32_t count) const {
        std::uint64_t found = 0;
        for (std::int32_t word = 0; word < words; ++word)
            for (std::int32_t i = 0; i < count; i += kLanes)
                found |= std::uint64_t{L::bits_at(of(word)[row], labels + i, 64 * word)} << i;
        return found;
    }
};

}  // namespace ctc
