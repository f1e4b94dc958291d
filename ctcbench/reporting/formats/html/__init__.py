"""The report as one HTML file that needs nothing else: templates, styles and scripts, and what fills them."""
