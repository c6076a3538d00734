"""The HTTP side of the service. A view parses, calls one thing, and answers."""
