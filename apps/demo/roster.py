"""A student system's export for the demo institution: a OneRoster 1.2 bundle, the same bytes each time.

Everything is invented. Names come in many scripts, as they do at a real office.
"""

import csv
import io
import random
import uuid
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from apps.demo.outcomes import COURSE_OUTCOMES, item_identifier

NAMESPACE = uuid.UUID("6b7d4a0e-52c1-4b3f-9d0e-6a4f0c1d2e3b")
SYSTEM = "alder-bay-sis"
STUDENTS = 224
TERMS = (
    ("fall-2024", "Fall 2024", date(2024, 8, 26), date(2024, 12, 13), "2025"),
    ("spring-2025", "Spring 2025", date(2025, 1, 13), date(2025, 5, 9), "2025"),
    ("fall-2025", "Fall 2025", date(2025, 8, 25), date(2025, 12, 12), "2026"),
    ("spring-2026", "Spring 2026", date(2026, 1, 12), date(2026, 5, 8), "2026"),
)
DEPARTMENTS = (
    ("math", "Department of Mathematics and Statistics"),
    ("comp", "Department of Computing"),
    ("life", "Department of Life Sciences"),
    ("hum", "Department of Languages and Humanities"),
    ("soc", "Department of Social Research"),
    ("biz", "School of Business and Public Service"),
)
PROGRAMS = (
    "BS Data Science",
    "BS Computer Science",
    "BS Biology",
    "BA Linguistics",
    "BA Public Policy",
    "BS Business Administration",
)
# code, title, credits, level, department
COURSES = (
    ("MATH 121", "Calculus I", 4, "Lower division", "math"),
    ("MATH 122", "Calculus II", 4, "Lower division", "math"),
    ("MATH 210", "Linear Algebra", 3, "Lower division", "math"),
    ("STAT 201", "Statistical Reasoning", 3, "Lower division", "math"),
    ("STAT 310", "Regression and Forecasting", 3, "Upper division", "math"),
    ("STAT 340", "Design of Experiments", 3, "Upper division", "math"),
    ("COMP 101", "Foundations of Programming", 4, "Lower division", "comp"),
    ("COMP 150", "Data and Society", 3, "Lower division", "comp"),
    ("COMP 210", "Data Structures", 4, "Lower division", "comp"),
    ("COMP 240", "Databases", 3, "Lower division", "comp"),
    ("COMP 320", "Operating Systems", 3, "Upper division", "comp"),
    ("COMP 330", "Machine Learning", 3, "Upper division", "comp"),
    ("COMP 345", "Software Engineering Studio", 4, "Upper division", "comp"),
    ("COMP 390", "Security and Privacy", 3, "Upper division", "comp"),
    ("BIOL 110", "Cells and Organisms", 4, "Lower division", "life"),
    ("BIOL 111", "Ecology and Evolution", 4, "Lower division", "life"),
    ("BIOL 220", "Genetics", 4, "Lower division", "life"),
    ("BIOL 305", "Biochemistry", 4, "Upper division", "life"),
    ("BIOL 330", "Estuary Field Methods", 3, "Upper division", "life"),
    ("CHEM 141", "General Chemistry", 4, "Lower division", "life"),
    ("ENGL 105", "Writing for Readers", 3, "Lower division", "hum"),
    ("ENGL 230", "Technical Writing", 3, "Lower division", "hum"),
    ("LING 101", "Language and Mind", 3, "Lower division", "hum"),
    ("LING 220", "Phonetics", 3, "Lower division", "hum"),
    ("LING 310", "Field Linguistics", 4, "Upper division", "hum"),
    ("PHIL 140", "Argument and Evidence", 3, "Lower division", "hum"),
    ("PHIL 260", "Ethics of Technology", 3, "Lower division", "hum"),
    ("SPAN 201", "Intermediate Spanish", 4, "Lower division", "hum"),
    ("SOCI 101", "Social Institutions", 3, "Lower division", "soc"),
    ("SOCI 240", "Interviewing and Surveys", 3, "Lower division", "soc"),
    ("POLS 115", "Government in Practice", 3, "Lower division", "soc"),
    ("POLS 310", "Policy Analysis", 3, "Upper division", "soc"),
    ("ECON 201", "Principles of Economics", 3, "Lower division", "soc"),
    ("PSYC 101", "Introduction to Psychology", 3, "Lower division", "soc"),
    ("BUSN 110", "Organizations and Work", 3, "Lower division", "biz"),
    ("BUSN 220", "Financial Accounting", 3, "Lower division", "biz"),
    ("BUSN 315", "Operations", 3, "Upper division", "biz"),
    ("BUSN 330", "Marketing Research", 3, "Upper division", "biz"),
    ("PUBS 210", "Public Budgeting", 3, "Lower division", "biz"),
    ("PUBS 395", "Community Consulting Project", 4, "Upper division", "biz"),
    ("PHED 100", "Rowing", 1, "Lower division", "hum"),
    ("UNIV 100", "First-Year Seminar", 1, "Lower division", "hum"),
)
GRADES = (
    ("A", "4.0", 96),
    ("A-", "3.7", 91),
    ("B+", "3.3", 88),
    ("B", "3.0", 85),
    ("B-", "2.7", 81),
    ("C+", "2.3", 78),
    ("C", "2.0", 74),
    ("D", "1.0", 65),
    ("F", "0.0", 48),
)
GRADE_WEIGHTS = (20, 16, 15, 16, 10, 8, 8, 4, 3)

# Given and family names by custom; each pair is drawn within one row.
NAMES: tuple[tuple[Sequence[str], Sequence[str], int], ...] = (
    (
        ("Amelia", "Jonah", "Priscilla", "Marcus", "Thea", "Elliott", "Naomi", "Desmond", "Harriet", "Silas", "Ivy"),
        ("Whitlock", "Abernathy", "Okafor-Lane", "Drummond", "Castellane", "Pryor", "Van der Weyden", "Hale", "Moss"),
        86,
    ),
    (
        ("Lucía", "Mateo", "Inés", "Joaquín", "Ximena", "Andrés", "María José"),
        ("Fernández Quiroga", "Núñez", "Herrera Solís", "Ibáñez", "Peña", "Ordóñez"),
        34,
    ),
    (("Zoë", "Łukasz", "Siobhán", "Jürgen", "Renée", "Åsa"), ("Wójcik", "Ó Súilleabháin", "Groß", "Lefèvre"), 16),
    (("Thị Mai", "Minh Đức", "Ngọc Ánh"), ("Nguyễn", "Trần", "Phạm"), 12),
    (("Aarav", "Diya", "Kavya", "Rohan", "Meera"), ("Ramanathan", "Deshpande", "Chatterjee", "Iyer"), 22),
    (("Adaeze", "Kwame", "Chidi", "Folasade"), ("Nwachukwu", "Mensah-Boateng", "Adéyẹmí"), 14),
    (("محمد", "فاطمة", "ليلى", "يوسف"), ("الحسيني", "عبد الرحمن", "القاسمي"), 8),
    (("דוד", "נועה"), ("לוי", "בן־שושן"), 3),
    (("明", "雅婷", "小红", "子轩"), ("王", "陳", "李", "欧阳"), 8),
    (("さくら", "大翔", "結衣"), ("佐藤", "鈴木"), 5),
    (("서연", "민준"), ("김", "박"), 4),
    (("अनन्या", "विवेक"), ("शर्मा", "त्रिपाठी"), 4),
    (("สุดารัตน์", "ธนากร"), ("ศรีสุวรรณ", "จันทร์เพ็ญ"), 3),
    (("Αλεξάνδρα", "Νίκος"), ("Παπαδοπούλου", "Ιωαννίδης"), 3),
    (("Катерина", "Дмитро"), ("Шевченко", "Ковальчук"), 2),
)


@dataclass(frozen=True)
class Student:
    """A made-up student and the state of their study."""

    source_id: str
    number: str
    given: str
    family: str
    program: str
    first_term: int
    is_graduating: bool


@dataclass
class Bundle:
    """The files of the export: rows by table."""

    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    students: list[Student] = field(default_factory=list)

    def add(self, table: str, **cells: str) -> None:
        """One row; its `sourcedId` stands first."""
        self.tables.setdefault(table, []).append(cells)


COLUMNS: dict[str, str] = {
    "academicSessions": "title type startDate endDate parentSourcedId schoolYear",
    "orgs": "name type identifier parentSourcedId",
    "courses": "schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes"
    " metadata.credits metadata.creditUnit metadata.level",
    "classes": "title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds"
    " subjects subjectCodes periods",
    "users": "enabledUser username userIds givenName familyName middleName identifier email sms phone"
    " agentSourcedIds grades password userMasterIdentifier preferredGivenName preferredMiddleName"
    " preferredFamilyName primaryOrgSourcedId pronouns metadata.program",
    "roles": "userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId",
    "enrollments": "classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
    "categories": "title weight",
    "scoreScales": "title type orgSourcedId courseSourcedId classSourcedId scoreScaleValue",
    "lineItems": "title description assignDate dueDate classSourcedId categorySourcedId academicSessionSourcedId"
    " resultValueMin resultValueMax schoolSourcedId",
    "lineItemLearningObjectiveIds": "lineItemSourcedId source learningObjectiveId",
    "results": "lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment textScore classSourcedId"
    " inProgress incomplete late missing metadata.gradePoints metadata.creditsAttempted metadata.creditsEarned",
}
ALL_TABLES = (
    *("academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics"),
    *("enrollments", "lineItems", "orgs", "resources", "results", "users", "lineItemLearningObjectiveIds"),
    *("lineItemScoreScales", "resultLearningObjectiveIds", "resultScoreScales", "roles", "scoreScales"),
    *("userProfiles", "userResources"),
)


def _students(chance: random.Random) -> Iterable[Student]:
    """Students in an order that does not follow their names, nobody twice."""
    drawn: list[tuple[str, str]] = []
    for given, family, count in NAMES:
        pairs = [(first, last) for first in given for last in family]
        chance.shuffle(pairs)
        drawn += pairs[:count]
    chance.shuffle(drawn)
    for number, (first, last) in enumerate(drawn[:STUDENTS], start=1):
        first_term = chance.choices((0, 1, 2), weights=(70, 10, 20))[0]
        yield Student(
            source_id=f"stu-{number:04d}",
            number=f"AB{24_000 + number * 7:06d}",
            given=first,
            family=last,
            program=PROGRAMS[(number - 1) % len(PROGRAMS)],
            first_term=first_term,
            is_graduating=first_term == 0 and number % 5 in (0, 2),
        )


def build() -> Bundle:
    """The export as rows; deterministic."""
    chance = random.Random(20_260_508)  # noqa: S311  made-up data, not a secret
    bundle = Bundle()
    add = bundle.add
    add("orgs", sourcedId="abu", name="Alder Bay University", type="school", identifier="ABU", parentSourcedId="")
    for key, name in DEPARTMENTS:
        add("orgs", sourcedId=key, name=name, type="department", identifier=key.upper(), parentSourcedId="abu")
    for year in ("2025", "2026"):
        before = int(year) - 1
        add(
            "academicSessions",
            sourcedId=f"year-{year}",
            title=f"Academic Year {before}-{year[2:]}",
            type="schoolYear",
            startDate=f"{before}-08-20",
            endDate=f"{year}-05-31",
            parentSourcedId="",
            schoolYear=year,
        )
    for key, title, begin, end, year in TERMS:
        add(
            "academicSessions",
            sourcedId=key,
            title=title,
            type="semester",
            startDate=str(begin),
            endDate=str(end),
            parentSourcedId=f"year-{year}",
            schoolYear=year,
        )
    for code, title, credit, level, department in COURSES:
        subject = code.split()[0]
        add(
            "courses",
            sourcedId=course_id(code),
            schoolYearSourcedId="year-2026",
            title=title,
            courseCode=code,
            orgSourcedId=department,
            subjects=subject,
            subjectCodes=subject,
            **{
                "metadata.credits": str(credit),
                "metadata.creditUnit": "semester",
                "metadata.level": level,
            },
        )
    add("categories", sourcedId="final", title="Final Grade", weight="1.0")
    add("categories", sourcedId="midterm", title="Midterm", weight="0.0")
    scale = ",".join(f"{{{letter}:{points}}}" for letter, points, _ in GRADES)
    _people(bundle, chance)
    offered = _classes(bundle, scale)
    _results(bundle, chance, offered)
    return bundle


def course_id(code: str) -> str:
    """The student system's key of a course."""
    return "crs-" + code.replace(" ", "").lower()


def _people(bundle: Bundle, chance: random.Random) -> None:
    bundle.students = list(_students(chance))
    for student in bundle.students:
        bundle.add(
            "users",
            sourcedId=student.source_id,
            enabledUser="true",
            username=student.number.lower(),
            userIds=f"{{SIS:{student.number}}}",
            givenName=student.given,
            familyName=student.family,
            identifier=student.number,
            email=f"{student.number.lower()}@students.alder-bay.example",
            primaryOrgSourcedId="abu",
            **{"metadata.program": student.program},
        )
        bundle.add(
            "roles",
            sourcedId=f"role-{student.source_id}",
            userSourcedId=student.source_id,
            roleType="primary",
            role="student",
            orgSourcedId="abu",
        )
    for number, (key, _) in enumerate(DEPARTMENTS * 4, start=1):
        person = f"fac-{number:03d}"
        given, family, _count = NAMES[number % 6]
        bundle.add(
            "users",
            sourcedId=person,
            enabledUser="true",
            username=person,
            givenName=given[number % len(given)],
            familyName=family[(number // 2) % len(family)],
            identifier=person.upper(),
            email=f"{person}@alder-bay.example",
            primaryOrgSourcedId=key,
        )
        bundle.add(
            "roles",
            sourcedId=f"role-{person}",
            userSourcedId=person,
            roleType="primary",
            role="teacher",
            orgSourcedId=key,
        )


def _classes(bundle: Bundle, scale: str) -> dict[str, list[int]]:
    """Classes with their graded items; gives the terms in which each course is offered."""
    offered: dict[str, list[int]] = {}
    for index, (code, title, _, _, department) in enumerate(COURSES):
        offered[code] = [0, 1, 2, 3] if index % 3 else [index % 2, index % 2 + 2]
        for term in offered[code]:
            key, _, begin, end, _ = TERMS[term]
            section = f"{course_id(code)}-{key}"
            bundle.add(
                "classes",
                sourcedId=section,
                title=title,
                courseSourcedId=course_id(code),
                classCode=f"{code}-01",
                classType="scheduled",
                location=f"Harbor Hall {100 + index}",
                schoolSourcedId="abu",
                termSourcedIds=key,
            )
            bundle.add(
                "enrollments",
                sourcedId=f"enr-{section}-t",
                classSourcedId=section,
                schoolSourcedId="abu",
                userSourcedId=f"fac-{[d for d, _ in DEPARTMENTS].index(department) + 1 + 6 * (index % 4):03d}",
                role="teacher",
                primary="true",
                beginDate=str(begin),
                endDate=str(end),
            )
            bundle.add(
                "scoreScales",
                sourcedId=f"scale-{section}",
                title="Letter grades",
                type="letter",
                orgSourcedId="abu",
                courseSourcedId=course_id(code),
                classSourcedId=section,
                scoreScaleValue=scale,
            )
            bundle.add(
                "lineItems",
                sourcedId=f"li-{section}",
                title="Final grade",
                assignDate=f"{begin}T08:00:00.000Z",
                dueDate=f"{end}T23:00:00.000Z",
                classSourcedId=section,
                categorySourcedId="final",
                academicSessionSourcedId=key,
                resultValueMin="0",
                resultValueMax="100",
                schoolSourcedId="abu",
            )
            for outcome in COURSE_OUTCOMES.get(code, ()):
                bundle.add(
                    "lineItemLearningObjectiveIds",
                    sourcedId=f"obj-{section}-{outcome.replace('.', '-')}",
                    lineItemSourcedId=f"li-{section}",
                    source="case",
                    learningObjectiveId=f"urn:uuid:{item_identifier(outcome)}",
                )
    return offered


def _results(bundle: Bundle, chance: random.Random, offered: dict[str, list[int]]) -> None:
    credit = {code: credits for code, _, credits, _, _ in COURSES}
    department = {code: key for code, _, _, _, key in COURSES}
    home = dict(zip(PROGRAMS, ("math", "comp", "life", "hum", "soc", "biz"), strict=True))
    for student in bundle.students:
        talent = chance.randint(0, 3)
        taken: set[str] = set()
        for term in range(student.first_term, len(TERMS)):
            key, _, begin, end, _ = TERMS[term]
            choices = [code for code in offered if term in offered[code] and code not in taken]
            mine = [code for code in choices if department[code] == home[student.program]]
            others = [code for code in choices if code not in mine]
            chance.shuffle(mine)
            chance.shuffle(others)
            for code in (mine[:3] + others)[: 5 if student.is_graduating else 4]:
                taken.add(code)
                section = f"{course_id(code)}-{key}"
                bundle.add(
                    "enrollments",
                    sourcedId=f"enr-{section}-{student.source_id}",
                    classSourcedId=section,
                    schoolSourcedId="abu",
                    userSourcedId=student.source_id,
                    role="student",
                    primary="false",
                    beginDate=str(begin),
                    endDate=str(end),
                )
                _result(bundle, chance, student, section, end, credit[code], talent)


def _result(
    bundle: Bundle, chance: random.Random, student: Student, section: str, end: date, credit: int, talent: int
) -> None:
    cells = {
        "sourcedId": f"res-{section}-{student.source_id}",
        "lineItemSourcedId": f"li-{section}",
        "studentSourcedId": student.source_id,
        "scoreDate": str(end),
        "classSourcedId": section,
        "metadata.creditsAttempted": str(credit),
    }
    fate = chance.random()
    if fate < 0.015 and not student.is_graduating:
        cells |= {"scoreStatus": "exempt", "textScore": "W", "metadata.creditsEarned": "0"}
    elif fate < 0.025 and not student.is_graduating:
        cells |= {"scoreStatus": "partially graded", "textScore": "I", "incomplete": "true"}
        cells["metadata.creditsEarned"] = "0"
    else:
        best = len(GRADES) - (1 if student.is_graduating else 0)
        grade = max(0, chance.choices(range(best), weights=GRADE_WEIGHTS[:best])[0] - talent)
        letter, points, score = GRADES[grade]
        cells |= {
            "scoreStatus": "fully graded",
            "score": str(score + chance.randint(0, 2)),
            "textScore": letter,
            "metadata.gradePoints": points,
            "metadata.creditsEarned": "0" if letter == "F" else str(credit),
        }
    bundle.add("results", **cells)


def archive(bundle: Bundle | None = None, *, system: str = SYSTEM) -> bytes:
    """The export as the zip that a registrar would upload; `system` is the name of its student system."""
    bundle = bundle or build()
    manifest = [("manifest.version", "1.0"), ("oneroster.version", "1.2")]
    manifest += [(f"file.{table}", "bulk" if table in bundle.tables else "absent") for table in ALL_TABLES]
    manifest += [("source.systemName", "Alder Bay Student System"), ("source.systemCode", system)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle_file:

        def write(name: str, rows: Iterable[Sequence[str]]) -> None:
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            bundle_file.writestr(
                zipfile.ZipInfo(name, (2026, 5, 15, 12, 0, 0)), text.getvalue().encode(), zipfile.ZIP_DEFLATED
            )

        write("manifest.csv", [("propertyName", "value"), *manifest])
        for table, rows in bundle.tables.items():
            columns = ["sourcedId", "status", "dateLastModified", *COLUMNS[table].split()]
            write(f"{table}.csv", [columns, *([row.get(column, "") for column in columns] for row in rows)])
    return packed.getvalue()
