"""Reading of pictures with a trained recogniser; no module here but `torch_reader` needs torch."""
