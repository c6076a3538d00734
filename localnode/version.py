"""The one version of Elasticsearch that this project is built on."""

VERSION = "9.4.3"
