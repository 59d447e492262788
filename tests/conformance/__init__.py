"""`make conformance`: people's own clients against a real catalog, each of them as its users run it.

A client is a module in `clients/`: what tells its version, and a table of actions. An action does one thing that its
users do, and fails when the client does.
"""
