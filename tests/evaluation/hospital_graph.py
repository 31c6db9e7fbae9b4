"""A hospital as a graph, made from a seed: the second domain on which questions are asked and models are measured.

Nothing here is real: people, dates, prices and doses are drawn at random; only the names of diseases, their
ICD-10 codes and the names of drugs are those of the world. `batches()` is pure data; `load(connection)` writes it.

    (:Patient)-[:DIAGNOSED_WITH]->(:Diagnosis)-[:HANDLED_BY]->(:Department)
    (:Patient)-[:TAKES]->(:Drug)-[:TREATS]->(:Diagnosis)      (:Drug)-[:INTERACTS_WITH]->(:Drug)
    (:Patient)-[:HAS_APPOINTMENT]->(:Appointment)-[:WITH_DOCTOR]->(:Doctor)-[:WORKS_IN|HEADS]->(:Department)
    (:Appointment)-[:ORDERED]->(:LabTest)                     (:Doctor)-[:SUPERVISES]->(:Doctor)
    (:Patient)-[:ADMITTED_TO]->(:Ward)-[:BELONGS_TO]->(:Department)      (:Nurse)-[:ASSIGNED_TO]->(:Ward)
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

Row = dict[str, Any]


class Batch(NamedTuple):
    """One statement and the rows that it unwinds (parameter `rows`)."""

    statement: str
    rows: list[Row]


class Writer(Protocol):
    """What `load` needs of a connection."""

    def write(self, text: str, params: dict[str, Any] | None = None) -> object: ...


# name, floor, phone, opened, emergency cover
DEPARTMENTS = """
Cardiology|3|+44 20 5550 0103|1987-04-01|yes
Neurology|4|+44 20 5550 0104|1991-09-16|yes
Oncology|5|+44 20 5550 0105|1998-01-12|no
Orthopaedics|2|+44 20 5550 0102|1979-06-01|yes
Pulmonology|3|+44 20 5550 0113|1994-11-07|no
Endocrinology|6|+44 20 5550 0106|2003-02-24|no
Gastroenterology|4|+44 20 5550 0114|1989-08-21|no
Psychiatry|7|+44 20 5550 0107|2001-05-14|yes
Dermatology|1|+44 20 5550 0101|2008-10-06|no
Nephrology|6|+44 20 5550 0116|1996-03-18|no
Accident & Emergency|0|+44 20 5550 0100|1972-01-03|yes
Ophthalmology|1|+44 20 5550 0111|2012-07-30|no
"""

# ICD-10 code, name, chronic, department, drugs that treat it
DIAGNOSES = """
E11|Type 2 diabetes|yes|Endocrinology|Metformin,Insulin glargine
E10|Type 1 diabetes|yes|Endocrinology|Insulin glargine
E03|Hypothyroidism|yes|Endocrinology|Levothyroxine
E78|High cholesterol|yes|Endocrinology|Atorvastatin,Simvastatin
I10|Hypertension|yes|Cardiology|Lisinopril,Amlodipine,Losartan,Bisoprolol
I48|Atrial fibrillation|yes|Cardiology|Apixaban,Warfarin,Bisoprolol
I50|Heart failure|yes|Cardiology|Furosemide,Lisinopril,Bisoprolol
I21|Heart attack|no|Cardiology|Aspirin,Clopidogrel
I63|Stroke|no|Neurology|Aspirin,Clopidogrel
G40|Epilepsy|yes|Neurology|Carbamazepine,Levetiracetam,Lamotrigine
G43|Migraine|yes|Neurology|Sumatriptan,Paracetamol
G20|Parkinson's disease|yes|Neurology|Levodopa
J45|Asthma|yes|Pulmonology|Salbutamol,Budesonide
J44|Chronic obstructive pulmonary disease|yes|Pulmonology|Salbutamol,Budesonide,Prednisolone
J18|Pneumonia|no|Pulmonology|Amoxicillin,Azithromycin,Doxycycline
C34|Lung cancer|no|Oncology|Cisplatin
C50|Breast cancer|no|Oncology|Tamoxifen
C61|Prostate cancer|no|Oncology|
M17|Osteoarthritis of the knee|yes|Orthopaedics|Ibuprofen,Naproxen
M54|Back pain|no|Orthopaedics|Ibuprofen,Paracetamol,Tramadol
M81|Osteoporosis|yes|Orthopaedics|Alendronic acid
M06|Rheumatoid arthritis|yes|Orthopaedics|Methotrexate,Adalimumab
S72|Hip fracture|no|Orthopaedics|Morphine,Paracetamol
S52|Forearm fracture|no|Accident & Emergency|Ibuprofen,Paracetamol
T78|Anaphylaxis|no|Accident & Emergency|Adrenaline
K35|Appendicitis|no|Gastroenterology|Morphine
K21|Reflux disease|yes|Gastroenterology|Omeprazole,Pantoprazole
K80|Gallstones|no|Gastroenterology|
K50|Crohn's disease|yes|Gastroenterology|Adalimumab,Prednisolone
F32|Depression|no|Psychiatry|Sertraline,Fluoxetine
F41|Anxiety disorder|no|Psychiatry|Sertraline,Diazepam
F20|Schizophrenia|yes|Psychiatry|Quetiapine
L20|Atopic eczema|yes|Dermatology|Cetirizine
L40|Psoriasis|yes|Dermatology|Methotrexate,Adalimumab
B02|Shingles|no|Dermatology|Aciclovir
N18|Chronic kidney disease|yes|Nephrology|Furosemide
N20|Kidney stones|no|Nephrology|Tramadol
N39|Urinary tract infection|no|Nephrology|Ciprofloxacin,Amoxicillin
H25|Cataract|no|Ophthalmology|
H40|Glaucoma|yes|Ophthalmology|Timolol
"""

# name, form, price of a pack, prescription is controlled, usual doses in mg
DRUGS = """
Metformin|tablet|4.2|no|500,850,1000
Insulin glargine|injection|38.5|no|1,2
Levothyroxine|tablet|3.1|no|1
Atorvastatin|tablet|5.6|no|10,20,40
Simvastatin|tablet|3.9|no|20,40
Lisinopril|tablet|3.4|no|5,10,20
Amlodipine|tablet|2.8|no|5,10
Losartan|tablet|4.7|no|50,100
Bisoprolol|tablet|3.6|no|3,5,10
Apixaban|tablet|53.2|no|3,5
Warfarin|tablet|6.3|no|1,3,5
Furosemide|tablet|2.5|no|20,40
Aspirin|tablet|1.2|no|75,300
Clopidogrel|tablet|7.4|no|75
Carbamazepine|tablet|9.8|no|200,400
Levetiracetam|tablet|12.4|no|500,1000
Lamotrigine|tablet|11.1|no|25,100
Sumatriptan|tablet|8.9|no|50,100
Levodopa|capsule|14.6|no|100,200
Salbutamol|inhaler|6.7|no|1
Budesonide|inhaler|15.3|no|1
Prednisolone|tablet|2.9|no|5,20
Amoxicillin|capsule|3.3|no|250,500
Azithromycin|tablet|7.7|no|250,500
Doxycycline|capsule|4.1|no|100
Ciprofloxacin|tablet|6.8|no|250,500
Aciclovir|tablet|8.2|no|400,800
Cisplatin|injection|122.0|no|10,50
Tamoxifen|tablet|18.4|no|10,20
Ibuprofen|tablet|1.9|no|200,400
Naproxen|tablet|3.7|no|250,500
Paracetamol|tablet|0.9|no|500,1000
Tramadol|capsule|5.9|yes|50,100
Morphine|injection|9.4|yes|10,20
Diazepam|tablet|3.2|yes|2,5,10
Sertraline|tablet|6.1|no|50,100
Fluoxetine|capsule|5.2|no|20
Quetiapine|tablet|21.7|no|25,100,200
Alendronic acid|tablet|4.9|no|10,70
Methotrexate|tablet|10.6|no|3,10
Adalimumab|injection|352.0|no|40
Adrenaline|injection|46.8|no|1
Omeprazole|capsule|2.7|no|20,40
Pantoprazole|tablet|3.0|no|20,40
Cetirizine|tablet|2.2|no|10
Timolol|drops|8.0|no|1
"""

# drug, drug, severity (1 = mild, 3 = severe), effect
INTERACTIONS = """
Warfarin|Aspirin|3|bleeding
Warfarin|Ibuprofen|3|bleeding
Warfarin|Ciprofloxacin|3|bleeding
Warfarin|Omeprazole|1|stronger effect
Apixaban|Aspirin|3|bleeding
Apixaban|Carbamazepine|2|weaker effect
Clopidogrel|Omeprazole|2|weaker effect
Sertraline|Tramadol|3|serotonin syndrome
Fluoxetine|Tramadol|3|serotonin syndrome
Sertraline|Sumatriptan|2|serotonin syndrome
Morphine|Diazepam|3|drowsiness
Tramadol|Diazepam|3|drowsiness
Quetiapine|Diazepam|2|drowsiness
Methotrexate|Ibuprofen|3|kidney damage
Methotrexate|Naproxen|3|kidney damage
Lisinopril|Ibuprofen|2|kidney damage
Lisinopril|Furosemide|1|low blood pressure
Amlodipine|Simvastatin|2|muscle pain
Carbamazepine|Lamotrigine|2|weaker effect
Bisoprolol|Salbutamol|2|weaker effect
"""

# name, unit, lower and upper limit of normal
LAB_TESTS = """
Haemoglobin|g/L|120|170
Glucose|mmol/L|3.9|5.6
HbA1c|mmol/mol|20|42
Creatinine|µmol/L|45|110
Potassium|mmol/L|3.5|5.1
Sodium|mmol/L|135|145
Cholesterol|mmol/L|3.0|5.2
Ferritin|µg/L|20|300
TSH|mU/L|0.4|4.0
C-reactive protein|mg/L|0|5
White cell count|10^9/L|4|11
Platelets|10^9/L|150|400
Troponin|ng/L|0|14
INR|ratio|0.8|1.2
Vitamin D|nmol/L|50|125
Urate|µmol/L|150|420
"""

FEMALE = """
Amara Beatriz Chloé Delphine Eilidh Fatima Freya Giorgia Hana Harriet Jasmine Leïla Niamh Priya Rosa Ursula Zara
"""
MALE = """
Alasdair Björn Callum Dinesh Emre Gareth Ivo Kofi Marek Oscar Quentin Samuel Tomasz Viktor Yusuf Anders Mateo
"""
LAST = """
Abbott Baptiste Chaudhry Delacroix Eriksen Fairweather Galloway Hartley Ibrahim Jankowski Kaur Lindgren Moreau
Nakamura O'Connor Peña Quigley Rossetti Sørensen Thackeray Umeh Vasquez Whitlock Xu Yilmaz Zieliński
"""
CITIES = ("London", "Croydon", "Watford", "Slough", "St Albans", "Luton", "Reading", "Bromley")
LANGUAGES = ("French", "Polish", "Urdu", "Spanish", "Arabic", "German", "Portuguese", "Turkish")
ALLERGENS = ("penicillin", "latex", "peanuts", "aspirin", "pollen", "shellfish", "eggs")
BLOOD = ("O+", "A+", "B+", "O-", "A-", "AB+", "B-", "AB-")
PROSTATE = "C61"
TODAY = date(2025, 6, 20)  # the day on which the hospital is looked at
COUNTS = {"Doctor": 72, "Nurse": 64, "Patient": 520, "Appointment": 700}


def _table(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.strip().splitlines()]


def _day(rng: random.Random, first: str, last: str) -> date:
    start = date.fromisoformat(first)
    return start + timedelta(days=rng.randrange((date.fromisoformat(last) - start).days))


def nodes(rng: random.Random) -> dict[str, list[Row]]:
    """All nodes by label; the first property of a row is its key."""
    names = [f"{first} {last}" for first in (FEMALE + MALE).split() for last in LAST.split()]
    rng.shuffle(names)
    made: dict[str, list[Row]] = {}
    made["Department"] = [
        {"name": n, "floor": int(f), "phone": p, "opened": date.fromisoformat(o), "emergency": e == "yes"}
        for n, f, p, o, e in _table(DEPARTMENTS)
    ]
    made["Ward"] = [
        {"name": f"{department['name']} {side}", "beds": rng.randrange(8, 33, 2), "isolation": rng.random() < 0.25}
        for department in made["Department"]
        for side in ("East", "West")
    ]
    made["Diagnosis"] = [{"code": c, "name": n, "chronic": k == "yes"} for c, n, k, _, _ in _table(DIAGNOSES)]
    made["Drug"] = [
        {"name": n, "form": f, "price": float(p), "controlled": c == "yes", "doses": [int(d) for d in ds.split(",")]}
        for n, f, p, c, ds in _table(DRUGS)
    ]
    made["LabTest"] = [
        {"name": n, "unit": u, "low": float(low), "high": float(high)} for n, u, low, high in _table(LAB_TESTS)
    ]
    made["Doctor"] = [
        {
            "name": f"Dr {names.pop()}",
            "grade": "consultant" if i < 24 else rng.choice(("registrar", "registrar", "junior")),
            "hired": _day(rng, "1999-01-01", "2024-12-31"),
            "salary": round((118_000.0 if i < 24 else 64_000.0) + rng.randrange(0, 25_000, 250), 2),
            "onCall": rng.random() < 0.3,
            "languages": ["English", *sorted(rng.sample(LANGUAGES, rng.randrange(3)))],
        }
        for i in range(COUNTS["Doctor"])
    ]
    made["Nurse"] = [
        {
            "name": names.pop(),
            "shift": rng.choice(("day", "night", "rotating")),
            "hired": _day(rng, "2005-01-01", "2025-01-01"),
        }
        for _ in range(COUNTS["Nurse"])
    ]
    made["Patient"] = [_patient(rng, i, names.pop()) for i in range(COUNTS["Patient"])]
    made["Appointment"] = [_appointment(rng, i) for i in range(COUNTS["Appointment"])]
    return made


def _patient(rng: random.Random, index: int, name: str) -> Row:
    patient: Row = {
        "patientId": f"P{index + 1:04}",
        "name": name,
        "born": _day(rng, "1931-01-01", "2019-12-31"),
        "sex": "female" if name.split()[0] in FEMALE.split() else "male",
        "bloodType": rng.choices(BLOOD, (35, 30, 8, 13, 8, 3, 2, 1))[0],
        "city": rng.choices(CITIES, (8, 3, 2, 2, 1, 2, 2, 1))[0],
        "insured": rng.random() < 0.4,
        "allergies": sorted(rng.sample(ALLERGENS, rng.choices((0, 1, 2, 3), (60, 25, 10, 5))[0])),
    }
    if rng.random() < 0.85:
        patient["email"] = f"patient{index + 1}@example.org"
    return patient


def _appointment(rng: random.Random, index: int) -> Row:
    scheduled = _day(rng, "2023-01-01", "2025-07-31")
    past = rng.choices(("completed", "cancelled", "missed"), (78, 13, 9))[0]
    return {
        "number": f"A{index + 1:04}",
        "scheduled": scheduled,
        "minutes": rng.choice((10, 15, 15, 20, 30, 45, 60)),
        "status": past if scheduled < TODAY else "booked",
        "urgent": rng.random() < 0.15,
    }


def _stay(rng: random.Random, beds: int) -> Row:
    arrived = _day(rng, "2025-06-10" if rng.random() < 0.1 else "2023-01-01", TODAY.isoformat())
    left = arrived + timedelta(days=rng.randrange(1, 22))
    stay: Row = {"since": arrived, "bed": rng.randrange(1, beds + 1)}
    return stay | {"until": left} if left <= TODAY else stay


def relationships(rng: random.Random, made: dict[str, list[Row]]) -> dict[tuple[str, str, str], list[Row]]:
    """All relationships by (label, type, label): rows of `start` and `end` keys and the `properties`."""
    links: dict[tuple[str, str, str], list[Row]] = {}

    def link(kind: tuple[str, str, str], start: str, end: str, **properties: Any) -> None:
        links.setdefault(kind, []).append({"start": start, "end": end, "properties": properties})

    departments = [row["name"] for row in made["Department"]]
    treated_by: dict[str, list[str]] = {}
    for code, _, _, department, drugs in _table(DIAGNOSES):
        link(("Diagnosis", "HANDLED_BY", "Department"), code, department)
        treated_by[code] = [drug for drug in drugs.split(",") if drug]
        for drug in treated_by[code]:
            link(("Drug", "TREATS", "Diagnosis"), drug, code, firstLine=drug == treated_by[code][0])
    for one, other, severity, effect in _table(INTERACTIONS):
        link(("Drug", "INTERACTS_WITH", "Drug"), one, other, severity=int(severity), effect=effect)
    for ward in made["Ward"]:
        link(("Ward", "BELONGS_TO", "Department"), ward["name"], ward["name"].rsplit(" ", 1)[0])
    for nurse in made["Nurse"]:
        link(("Nurse", "ASSIGNED_TO", "Ward"), nurse["name"], rng.choice(made["Ward"])["name"], lead=rng.random() < 0.2)
    _staff(rng, made, departments, link)
    doses = {drug["name"]: drug["doses"] for drug in made["Drug"]}
    codes = [row["code"] for row in made["Diagnosis"]]
    for patient in made["Patient"]:
        key, drugs_taken = patient["patientId"], set()
        for code in rng.sample(codes, rng.choices((0, 1, 2, 3, 4), (8, 40, 30, 15, 7))[0]):
            if code == PROSTATE and patient["sex"] == "female":
                continue
            when = _day(rng, "2015-01-01", "2025-06-01")
            link(("Patient", "DIAGNOSED_WITH", "Diagnosis"), key, code, diagnosed=when, severity=rng.randrange(1, 6))
            for drug in rng.sample(treated_by[code], min(len(treated_by[code]), rng.randrange(3))):
                if drug not in drugs_taken:
                    drugs_taken.add(drug)
                    link(("Patient", "TAKES", "Drug"), key, drug, doseMg=rng.choice(doses[drug]), since=when)
        for ward in rng.sample(made["Ward"], rng.choices((0, 1, 2), (70, 24, 6))[0]):
            link(("Patient", "ADMITTED_TO", "Ward"), key, ward["name"], **_stay(rng, ward["beds"]))
    for visit in made["Appointment"]:
        patient, doctor = rng.choice(made["Patient"]), rng.choice(made["Doctor"])
        link(("Patient", "HAS_APPOINTMENT", "Appointment"), patient["patientId"], visit["number"])
        link(("Appointment", "WITH_DOCTOR", "Doctor"), visit["number"], doctor["name"])
        if visit["status"] == "completed":
            for test in rng.sample(made["LabTest"], rng.choices((0, 1, 2), (60, 25, 15))[0]):
                spread = test["high"] - test["low"]
                result = round(rng.uniform(max(0.0, test["low"] - 0.3 * spread), test["high"] + 0.3 * spread), 1)
                abnormal = not test["low"] <= result <= test["high"]
                link(
                    ("Appointment", "ORDERED", "LabTest"),
                    visit["number"],
                    test["name"],
                    result=result,
                    abnormal=abnormal,
                )
    return links


def _staff(rng: random.Random, made: dict[str, list[Row]], departments: list[str], link: Any) -> None:
    consultants = [row["name"] for row in made["Doctor"] if row["grade"] == "consultant"]
    for i, doctor in enumerate(made["Doctor"]):
        home = departments[i % len(departments)]
        link(("Doctor", "WORKS_IN", "Department"), doctor["name"], home, hoursPerWeek=rng.choice((20, 30, 40, 40, 48)))
        if rng.random() < 0.12:
            second = rng.choice([name for name in departments if name != home])
            link(("Doctor", "WORKS_IN", "Department"), doctor["name"], second, hoursPerWeek=8)
        if i < len(departments):
            link(("Doctor", "HEADS", "Department"), doctor["name"], home, since=_day(rng, "2015-01-01", "2024-06-01"))
        if doctor["grade"] != "consultant":
            link(("Doctor", "SUPERVISES", "Doctor"), consultants[i % len(consultants)], doctor["name"])


def batches(seed: int = 11) -> list[Batch]:
    """The statements, in order, that make the hospital in an empty graph; the same for the same seed."""
    rng = random.Random(seed)
    made = nodes(rng)
    keys = {label: next(iter(rows[0])) for label, rows in made.items()}
    result = [Batch(f"UNWIND $rows AS row CREATE (n:{label}) SET n = row", rows) for label, rows in made.items()]
    for (start, kind, end), rows in relationships(rng, made).items():
        ends = f"MATCH (a:{start} {{{keys[start]}: row.start}}) MATCH (b:{end} {{{keys[end]}: row.end}})"
        statement = f"UNWIND $rows AS row {ends} CREATE (a)-[r:{kind}]->(b) SET r = row.properties"
        result.append(Batch(statement, rows))
    return result


def load(connection: Writer, seed: int = 11) -> None:
    """Write the hospital into a graph, which is taken to be empty."""
    for statement, rows in batches(seed):
        connection.write(statement, {"rows": rows})
