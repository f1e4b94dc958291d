// What the steps do on a beam of few rows where its columns fit into registers: no access to memory by index.
//
// A column of 32 integers is two registers, one of doubles four. An instruction that permutes two registers
// looks sixteen places up at once, and one that expands a register moves what arrives to its rows.
#pragma once

#include "ctc/lane_arrivals.hpp"
#include "ctc/lanes_avx512.hpp"

namespace ctc {

// For lanes that have no such instructions: L::kFewRows is 0, and nothing is called.
template <class L>
struct FewRows {};

#if CTC_DISPATCH_X86 && defined(CTC_USE_AVX512)

template <>
struct FewRows<Avx512Lanes> {
    using L = Avx512Lanes;

    // A column of up to 32 integers.
    class Integers {
      public:
        Integers(__m512i low, __m512i high) : low_(low), high_(high) {}
        explicit Integers(const void* from)
            : low_(_mm512_loadu_si512(from)),
              high_(_mm512_loadu_si512(static_cast<const char*>(from) + 64)) {}
        __m512i at(__m512i places) const { return _mm512_permutex2var_epi32(low_, places, high_); }
        __m512i half(int i) const { return i == 0 ? low_ : high_; }

      private:
        __m512i low_, high_;
    };

    // A column of up to 32 doubles.
    class Doubles {
      public:
        explicit Doubles(const double* from)
            : part_{L::load(from), L::load(from + 8), L::load(from + 16), L::load(from + 24)} {}
        // `upper` has the places from 16 on.
        __m512d at(__m512i places, __mmask8 upper) const {
            return _mm512_mask_blend_pd(upper, _mm512_permutex2var_pd(part_[0], places, part_[1]),
                                        _mm512_permutex2var_pd(part_[2], places, part_[3]));
        }

      private:
        __m512d part_[4];
    };

    // StayStep: writes the logs of the last labels of all rows, behind them those of the blank and of the
    // best class, and what the last label extends of the parents' probabilities. Up to 63 classes.
    static void look_up(const LaneBeam<L>& beam, const double* log_prob, double log_blank, double log_best,
                        double* logs, double* from_parent) {
        const Doubles total(beam.total.data());
        const Doubles blank(beam.blank.data());
        const Doubles first_classes(log_prob);
        const Doubles other_classes(log_prob + 32);
        const __m512i sixteen = _mm512_set1_epi64(16);
        for (std::int32_t row = 0; row < beam.rows + 2; row += kLanes) {
            const __m512i last = _mm512_cvtepi32_epi64(load_eight(beam.last.data() + row));
            const __mmask8 upper = _mm512_test_epi64_mask(last, sixteen);
            const __mmask8 others = _mm512_test_epi64_mask(last, _mm512_set1_epi64(32));
            __m512d log =
                _mm512_mask_blend_pd(others, first_classes.at(last, upper), other_classes.at(last, upper));
            log = _mm512_mask_mov_pd(log, mask_at(beam.rows, row), L::broadcast(log_blank));
            log = _mm512_mask_mov_pd(log, mask_at(beam.rows + 1, row), L::broadcast(log_best));
            L::store(logs + row, log);
            // Row kNone (-1) contributes 0.
            const __m512i parent = _mm512_cvtepi32_epi64(load_eight(beam.parent.data() + row));
            const __mmask8 none = _mm512_movepi64_mask(parent);
            const __mmask8 in_upper = _mm512_test_epi64_mask(parent, sixteen);
            const __m512i repeats = _mm512_cvtepu8_epi64(
                _mm_loadl_epi64(reinterpret_cast<const __m128i*>(beam.repeats.data() + row)));
            const __m512d source =
                _mm512_mask_blend_pd(_mm512_test_epi64_mask(repeats, repeats), total.at(parent, in_upper),
                                     blank.at(parent, in_upper));
            const auto is_row = static_cast<__mmask8>(rows_below(beam.rows) >> row);
            L::store(from_parent + row, _mm512_maskz_mov_pd(static_cast<__mmask8>(is_row & ~none), source));
        }
    }

    // UpdateStep: the rows `kept` stay, the arrivals go to the rows `taken`, the first to the lowest. The
    // probabilities of all rows become those of the candidates. `end` is the last row in use, before or
    // after, plus one. Returns whether the hash of an arrival is that of a row's parent.
    static bool replace(std::uint32_t kept, std::uint32_t taken, std::int32_t end, Arrivals<L>& arrivals,
                        LaneCandidates<L>& candidates, LaneBeam<L>& beam) {
        const auto added = beam.tree.append(arrivals.count);
        const Integers old_last(beam.last.data());
        const Integers old_node(beam.node.data());
        const Integers old_hash(beam.hash.data());
        const Integers old_length(beam.length.data());
        const Integers old_parent(beam.parent.data());
        const Integers old_parent_hash(beam.parent_hash.data());
        const Arriving arriving(arrivals.id.data());
        const __m512i one = _mm512_set1_epi32(1);
        __m512i parent_hashes[2];
        for (int half = 0; half < 2; ++half) {
            const std::int32_t row = 16 * half;
            const auto mask = static_cast<__mmask16>(taken >> row);
            // The arrivals that go to these rows, and which of all arrivals they are.
            const std::int32_t before = half == 0 ? 0 : L::popcount(taken & 0xffffU);
            const __m512i places = _mm512_add_epi32(count_up(), _mm512_set1_epi32(before));
            const __m512i from = _mm512_maskz_expand_epi32(mask, arriving.row.at(places));
            const __m512i label = _mm512_maskz_expand_epi32(mask, arriving.label.at(places));
            const __m512i rank = _mm512_maskz_expand_epi32(mask, places);

            const __m512i hash_before = old_hash.at(from);
            const __m512i hash = hash_of(hash_before, label);
            const __m512i node_before = old_node.at(from);
            const __m512i length = _mm512_add_epi32(old_length.at(from), one);
            const __mmask16 repeats = _mm512_cmpeq_epi32_mask(label, old_last.at(from));
            // A parent that leaves becomes kNone: x | (1 - 1) is x, x | (0 - 1) is kNone. kNone remains.
            const __m512i parent = _mm512_mask_mov_epi32(old_parent.half(half), mask, from);
            const __m512i stays =
                _mm512_and_epi32(_mm512_srlv_epi32(_mm512_set1_epi32(static_cast<int>(kept)), parent), one);
            store(beam.parent.data() + row, _mm512_or_epi32(parent, _mm512_sub_epi32(stays, one)));
            store(beam.last.data() + row, _mm512_mask_mov_epi32(old_last.half(half), mask, label));
            store(beam.length.data() + row, _mm512_mask_mov_epi32(old_length.half(half), mask, length));
            store(beam.hash.data() + row, _mm512_mask_mov_epi32(old_hash.half(half), mask, hash));
            store(beam.node.data() + row,
                  _mm512_mask_mov_epi32(old_node.half(half), mask,
                                        _mm512_add_epi32(_mm512_set1_epi32(added.first), rank)));
            parent_hashes[half] = _mm512_mask_mov_epi32(old_parent_hash.half(half), mask, hash_before);
            store(beam.parent_hash.data() + row, parent_hashes[half]);
            _mm_mask_storeu_epi8(beam.repeats.data() + row, mask, _mm_maskz_set1_epi8(repeats, 1));

            store(added.parent + before, _mm512_maskz_compress_epi32(mask, node_before));
            store(added.label + before, _mm512_maskz_compress_epi32(mask, label));
            store(added.length + before, _mm512_maskz_compress_epi32(mask, length));
            store(arrivals.hash.data() + before, _mm512_maskz_compress_epi32(mask, hash));
        }
        unsigned common = 0;
        for (std::int32_t i = 0; i < arrivals.count; ++i) {
            const __m512i hash = _mm512_set1_epi32(static_cast<int>(arrivals.hash.data()[i]));
            for (const __m512i& some : parent_hashes) common |= _mm512_cmpeq_epi32_mask(some, hash);
        }
        beam.blank.swap(candidates.blank);
        beam.label.swap(candidates.label);
        const double* next = arrivals.total.data();
        for (std::int32_t row = 0; row < end; row += kLanes) {
            const auto mask = static_cast<__mmask8>(taken >> row);
            // Behind the last row total and blank are 0.
            const __m512d unchanged =
                row < candidates.stays ? L::load(candidates.total.data() + row) : L::broadcast(0.0);
            const __m512d total = _mm512_mask_expand_pd(unchanged, mask, L::load(next));
            L::store(beam.total.data() + row, total);
            L::store(beam.label.data() + row,
                     _mm512_mask_mov_pd(L::load(beam.label.data() + row), mask, total));
            L::store(beam.blank.data() + row,
                     _mm512_mask_mov_pd(L::load(beam.blank.data() + row), mask, L::broadcast(0.0)));
            next += L::popcount(mask);
        }
        return common != 0;
    }

    // The first `count` bits that are set.
    static std::uint32_t first_bits(std::uint32_t bits, std::int32_t count) {
        return _pdep_u32(static_cast<std::uint32_t>(rows_below(count)), bits);
    }

    // Writes the places of the bits that are set, in order.
    static void list_bits(std::uint32_t bits, std::int32_t* places) {
        const auto low = static_cast<__mmask16>(bits);
        store(places, _mm512_maskz_compress_epi32(low, count_up()));
        store(places + L::popcount(low),
              _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits >> 16),
                                          _mm512_add_epi32(count_up(), _mm512_set1_epi32(16))));
    }

    static std::uint64_t rows_below(std::int32_t count) { return (std::uint64_t{1} << count) - 1; }

  private:
    // The rows and the labels of up to 32 ids.
    struct Arriving {
        Integers row, label;
        explicit Arriving(const std::uint64_t* ids) : row(halves(ids, 0)), label(halves(ids, 1)) {}

      private:
        static Integers halves(const std::uint64_t* ids, int upper) {
            const Integers first(ids), second(ids + 16);
            const __m512i places =
                _mm512_or_epi32(_mm512_slli_epi32(count_up(), 1), _mm512_set1_epi32(upper));
            return {first.at(places), second.at(places)};
        }
    };

    static __m256i load_eight(const std::int32_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(void* to, __m512i values) { _mm512_storeu_si512(to, values); }
    static __m512i count_up() {
        return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    // The mask of eight rows from `first` on in which `row` is set.
    static __mmask8 mask_at(std::int32_t row, std::int32_t first) {
        return static_cast<__mmask8>((std::uint64_t{1} << row) >> first);
    }
    // As LaneBeam::hash_of().
    static __m512i hash_of(__m512i before, __m512i label) {
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(before, label), _mm512_set1_epi32(1));
        const __m512i product = _mm512_mullo_epi32(sum, _mm512_set1_epi32(static_cast<int>(0x9e3779b1U)));
        return _mm512_xor_epi32(product, _mm512_srli_epi32(product, 15));
    }
};

#endif

}  // namespace ctc
