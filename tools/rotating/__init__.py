"""New signing keys for a deployment, by one command."""
