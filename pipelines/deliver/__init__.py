"""Preparing files and offline packages under a release."""
