"""The clinical vocabulary of the sample clinic: a small authored set of codes, with short facts only.

SNOMED CT, LOINC and RxNorm are licensed works; what stands here are single codes as facts, with
names of our own, none of their content.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
CVX = "http://hl7.org/fhir/sid/cvx"
UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine as it is prescribed: `frequency` times in `period` days, for `days`."""

    key: str
    text: str
    rxnorm: str
    atc: str
    ingredient: str
    form: tuple[str, str]
    dose: str
    unit: str
    frequency: int
    days: int
    as_needed: bool = False
    least_age: int = 12


_TABLET, _CAPSULE, _INHALER = ("385055001", "Tablet"), ("385049006", "Capsule"), ("420317006", "Inhaler")

MEDICINES = {
    m.key: m
    for m in (
        Medicine("metformin", "Metformin 500 mg tablet", "6809", "A10BA02", "Metformin", _TABLET, "1", "tablet", 2, 90),
        Medicine(
            "lisinopril", "Lisinopril 10 mg tablet", "29046", "C09AA03", "Lisinopril", _TABLET, "1", "tablet", 1, 90
        ),
        Medicine(
            "amlodipine", "Amlodipine 5 mg tablet", "17767", "C08CA01", "Amlodipine", _TABLET, "1", "tablet", 1, 90
        ),
        Medicine(
            "atorvastatin",
            "Atorvastatin 20 mg tablet",
            "83367",
            "C10AA05",
            "Atorvastatin",
            _TABLET,
            "1",
            "tablet",
            1,
            90,
        ),
        Medicine(
            "levothyroxine",
            "Levothyroxine 50 microgram tablet",
            "10582",
            "H03AA01",
            "Levothyroxine",
            _TABLET,
            "1.5",
            "tablet",
            1,
            90,
        ),
        Medicine(
            "salbutamol",
            "Salbutamol 100 microgram inhaler",
            "435",
            "R03AC02",
            "Salbutamol",
            _INHALER,
            "2",
            "puff",
            4,
            30,
            as_needed=True,
            least_age=4,
        ),
        Medicine(
            "sertraline",
            "Sertraline 50 mg tablet",
            "36437",
            "N06AB06",
            "Sertraline",
            _TABLET,
            "1",
            "tablet",
            1,
            60,
            least_age=18,
        ),
        Medicine(
            "omeprazole", "Omeprazole 20 mg capsule", "7646", "A02BC01", "Omeprazole", _CAPSULE, "1", "capsule", 1, 28
        ),
        Medicine(
            "paracetamol",
            "Paracetamol 500 mg tablet",
            "161",
            "N02BE01",
            "Paracetamol",
            _TABLET,
            "1",
            "tablet",
            3,
            5,
            as_needed=True,
            least_age=10,
        ),
        Medicine(
            "ibuprofen",
            "Ibuprofen 200 mg tablet",
            "5640",
            "M01AE01",
            "Ibuprofen",
            _TABLET,
            "2",
            "tablet",
            3,
            5,
            as_needed=True,
        ),
        Medicine(
            "amoxicillin",
            "Amoxicillin 500 mg capsule",
            "723",
            "J01CA04",
            "Amoxicillin",
            _CAPSULE,
            "1",
            "capsule",
            3,
            7,
            least_age=8,
        ),
        Medicine(
            "azithromycin",
            "Azithromycin 250 mg tablet",
            "18631",
            "J01FA10",
            "Azithromycin",
            _TABLET,
            "2",
            "tablet",
            1,
            3,
        ),
        Medicine(
            "cetirizine",
            "Cetirizine 10 mg tablet",
            "20610",
            "R06AE07",
            "Cetirizine",
            _TABLET,
            "1",
            "tablet",
            1,
            30,
            least_age=6,
        ),
        Medicine(
            "ferrous-sulfate",
            "Ferrous sulfate 325 mg tablet",
            "24947",
            "B03AA07",
            "Ferrous sulfate",
            _TABLET,
            "1",
            "tablet",
            1,
            60,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosis. `share` is how many of 1000 people between the ages have it (chronic) or how
    often it is the reason of a visit (acute).
    """

    text: str
    snomed: str
    icd10: str
    ages: tuple[int, int]
    share: int
    medicines: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    chronic: bool = True


CHRONIC = (
    Problem("Hypertension", "38341003", "I10", (35, 110), 330, ("lisinopril", "amlodipine"), ("metabolic",)),
    Problem("Type 2 diabetes mellitus", "44054006", "E11.9", (35, 110), 130, ("metformin",), ("hba1c", "metabolic")),
    Problem("Hyperlipidaemia", "55822004", "E78.5", (35, 110), 240, ("atorvastatin",), ("lipid",)),
    Problem("Asthma", "195967001", "J45.9", (4, 110), 80, ("salbutamol",)),
    Problem("Hypothyroidism", "40930008", "E03.9", (25, 110), 60, ("levothyroxine",), ("thyroid",)),
    Problem("Depressive disorder", "35489007", "F32.9", (18, 110), 70, ("sertraline",)),
    Problem("Migraine", "37796009", "G43.9", (14, 70), 90, ("ibuprofen",)),
    Problem("Gastro-oesophageal reflux disease", "235595009", "K21.9", (25, 110), 90, ("omeprazole",)),
    Problem("Osteoarthritis", "396275006", "M19.9", (50, 110), 180, ("paracetamol",)),
    Problem("Anaemia", "271737000", "D64.9", (12, 110), 50, ("ferrous-sulfate",), ("blood-count",)),
    Problem("Allergic rhinitis", "61582004", "J30.4", (6, 70), 120, ("cetirizine",)),
    Problem("Atrial fibrillation", "49436004", "I48.9", (60, 110), 60, (), ("metabolic",)),
)

ACUTE = (
    Problem(
        "Viral upper respiratory tract infection", "281794004", "J06.9", (0, 110), 40, ("paracetamol",), chronic=False
    ),
    Problem("Acute bronchitis", "10509002", "J20.9", (2, 110), 20, (), ("blood-count",), chronic=False),
    Problem("Streptococcal sore throat", "43878008", "J02.0", (4, 60), 15, ("amoxicillin",), chronic=False),
    Problem("Cystitis", "38822007", "N30.9", (16, 110), 12, ("azithromycin",), chronic=False),
    Problem("Low back pain", "279039007", "M54.5", (18, 110), 25, ("ibuprofen",), chronic=False),
    Problem("Sprain of ankle", "44465007", "S93.4", (8, 80), 12, ("ibuprofen",), chronic=False),
    Problem("Acute otitis media", "3110003", "H66.9", (1, 12), 25, (), chronic=False),
    Problem("Gastroenteritis", "25374005", "A09", (0, 110), 20, (), ("metabolic",), chronic=False),
)


@dataclass(frozen=True, slots=True)
class Analyte:
    """A laboratory measurement: typical value and spread, what is possible, and the reference range."""

    text: str
    loinc: str
    unit: str
    ucum: str
    mean: float
    deviation: float
    places: int
    possible: tuple[float, float]
    normal: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Panel:
    """A laboratory panel. `price` in the clinic's price units."""

    key: str
    text: str
    loinc: str
    price: int
    analytes: tuple[Analyte, ...] = field(default=())


PANELS = {
    p.key: p
    for p in (
        Panel("metabolic", "Basic metabolic panel", "51990-0", 24, (
            Analyte("Glucose", "2345-7", "mg/dL", "mg/dL", 97, 16, 0, (45, 420), ("70", "99")),
            Analyte("Urea nitrogen", "3094-0", "mg/dL", "mg/dL", 14, 4, 0, (3, 90), ("7", "20")),
            Analyte("Creatinine", "2160-0", "mg/dL", "mg/dL", 0.92, 0.2, 2, (0.3, 9.0), ("0.60", "1.30")),
            Analyte("Sodium", "2951-2", "mmol/L", "mmol/L", 140, 2.4, 0, (120, 160), ("135", "145")),
            Analyte("Potassium", "2823-3", "mmol/L", "mmol/L", 4.2, 0.36, 1, (2.4, 7.0), ("3.5", "5.1")),
            Analyte("Chloride", "2075-0", "mmol/L", "mmol/L", 102, 2.6, 0, (80, 125), ("98", "107")),
        )),
        Panel("blood-count", "Complete blood count", "58410-2", 18, (
            Analyte("Haemoglobin", "718-7", "g/dL", "g/dL", 13.9, 1.3, 1, (5.0, 20.0), ("12.0", "17.5")),
            Analyte("Haematocrit", "4544-3", "%", "%", 41.5, 3.4, 1, (15.0, 60.0), ("36.0", "52.0")),
            Analyte("Leukocytes", "6690-2", "10*3/uL", "10*3/uL", 7.0, 1.9, 1, (0.8, 40.0), ("4.5", "11.0")),
            Analyte("Erythrocytes", "789-8", "10*6/uL", "10*6/uL", 4.7, 0.42, 2, (1.8, 7.5), ("4.00", "5.90")),
            Analyte("Platelets", "777-3", "10*3/uL", "10*3/uL", 252, 52, 0, (20, 900), ("150", "400")),
        )),
        Panel("lipid", "Lipid panel", "57698-3", 22, (
            Analyte("Cholesterol", "2093-3", "mg/dL", "mg/dL", 192, 34, 0, (90, 420), ("0", "200")),
            Analyte("Triglycerides", "2571-8", "mg/dL", "mg/dL", 128, 50, 0, (30, 900), ("0", "150")),
            Analyte("Cholesterol in HDL", "2085-9", "mg/dL", "mg/dL", 53, 12, 0, (15, 120), ("40", "100")),
            Analyte("Cholesterol in LDL", "13457-7", "mg/dL", "mg/dL", 114, 30, 0, (20, 300), ("0", "130")),
        )),
        Panel("hba1c", "Haemoglobin A1c", "4548-4", 16, (
            Analyte("Haemoglobin A1c", "4548-4", "%", "%", 7.1, 1.0, 1, (4.0, 15.0), ("4.0", "5.6")),
        )),
        Panel("thyroid", "Thyrotropin", "3016-3", 17, (
            Analyte("Thyrotropin", "3016-3", "m[IU]/L", "m[IU]/L", 2.6, 1.3, 2, (0.01, 40.0), ("0.40", "4.50")),
        )),
        Panel("liver", "Liver function panel", "24325-3", 21, (
            Analyte("Alanine aminotransferase", "1742-6", "U/L", "U/L", 25, 9, 0, (5, 400), ("7", "45")),
            Analyte("Aspartate aminotransferase", "1920-8", "U/L", "U/L", 23, 7, 0, (5, 400), ("8", "40")),
            Analyte("Alkaline phosphatase", "6768-6", "U/L", "U/L", 74, 19, 0, (20, 500), ("40", "130")),
            Analyte("Bilirubin", "1975-2", "mg/dL", "mg/dL", 0.6, 0.22, 1, (0.1, 12.0), ("0.1", "1.2")),
        )),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allergen:
    """What people are allergic to, and how it shows."""

    text: str
    snomed: str
    category: str
    criticality: str
    manifestations: tuple[tuple[str, str], ...]


_RASH, _HIVES, _SNEEZING = ("271807003", "Rash"), ("126485001", "Hives"), ("76067001", "Sneezing")
_ANAPHYLAXIS, _NAUSEA, _WHEEZING = ("39579001", "Anaphylaxis"), ("422587007", "Nausea"), ("56018004", "Wheezing")

ALLERGENS = (
    Allergen("Penicillin", "764146007", "medication", "high", (_RASH, _HIVES, _ANAPHYLAXIS)),
    Allergen("Aspirin", "387458008", "medication", "low", (_HIVES, _WHEEZING)),
    Allergen("Peanut", "762952008", "food", "high", (_HIVES, _ANAPHYLAXIS)),
    Allergen("Egg", "102263004", "food", "low", (_RASH, _NAUSEA)),
    Allergen("Shellfish", "735029006", "food", "high", (_HIVES, _NAUSEA)),
    Allergen("Latex", "111088007", "environment", "low", (_RASH,)),
    Allergen("Grass pollen", "256277009", "environment", "low", (_SNEEZING,)),
    Allergen("House dust mite", "260147004", "environment", "low", (_SNEEZING, _WHEEZING)),
    Allergen("Bee venom", "288328004", "environment", "high", (_ANAPHYLAXIS, _RASH)),
)


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine: given at these ages in years; `yearly` from the first of them on."""

    text: str
    cvx: str
    ages: tuple[int, ...]
    target: tuple[str, str]
    yearly: bool = False


VACCINES = (
    Vaccine("Measles, mumps and rubella", "03", (1, 5), ("14189004", "Measles")),
    Vaccine("Tetanus, diphtheria and pertussis", "115", (11, 21, 31, 41, 51, 61, 71, 81), ("76902006", "Tetanus")),
    Vaccine("Hepatitis B, paediatric", "08", (0, 1), ("66071002", "Hepatitis B")),
    Vaccine("Influenza, seasonal", "140", (50,), ("6142004", "Influenza"), yearly=True),
    Vaccine("Pneumococcal conjugate", "133", (0, 66), ("16814004", "Pneumococcal disease")),
    Vaccine("Human papillomavirus", "165", (12, 13), ("240532009", "Human papillomavirus infection")),
)


@dataclass(frozen=True, slots=True)
class Act:
    """A procedure done at a visit. `price` in the clinic's price units."""

    text: str
    snomed: str
    price: int
    minutes: int
    least_age: int = 0


ACTS = (
    Act("Electrocardiogram", "29303009", 35, 10, 30),
    Act("Spirometry", "127783003", 40, 15, 6),
    Act("Plain chest X-ray", "399208008", 55, 10, 15),
    Act("Ultrasound of abdomen", "45036003", 80, 20, 10),
    Act("Nutrition counselling", "61310001", 30, 20, 3),
    Act("Fundoscopy", "53524009", 25, 10, 18),
    Act("Removal of suture", "30549001", 20, 10),
)


@dataclass(frozen=True, slots=True)
class VisitKind:
    """Why people come. `price` in the clinic's price units."""

    key: str
    text: str
    snomed: str
    minutes: int
    price: int


CHECK_UP = VisitKind("check-up", "Encounter for check up", "185349003", 30, 60)
FOLLOW_UP = VisitKind("follow-up", "Follow-up encounter", "390906007", 20, 45)
SYMPTOM = VisitKind("symptom", "Encounter for symptom", "185345009", 20, 50)

SPECIALTIES = (
    ("394814009", "General practice"),
    ("419772000", "Family practice"),
    ("419192003", "Internal medicine"),
)

UNITS_OF_CURRENCY = {
    "GBP": 1, "EUR": 1, "USD": 1, "JPY": 160, "EGP": 40, "INR": 90, "BRL": 5, "TWD": 32, "KRW": 1400,
    "VND": 25000, "KES": 140, "THB": 36, "ILS": 4, "KZT": 480,
}  # fmt: skip
"""What one price unit is worth, roughly."""
