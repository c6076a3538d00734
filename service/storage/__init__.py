"""Where counters are kept: the protocol that the strategies write against, and Elasticsearch behind it."""
