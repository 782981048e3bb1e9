"""The operations of the developer portal's contract, one module a noun; they parse, call one
service and answer.
"""
