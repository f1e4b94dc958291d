"""Worker processes: the parent's side, the child's side, signals. No torch."""
