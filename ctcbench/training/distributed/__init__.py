"""Several processes that train one model: rank, process group, synchronised batch norm."""
