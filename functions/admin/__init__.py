"""The operators' function: the Admin REST API, and users by SCIM 2.0."""
