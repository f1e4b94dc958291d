"""Studies: many configurations planned, run by an executor and recorded, each model trained once."""
