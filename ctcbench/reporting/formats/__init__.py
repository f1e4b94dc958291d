"""The formats of a report: terminal, Markdown, LaTeX, CSV, JSON, HTML, SVG."""
