"""Counters in Elasticsearch that many clients can increment at once, by four update strategies."""

from service.app import create_app

__all__ = ["create_app"]
