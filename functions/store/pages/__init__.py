"""The developer portal's pages: a service call and a template each."""
