"""A pytest plug-in: the fixture `fhir_server` is a whole FHIR server inside the test process, empty for each test."""
