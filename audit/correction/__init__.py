"""A system clock that ran ahead and was set right: two people declare it, and checkpoints may be dated back once."""
