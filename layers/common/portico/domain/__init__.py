"""The words of API management as plain Python values: no AWS, no HTTP, no clock, no environment."""
