"""`make build` and `make deploy`: what `sam build` leaves undone, and the hash of the sources."""
