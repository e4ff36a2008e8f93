"""Evidence: append, sequence, Merkle tree, checkpoints, verification."""
