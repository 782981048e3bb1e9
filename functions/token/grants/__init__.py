"""One module a grant type: `GRANT_TYPE` and `issue(grant, wiring)`; `handler.GRANTS` lists them."""
