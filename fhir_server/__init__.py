"""A FHIR R4 (4.0.1) server in Python: stores, serves and searches every R4 resource type."""

__version__ = "0.1.0"
