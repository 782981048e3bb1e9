"""Other gateways on this machine with the same token and the same back end as Portico."""
