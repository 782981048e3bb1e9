"""The publisher function: REST API and console of those who make APIs."""
