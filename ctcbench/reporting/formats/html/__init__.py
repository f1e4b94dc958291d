"""The report as one self-contained HTML file: templates, styles and scripts, and the data in them."""
