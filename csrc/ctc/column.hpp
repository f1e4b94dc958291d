// A growing array that whole registers may be read from and written to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "ctc/lanes.hpp"

namespace ctc {

inline std::int32_t whole_lanes(std::int32_t count) {
    return (count + kLanes - 1) / kLanes * kLanes;
}

// Invariants: at() is aligned to a cache line; at least a register's worth of elements lies before at()[0]
// and behind at()[capacity - 1], so that at()[-1] is there to mean "none"; new elements are zero.
template <class T>
class Column {
  public:
    T* at() { return at_; }
    const T* at() const { return at_; }
    void swap(Column& other) {
        bytes_.swap(other.bytes_);
        std::swap(at_, other.at_);
        std::swap(capacity_, other.capacity_);
    }
    std::size_t capacity() const { return capacity_; }

    // Room for `count` elements; those that there are keep their values, but may move.
    void reserve(std::size_t count) {
        if (count <= capacity_ && at_ != nullptr) return;
        if (count < 2 * capacity_) count = 2 * capacity_;
        std::vector<unsigned char> bytes(count * sizeof(T) + 4 * kLine, 0);
        unsigned char* place = bytes.data();
        place += kLine - reinterpret_cast<std::uintptr_t>(place) % kLine + kLine;
        if (at_ != nullptr) std::memcpy(place, at_, capacity_ * sizeof(T));
        bytes_.swap(bytes);
        at_ = reinterpret_cast<T*>(place);
        capacity_ = count;
    }

  private:
    static constexpr std::size_t kLine = 64;

    std::vector<unsigned char> bytes_;
    T* at_ = nullptr;
    std::size_t capacity_ = 0;
};

}  // namespace ctc
