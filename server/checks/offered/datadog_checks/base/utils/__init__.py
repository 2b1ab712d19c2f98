"""offered/datadog_checks/base/utils: helpers that custom checks import, a subject a file."""
