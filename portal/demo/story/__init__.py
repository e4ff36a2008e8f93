"""The story of the demo, point by point; each step is played by a named person."""
