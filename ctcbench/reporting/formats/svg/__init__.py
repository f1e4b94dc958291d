"""Figures of a report as SVG, for a page or a paper."""
