"""How requests reach the application: a gunicorn worker in which slow callers cost no thread."""
