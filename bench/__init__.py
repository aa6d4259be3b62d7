"""Benchmarks: what a change costs or gains, as ratios between servers measured in one run on one database."""
