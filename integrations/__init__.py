"""Neighbours: HL7v2, X12, messaging. They come in by the front desk (`fhir_server.interactions.perform`)."""
