"""The only place where a call to an API is judged; knows nothing of back ends."""
