// The Python module of the captcha painter: checks arguments and converts them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cmath>
#include <cstring>
#include <string_view>

#include "captcha/glyph.hpp"

namespace py = pybind11;

namespace {

using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

constexpr int kLargest = 1 << 20;  // rows or columns of an image; sums of a few stay far from overflow

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

captcha::Pixel pixel_of(std::uint32_t rgba) {
    return {static_cast<std::uint8_t>(rgba >> 24), static_cast<std::uint8_t>(rgba >> 16),
            static_cast<std::uint8_t>(rgba >> 8), static_cast<std::uint8_t>(rgba)};
}

// An image in the making: characters are pasted, then noise and smoothing finish it.
class Canvas {
  public:
    Canvas(int width, int height, std::uint32_t background, captcha::Order order)
        : raster_(checked(width), checked(height)), order_(order) {
        std::fill(raster_.pixels.begin(), raster_.pixels.end(), pixel_of(background));
    }

    void paint(std::uint32_t ink, int left, const Bytes& mask, double cosine, double sine, int width,
               int height, int x1, int y1, int x2, int y2) {
        require(mask.ndim() == 2 && mask.shape(0) >= 1 && mask.shape(1) >= 1, "mask must be (H, W)");
        require(mask.shape(0) <= kLargest && mask.shape(1) <= kLargest, "mask is too large");
        require(std::isfinite(cosine) && std::isfinite(sine) && std::abs(cosine) <= 1 && std::abs(sine) <= 1,
                "cosine and sine must be those of a rotation");
        checked(width);
        checked(height);
        for (const int shift : {x1, y1, x2, y2})
            require(shift > -kLargest && shift < kLargest, "a corner is shifted too far");
        require(left > -kLargest && left < kLargest, "left is too far from the canvas");
        const captcha::Mask glyph{mask.data(), static_cast<int>(mask.shape(1)),
                                  static_cast<int>(mask.shape(0))};
        const captcha::Raster drawn =
            captcha::draw_glyph(glyph, pixel_of(ink), {cosine, sine, width, height, x1, y1, x2, y2}, order_);
        // Rounded towards zero, as int() does in Python, also where the character is the higher one.
        captcha::paste(drawn, raster_, left, (raster_.height - height) / 2);
    }

    Bytes finish(int width, const py::bytes& coverage, std::uint32_t ink, int channels) {
        require(channels == 1 || channels == 3, "an image has 1 channel or 3");
        if (checked(width) != raster_.width)
            raster_ = captcha::resize(raster_, width, raster_.height, order_);
        const std::string_view values = coverage;
        require(values.size() == raster_.pixels.size(), "coverage must have a byte per pixel");
        const std::vector<std::uint8_t> pixels = captcha::finish(
            raster_, reinterpret_cast<const std::uint8_t*>(values.data()), pixel_of(ink), channels);
        Bytes result = channels == 1 ? Bytes({raster_.height, raster_.width})
                                     : Bytes({channels, raster_.height, raster_.width});
        std::memcpy(result.mutable_data(), pixels.data(), pixels.size());
        return result;
    }

  private:
    static int checked(int size) {
        require(size >= 1 && size <= kLargest, "a size must lie in [1, 1048576]");
        return size;
    }

    captcha::Raster raster_;
    captcha::Order order_;
};

}  // namespace

PYBIND11_MODULE(_captcha_canvas, module) {
    module.doc() = "Draws the characters of captchas; see ctcbench.builtin.captcha_composer.";
    module.attr("interface_stamp") = INTERFACE_STAMP;
    py::enum_<captcha::Order>(module, "Order", "Which axis Pillow resizes first.")
        .value("rows_first", captcha::Order::rows_first)
        .value("columns_first_if_flatter", captcha::Order::columns_first_if_flatter);
    py::class_<Canvas>(module, "Canvas", "An image in the making. Colours are integers 0xRRGGBBAA.")
        .def(py::init<int, int, std::uint32_t, captcha::Order>(), py::arg("width"), py::arg("height"),
             py::arg("background"), py::arg("order"))
        .def("paint", &Canvas::paint, py::arg("ink"), py::arg("left"), py::arg("mask"), py::arg("cosine"),
             py::arg("sine"), py::arg("width"), py::arg("height"), py::arg("x1"), py::arg("y1"),
             py::arg("x2"), py::arg("y2"),
             "Draw a character of coverage `mask`, uint8 (H, W), with its left edge here.")
        .def("finish", &Canvas::finish, py::arg("width"), py::arg("coverage"), py::arg("ink"),
             py::arg("channels") = 1,
             "Resize to `width`, ink what `coverage` covers, smooth; return the brightness, uint8 (H, W), or "
             "with three channels the colours, uint8 (3, H, W).");
}
