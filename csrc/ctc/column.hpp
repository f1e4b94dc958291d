// A growing array that may be read and written in whole registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "ctc/lanes.hpp"

namespace ctc {

// `count` rounded up to a whole number of registers.
inline std::int32_t whole_lanes(std::int32_t count) {
    return (count + kLanes - 1) / kLanes * kLanes;
}

// Invariants:
// - data() is aligned to a cache line.
// - At least a register's worth of elements can be accessed before data()[0] and behind
//   data()[capacity() - 1]. So data()[-1] is valid: an index that means "none" needs no branch.
// - New elements are zero.
template <class T>
class Column {
  public:
    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t capacity() const { return capacity_; }

    void swap(Column& other) {
        bytes_.swap(other.bytes_);
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
    }

    void fill_zero() {
        if (data_ != nullptr) std::memset(data_, 0, capacity_ * sizeof(T));
    }

    // Makes room for `count` elements. Existing ones keep their values, but pointers to them become invalid.
    void reserve(std::size_t count) {
        if (count <= capacity_ && data_ != nullptr) return;
        if (count < 2 * capacity_) count = 2 * capacity_;
        std::vector<unsigned char> bytes(count * sizeof(T) + 4 * kLine, 0);
        unsigned char* first = bytes.data();
        first += kLine - reinterpret_cast<std::uintptr_t>(first) % kLine + kLine;
        if (data_ != nullptr) std::memcpy(first, data_, capacity_ * sizeof(T));
        bytes_.swap(bytes);
        data_ = reinterpret_cast<T*>(first);
        capacity_ = count;
    }

  private:
    static constexpr std::size_t kLine = 64;

    std::vector<unsigned char> bytes_;
    T* data_ = nullptr;
    std::size_t capacity_ = 0;
};

}  // namespace ctc
