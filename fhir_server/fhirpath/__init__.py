"""FHIRPath 2.0 with the FHIR R4 type model: parsed, compiled once to closures, evaluated without any I/O."""
