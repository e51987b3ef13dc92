"""What the FHIR specification says, as data and pure functions: definitions, formats, primitives, bundles."""
