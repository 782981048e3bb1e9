"""What throttling is made of: counters, the compiled policy table, conditions, deny policies."""
