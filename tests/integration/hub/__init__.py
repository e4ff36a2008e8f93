"""Tests of a whole running hub; a package, so that the hub they share ends with the last of them."""
