"""The front desk: FHIR's interactions, free of any transport. Everything that comes in comes in here.

https://hl7.org/fhir/R4/http.html
"""
