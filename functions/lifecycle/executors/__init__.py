"""What carries out an outbox entry: one file each, listed in `functions.lifecycle.wiring`."""
