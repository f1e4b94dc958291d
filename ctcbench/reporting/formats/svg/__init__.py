"""Figures of a report as SVG, to stand in a page or a paper by themselves."""
