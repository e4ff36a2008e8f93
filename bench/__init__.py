"""Benchmarks: each measures what the hub does beside a limit measured in the same run, on the same machine.

`make bench` runs all of them in a home of its own, ``var/bench/home``. A file here with a function ``measure`` is one;
``bench/all.py`` lists them.
"""
