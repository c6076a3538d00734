"""The package's version, by semantic versioning; that of the HTTP contract is its own (`service.api.contract`)."""

__version__ = "0.1.0"
