"""API definitions (Swagger 2.0, OpenAPI 3.0 and 3.1): read, checked, and written back with an API's
resources.
"""
