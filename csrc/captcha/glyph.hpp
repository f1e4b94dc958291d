// The characters of a captcha: turned, warped and pasted one after another, as the package captcha does it.
#pragma once

#include "captcha/raster.hpp"

namespace captcha {

// The coverage of a character's pixels, 0 to 255, without empty rows and columns at the edges.
struct Mask {
    const std::uint8_t* values;
    int width;
    int height;
};

// How one character stands in the image.
struct Pose {
    double cosine;  // of the angle, clockwise
    double sine;
    int width;   // of its box in the image
    int height;  // of its box in the image
    int x1,
        y1;  // shift of the upper left corner; the upper right one mirrors its y, the lower left one its x
    int x2, y2;  // shift of the lower right corner; the others mirror it likewise
};

// Return the character in this colour, turned and warped; the size is that of the pose's box.
Raster draw_glyph(const Mask& mask, const Pixel& ink, const Pose& pose, Order order);

// Blend a character into the canvas at (left, top), clipped to the canvas. The brightness of its colour
// is its opacity.
void paste(const Raster& glyph, Raster& canvas, int left, int top);

// Set the pixels of the canvas whose coverage is not 0 to the ink, then smooth the canvas. Return its
// brightness for one channel, or its red, green and blue plane for three, one byte per pixel and channel.
std::vector<std::uint8_t> finish(const Raster& canvas, const std::uint8_t* coverage, const Pixel& ink,
                                 int channels);

}  // namespace captcha
