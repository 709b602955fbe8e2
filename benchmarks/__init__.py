"""What `make bench` runs: the platform's real processes under load, and what they took."""
