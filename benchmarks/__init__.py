"""The benchmarks of `make bench`: the live path against a rival and bare SQL, and waves on a
growing pool."""
