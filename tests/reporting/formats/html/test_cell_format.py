"""Numbers and positions in the page's tables."""

from ctcbench.reporting.formats.html import (
    cell_format,
)
from ctcbench.reporting.number_format import signed


def test_cell_formats():
    assert signed(-0.0031) == "−0.31" and signed(0.021) == "+2.10"
    assert signed(-1e-9) == "+0.00"  # as sums of equal figures may leave it
    assert cell_format.share(None) == "–" and cell_format.share(0.91953) == "91.95"
    assert cell_format.breakable("cnn3:width=<4>") == "cnn3:<wbr>width=&lt;4&gt;"
    assert cell_format.Scale(0.0, 2.0).at(5.0) == "100.00%" and cell_format.Scale(1.0, 1.0).at(1.0) == "0.00%"
