#include "captcha/raster.hpp"

#include <algorithm>
#include <cmath>

namespace captcha {
namespace {

// Weights are fixed-point numbers: 32 bits, less 8 of the result, less 2 for sums beyond 0 to 255.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

// Keys (1981), "Cubic convolution interpolation for digital image processing", equation 15.
double bicubic(double x) {
    constexpr double a = -0.5;
    x = std::fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

// The source pixels that a pixel of the result is a weighted sum of, along one axis.
struct Taps {
    int first;
    int count;
    std::size_t weights;  // where its weights begin
};

struct Filter {
    std::vector<Taps> taps;
    std::vector<std::int32_t> weights;
};

Filter filter_of(int source, int result) {
    const double scale = static_cast<double>(source) / result;
    // A smaller result averages over more pixels of the source.
    const double stretch = std::max(scale, 1.0);
    const double support = 2.0 * stretch, inverse = 1.0 / stretch;
    Filter filter;
    filter.taps.reserve(static_cast<std::size_t>(result));
    std::vector<double> values;
    for (int i = 0; i < result; ++i) {
        const double centre = (i + 0.5) * scale;
        const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
        const int count = std::min(static_cast<int>(centre + support + 0.5), source) - first;
        values.clear();
        double total = 0.0;
        for (int j = 0; j < count; ++j) {
            values.push_back(bicubic((j + first - centre + 0.5) * inverse));
            total += values.back();
        }
        filter.taps.push_back({first, count, filter.weights.size()});
        for (double value : values) {
            if (total != 0.0) value /= total;
            const double scaled = value * (1 << kFractionBits);
            filter.weights.push_back(static_cast<std::int32_t>(value < 0 ? -0.5 + scaled : 0.5 + scaled));
        }
    }
    return filter;
}

// The channels of an image as numbers that need no conversion in the inner loops.
template <typename T>
std::vector<T> channels_of(const Raster& image) {
    std::vector<T> channels(image.pixels.size() * 4);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
        for (std::size_t c = 0; c < 4; ++c) channels[4 * i + c] = static_cast<T>(image.pixels[i][c]);
    return channels;
}

// Filter each row of `source` (4 channels, `width` columns); return as many rows of filter.taps columns.
CAPTCHA_FAST std::vector<std::int32_t> filter_rows(const std::vector<std::int32_t>& source, int width,
                                                   const Filter& filter) {
    const std::size_t rows = source.size() / (static_cast<std::size_t>(width) * 4);
    std::vector<std::int32_t> result(rows * filter.taps.size() * 4);
    std::int32_t* out = result.data();
    for (std::size_t y = 0; y < rows; ++y) {
        const std::int32_t* row = source.data() + y * static_cast<std::size_t>(width) * 4;
        for (const Taps& taps : filter.taps) {
            const std::int32_t* in = row + taps.first * 4;
            const std::int32_t* weight = filter.weights.data() + taps.weights;
            std::int32_t sums[4] = {kHalf, kHalf, kHalf, kHalf};
            for (int j = 0; j < taps.count; ++j, in += 4)
                for (int c = 0; c < 4; ++c) sums[c] += in[c] * weight[j];
            for (int c = 0; c < 4; ++c) *out++ = std::clamp(sums[c] >> kFractionBits, 0, 255);
        }
    }
    return result;
}

// Filter each column of `source` (4 channels, `width` columns); return filter.taps rows.
CAPTCHA_FAST std::vector<std::int32_t> filter_columns(const std::vector<std::int32_t>& source, int width,
                                                      const Filter& filter) {
    const std::size_t length = static_cast<std::size_t>(width) * 4;
    std::vector<std::int32_t> result(filter.taps.size() * length, kHalf);
    std::int32_t* out = result.data();
    for (const Taps& taps : filter.taps) {
        const std::int32_t* in = source.data() + static_cast<std::size_t>(taps.first) * length;
        for (int j = 0; j < taps.count; ++j, in += length) {
            const std::int32_t weight = filter.weights[taps.weights + static_cast<std::size_t>(j)];
            for (std::size_t i = 0; i < length; ++i) out[i] += in[i] * weight;
        }
        for (std::size_t i = 0; i < length; ++i) out[i] = std::clamp(out[i] >> kFractionBits, 0, 255);
        out += length;
    }
    return result;
}

CAPTCHA_FAST void interpolate(const Raster& source, const Affine& a, Raster& result) {
    const std::vector<double> channels = channels_of<double>(source);
    const int last_x = source.width - 1, last_y = source.height - 1;
    const auto at = [&](int x, int y) {
        return channels.data() + 4 * (static_cast<std::ptrdiff_t>(y) * source.width + x);
    };
    for (int y = 0; y < result.height; ++y) {
        Pixel* out = result.row(y);
        for (int x = 0; x < result.width; ++x) {
            double u = a[0] * (x + 0.5) + a[1] * (y + 0.5) + a[2];
            double v = a[3] * (x + 0.5) + a[4] * (y + 0.5) + a[5];
            if (!(u >= 0.0 && u < source.width && v >= 0.0 && v < source.height)) continue;
            u -= 0.5;
            v -= 0.5;
            const int left = u < 0.0 ? -1 : static_cast<int>(u);
            const int top = v < 0.0 ? -1 : static_cast<int>(v);
            const double right_share = u - left, lower_share = v - top;
            // Beyond the edge the pixels of the edge are repeated.
            const int x0 = std::max(left, 0), x1 = std::min(left + 1, last_x);
            const int y0 = std::max(top, 0), y1 = std::min(top + 1, last_y);
            const double *a0 = at(x0, y0), *a1 = at(x1, y0), *b0 = at(x0, y1), *b1 = at(x1, y1);
            std::int32_t values[4];
            for (int c = 0; c < 4; ++c) {
                const double over = a0[c] + (a1[c] - a0[c]) * right_share;
                const double under = b0[c] + (b1[c] - b0[c]) * right_share;
                values[c] = static_cast<std::int32_t>(over + (under - over) * lower_share);
            }
            for (std::size_t c = 0; c < 4; ++c) out[x][c] = static_cast<std::uint8_t>(values[c]);
        }
    }
}

}  // namespace

void premultiply(Raster& image) {
    for (Pixel& p : image.pixels)
        for (std::size_t c = 0; c < 3; ++c) p[c] = times(p[c], p[3]);
}

void unpremultiply(Raster& image) {
    for (Pixel& p : image.pixels) {
        const unsigned alpha = p[3];
        if (alpha == 0 || alpha == 255) continue;
        for (std::size_t c = 0; c < 3; ++c)
            p[c] = static_cast<std::uint8_t>(std::min(255u * p[c] / alpha, 255u));
    }
}

Raster transform(const Raster& source, const Affine& affine, int width, int height) {
    Raster result(width, height);
    interpolate(source, affine, result);
    return result;
}

Raster resize(const Raster& source, int width, int height, Order order) {
    if (width == source.width && height == source.height) return source;
    std::vector<std::int32_t> channels = channels_of<std::int32_t>(source);
    const int lost_rows = source.height - height, lost_columns = source.width - width;
    const bool columns_first =
        order == Order::columns_first_if_flatter && lost_rows > 0 && lost_rows > 2 * lost_columns;
    int current_width = source.width;
    const auto resize_height = [&] {
        channels = filter_columns(channels, current_width, filter_of(source.height, height));
    };
    // An axis whose size stays is not filtered at all.
    if (lost_rows != 0 && columns_first) resize_height();
    if (lost_columns != 0) channels = filter_rows(channels, source.width, filter_of(source.width, width));
    current_width = width;
    if (lost_rows != 0 && !columns_first) resize_height();
    Raster result(width, height);
    for (std::size_t i = 0; i < result.pixels.size(); ++i)
        for (std::size_t c = 0; c < 4; ++c)
            result.pixels[i][c] = static_cast<std::uint8_t>(channels[4 * i + c]);
    return result;
}

Raster warp(const Raster& source, const Bilinear& map, int width, int height) {
    Raster result(width, height);
    for (int y = 0; y < height; ++y) {
        Pixel* out = result.row(y);
        for (int x = 0; x < width; ++x) {
            const double s = x + 0.5, t = y + 0.5;
            const double u = map[0] + map[1] * s + map[2] * t + map[3] * s * t;
            const double v = map[4] + map[5] * s + map[6] * t + map[7] * s * t;
            if (u >= 0.0 && u < source.width && v >= 0.0 && v < source.height)
                out[x] = source.row(static_cast<int>(v))[static_cast<int>(u)];
        }
    }
    return result;
}

}  // namespace captcha
