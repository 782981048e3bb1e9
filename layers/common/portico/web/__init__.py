"""What the functions with a REST interface or pages share: contract, errors, callers, sessions,
look.
"""
