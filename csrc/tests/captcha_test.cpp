// Characters of random shapes, poses and places, for the sanitizers: no image may be read or written
// outside of its pixels. That the pixels are right is tested from Python, against the package captcha.
#include <cmath>
#include <cstdio>
#include <random>

#include "captcha/glyph.hpp"

int main() {
    std::mt19937 random(7);
    const auto below = [&](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
    for (int round = 0; round < 3000; ++round) {
        captcha::Raster canvas(1 + below(60), 1 + below(40));
        const captcha::Pixel ink{9, 99, 199, static_cast<std::uint8_t>(220 + below(36))};
        const int width = 1 + below(30), height = 1 + below(30);
        std::vector<std::uint8_t> mask(static_cast<std::size_t>(width * height));
        for (std::uint8_t& value : mask) value = static_cast<std::uint8_t>(std::max(0, below(512) - 256));
        // Some angles are 0, some a right angle; most lie within the package's 30 degrees.
        const double angle = below(8) ? (below(2000) - 1000) / 1900.0 : below(2) * std::acos(0.0);
        const captcha::Pose pose{std::cos(angle), std::sin(angle), 1 + below(40),  1 + below(40),
                                 below(25) - 12,  below(25) - 12,  below(25) - 12, below(25) - 12};
        const auto order = below(2) ? captcha::Order::rows_first : captcha::Order::columns_first_if_flatter;
        const captcha::Raster glyph = captcha::draw_glyph({mask.data(), width, height}, ink, pose, order);
        if (glyph.width != pose.width || glyph.height != pose.height) return std::puts("wrong size"), 1;
        captcha::paste(glyph, canvas, below(200) - 100, below(120) - 60);
        canvas = captcha::resize(canvas, 1 + below(60), canvas.height, order);
        std::vector<std::uint8_t> coverage(canvas.pixels.size());
        for (std::uint8_t& value : coverage) value = static_cast<std::uint8_t>(below(20) == 0);
        const int channels = below(2) ? 1 : 3;
        const std::size_t size = coverage.size() * static_cast<std::size_t>(channels);
        if (captcha::finish(canvas, coverage.data(), ink, channels).size() != size)
            return std::puts("wrong size"), 1;
    }
    std::puts("all passed");
}
