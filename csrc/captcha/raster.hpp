// Images of four bytes per pixel and the operations on them that drawing a captcha needs.
//
// Every operation computes what Pillow computes, bit for bit: the same order of the same operations on
// the same types. The pixels of a data set are part of its identity, so "almost the same" is no use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace captcha {

// A second version of a function for AVX2, chosen at run time. Such functions have integer arithmetic, or
// floating-point arithmetic without contraction (-ffp-contract=off): both versions return the same bits.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define CAPTCHA_FAST __attribute__((target_clones("avx2", "default")))
#else
#define CAPTCHA_FAST
#endif

using Pixel = std::array<std::uint8_t, 4>;  // red, green, blue, alpha

// Rows of pixels without padding. A canvas does not use the fourth channel.
struct Raster {
    Raster(int width_, int height_)
        : width(width_),
          height(height_),
          pixels(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), Pixel{}) {}

    const Pixel* row(int y) const { return pixels.data() + static_cast<std::ptrdiff_t>(y) * width; }
    Pixel* row(int y) { return pixels.data() + static_cast<std::ptrdiff_t>(y) * width; }

    int width;
    int height;
    std::vector<Pixel> pixels;
};

// Maps the centre (x, y) of a pixel of the result to a place in the source:
// (a[0] x + a[1] y + a[2], a[3] x + a[4] y + a[5]).
using Affine = std::array<double, 6>;

// Maps the unit square of the result to a quadrilateral of the source, per axis: the terms 1, x, y and xy.
using Bilinear = std::array<double, 8>;

// a * b / 255, rounded.
inline std::uint8_t times(unsigned a, unsigned b) {
    const unsigned product = a * b + 128;
    return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

// The brightness of a colour (ITU-R 601-2, in units of 2^-16, rounded).
inline std::uint8_t brightness(int red, int green, int blue) {
    return static_cast<std::uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

// Colours times alpha, and back. Interpolation is done on the former: a transparent pixel has no colour.
void premultiply(Raster& image);
void unpremultiply(Raster& image);

// Return an image of this size, bilinearly interpolated; places outside of the source are transparent.
Raster transform(const Raster& source, const Affine& affine, int width, int height);

// Which axis is resized first: each pass rounds to bytes, so the order matters.
enum class Order {
    rows_first,                // Pillow before 13
    columns_first_if_flatter,  // Pillow 13: columns first where the height loses more than twice the width
};

// Return an image of this size, resized with the bicubic filter (a = -0.5), a copy if the size is the same.
Raster resize(const Raster& source, int width, int height, Order order);

// Return an image of this size whose pixels are the nearest of the source; transparent outside of it.
Raster warp(const Raster& source, const Bilinear& map, int width, int height);

}  // namespace captcha
