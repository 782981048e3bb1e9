"""The store function: the developer portal's REST API and pages."""
