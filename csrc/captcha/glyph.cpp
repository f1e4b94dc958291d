#include "captcha/glyph.hpp"

#include <algorithm>
#include <cmath>

namespace captcha {
namespace {

Raster coloured(const Mask& mask, const Pixel& ink) {
    Raster glyph(mask.width, mask.height);
    for (std::size_t i = 0; i < glyph.pixels.size(); ++i)
        if (mask.values[i]) glyph.pixels[i] = {ink[0], ink[1], ink[2], times(ink[3], mask.values[i])};
    return glyph;
}

// Turn about the centre; the result is as large as the turned rectangle needs.
Raster turned(const Raster& source, double cosine, double sine) {
    const double w = source.width, h = source.height;
    Affine a{cosine, sine, 0.0, -sine, cosine, 0.0};
    const auto map_x = [&](double x, double y) { return a[0] * x + a[1] * y + a[2]; };
    const auto map_y = [&](double x, double y) { return a[3] * x + a[4] * y + a[5]; };
    const auto move = [&](double x, double y) {
        const double to_x = map_x(x, y), to_y = map_y(x, y);
        a[2] = to_x;
        a[5] = to_y;
    };
    move(-w / 2, -h / 2);
    a[2] += w / 2;
    a[5] += h / 2;
    const double xs[] = {map_x(0, 0), map_x(w, 0), map_x(w, h), map_x(0, h)};
    const double ys[] = {map_y(0, 0), map_y(w, 0), map_y(w, h), map_y(0, h)};
    const auto [left, right] = std::minmax_element(std::begin(xs), std::end(xs));
    const auto [top, bottom] = std::minmax_element(std::begin(ys), std::end(ys));
    const int width = static_cast<int>(std::ceil(*right) - std::floor(*left));
    const int height = static_cast<int>(std::ceil(*bottom) - std::floor(*top));
    move(-(width - w) / 2.0, -(height - h) / 2.0);
    return transform(source, a, width, height);
}

// The map from a box of this size to the quadrilateral that the pose's shifts make of a larger one.
Bilinear quadrilateral(const Pose& pose, int width, int height) {
    const double across = 1.0 / pose.width, down = 1.0 / pose.height;
    const auto terms = [&](int upper_left, int lower_left, int lower_right, int upper_right, double* out) {
        out[0] = upper_left;
        out[1] = (upper_right - upper_left) * across;
        out[2] = (lower_left - upper_left) * down;
        out[3] = (lower_right - lower_left - upper_right + upper_left) * across * down;
    };
    Bilinear map;
    terms(pose.x1, -pose.x1, width + pose.x2, width - pose.x2, map.data());
    terms(pose.y1, height - pose.y2, height + pose.y2, -pose.y1, map.data() + 4);
    return map;
}

// Pillow's filter SMOOTH: weight 5 in the middle, 1 around it; the pixels at the edge stay.
CAPTCHA_FAST std::vector<std::int32_t> smoothed(const std::vector<std::int32_t>& plane, std::size_t width) {
    std::vector<std::int32_t> result = plane, columns(width);
    const std::size_t height = plane.size() / width;
    for (std::size_t y = 1; y + 1 < height; ++y) {
        const std::int32_t* row = plane.data() + y * width;
        const std::int32_t *above = row - width, *below = row + width;
        std::int32_t* out = result.data() + y * width;
        for (std::size_t x = 0; x < width; ++x) columns[x] = above[x] + row[x] + below[x];
        for (std::size_t x = 1; x + 1 < width; ++x) {
            const std::int32_t sum = columns[x - 1] + columns[x] + columns[x + 1] + 4 * row[x];
            // sum / 13, rounded. Pillow adds floats, but no such quotient lies so close to a half that
            // their rounding errors matter.
            out[x] = (2 * sum + 13) / 26;
        }
    }
    return result;
}

}  // namespace

Raster draw_glyph(const Mask& mask, const Pixel& ink, const Pose& pose, Order order) {
    Raster glyph = coloured(mask, ink);
    if (pose.sine != 0.0) {
        premultiply(glyph);
        glyph = turned(glyph, pose.cosine, pose.sine);
        unpremultiply(glyph);
    }
    const int width = pose.width + std::abs(pose.x1) + std::abs(pose.x2);
    const int height = pose.height + std::abs(pose.y1) + std::abs(pose.y2);
    if (width != glyph.width || height != glyph.height) {
        // Not the inverse of the line above: both round.
        premultiply(glyph);
        glyph = resize(glyph, width, height, order);
        unpremultiply(glyph);
    }
    return warp(glyph, quadrilateral(pose, width, height), pose.width, pose.height);
}

void paste(const Raster& glyph, Raster& canvas, int left, int top) {
    const int first_x = std::max(0, -left), end_x = std::min(glyph.width, canvas.width - left);
    const int first_y = std::max(0, -top), end_y = std::min(glyph.height, canvas.height - top);
    for (int y = first_y; y < end_y; ++y) {
        const Pixel* in = glyph.row(y);
        Pixel* out = canvas.row(y + top) + left;
        for (int x = first_x; x < end_x; ++x) {
            // The package's table: int(1.97 * brightness), up to 255.
            const unsigned opacity =
                std::min(static_cast<unsigned>(brightness(in[x][0], in[x][1], in[x][2]) * 1.97), 255u);
            if (opacity == 0) continue;
            for (std::size_t c = 0; c < 3; ++c) {
                const unsigned sum = out[x][c] * (255 - opacity) + in[x][c] * opacity + 128;
                out[x][c] = static_cast<std::uint8_t>(((sum >> 8) + sum) >> 8);
            }
        }
    }
}

std::vector<std::uint8_t> finish(const Raster& canvas, const std::uint8_t* coverage, const Pixel& ink,
                                 int channels) {
    const std::size_t width = static_cast<std::size_t>(canvas.width), count = canvas.pixels.size();
    std::array<std::vector<std::int32_t>, 3> planes;
    for (std::size_t c = 0; c < 3; ++c) {
        std::vector<std::int32_t> plane(count);
        for (std::size_t i = 0; i < count; ++i) plane[i] = coverage[i] ? ink[c] : canvas.pixels[i][c];
        planes[c] = smoothed(plane, width);
    }
    std::vector<std::uint8_t> result(count * static_cast<std::size_t>(channels));
    if (channels == 1) {
        for (std::size_t i = 0; i < count; ++i)
            result[i] = brightness(planes[0][i], planes[1][i], planes[2][i]);
        return result;
    }
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t i = 0; i < count; ++i)
            result[c * count + i] = static_cast<std::uint8_t>(planes[c][i]);
    return result;
}

}  // namespace captcha
