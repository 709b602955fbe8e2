"""What `make bench` runs: the live path beside a rival and a floor, and waves as the pool grows."""
