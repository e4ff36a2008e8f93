"""The edges: pages, JSON API, commands and the worker."""
