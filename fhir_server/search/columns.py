"""Which search parameters are columns of a resource's row, so that an index of the database serves them.

The tables restate what R4's expressions and cardinalities say; a test derives them anew.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHOUT_ENTRIES = frozenset({"_id", "_lastUpdated"})
"""Parameters answered from columns every row has: nothing of them is in the index."""

MAIN_DATES: Mapping[str, str] = MappingProxyType(
    {
        "Account": "period",
        "AllergyIntolerance": "date",
        "Basic": "created",
        "Bundle": "timestamp",
        "ChargeItem": "occurrence",
        "Claim": "created",
        "ClaimResponse": "created",
        "Communication": "sent",
        "CommunicationRequest": "authored",
        "Condition": "onset-date",
        "Contract": "issued",
        "CoverageEligibilityRequest": "created",
        "CoverageEligibilityResponse": "created",
        "DetectedIssue": "identified",
        "DeviceRequest": "event-date",
        "DocumentManifest": "created",
        "ExplanationOfBenefit": "created",
        "Goal": "start-date",
        "ImagingStudy": "started",
        "Media": "created",
        "MedicationAdministration": "effective-time",
        "MedicationDispense": "whenhandedover",
        "MedicationRequest": "authoredon",
        "MedicationStatement": "effective",
        "NutritionOrder": "datetime",
        "Patient": "birthdate",
        "PaymentNotice": "created",
        "PaymentReconciliation": "created",
        "Person": "birthdate",
        "Provenance": "recorded",
        "QuestionnaireResponse": "authored",
        "RelatedPerson": "birthdate",
        "RequestGroup": "authored",
        "ServiceRequest": "authored",
        "Slot": "start",
        "Specimen": "collected",
        "Task": "authored-on",
        "TestReport": "issued",
        "VisionPrescription": "datewritten",
    }
)
"""The parameter whose one range lies in the columns `date_low` and `date_high`, where it is not `date`."""

_PATIENT_ALONE = (
    "AllergyIntolerance",
    "BodyStructure",
    "Claim",
    "ClaimResponse",
    "Consent",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "EpisodeOfCare",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "MolecularSequence",
    "NutritionOrder",
    "RelatedPerson",
    "SupplyDelivery",
    "VisionPrescription",
)
_PATIENT_AND_SUBJECT = (
    "Basic",
    "CarePlan",
    "CareTeam",
    "ChargeItem",
    "ClinicalImpression",
    "Communication",
    "CommunicationRequest",
    "Composition",
    "Condition",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "Encounter",
    "EnrollmentRequest",
    "Flag",
    "Goal",
    "GuidanceResponse",
    "ImagingStudy",
    "Invoice",
    "List",
    "MeasureReport",
    "Media",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "QuestionnaireResponse",
    "RequestGroup",
    "RiskAssessment",
    "ServiceRequest",
    "Specimen",
    "Task",
)
PATIENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(_PATIENT_ALONE, ("patient",))
    | dict.fromkeys(_PATIENT_AND_SUBJECT, ("patient", "subject"))
    | dict.fromkeys(("AdverseEvent", "SupplyRequest"), ("subject",))
    | {
        "AppointmentResponse": ("patient", "actor", "location", "practitioner"),
        "Coverage": ("patient", "beneficiary"),
        "ResearchSubject": ("patient", "individual"),
    }
)
"""The parameters for which the column `patient` says the same as the index, where they ask for `Patient/…` alone.

The first fills the column; the others select the same element, which is there once at most.
"""
