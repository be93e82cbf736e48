"""Benchmarks: each prints figures of the service beside a floor measured in the same run."""
