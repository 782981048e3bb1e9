"""Users by SCIM 2.0 (RFC 7643, RFC 7644): create, get, list and delete; the rest answers 501."""
