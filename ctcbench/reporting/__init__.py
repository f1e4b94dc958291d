"""Reports of stored results: reports as plain data, their tables, and the formats they are written in."""
