"""A small export of its own: a summer class of three, for a registrar to import while somebody watches."""

from apps.demo import roster


def export(name: str) -> tuple[bytes, str]:
    """The zip of a class with a program of this name, and the e-mail address of its first learner."""
    bundle = roster.Bundle()
    add = bundle.add
    add("orgs", sourcedId="school", name=f"Summer School {name}", type="school")
    add(
        "academicSessions",
        sourcedId="summer",
        title=f"Summer 2026 {name}",
        type="term",
        startDate="2026-06-15",
        endDate="2026-08-07",
        schoolYear="2026",
    )
    add(
        "courses",
        sourcedId="crs",
        title="Tidal Ecology",
        courseCode="BIOL 199",
        orgSourcedId="school",
        **{"metadata.credits": "3", "metadata.creditUnit": "semester", "metadata.level": "Lower division"},
    )
    add(
        "classes",
        sourcedId="cls",
        title="Tidal Ecology",
        courseSourcedId="crs",
        classCode="BIOL 199-01",
        classType="scheduled",
        schoolSourcedId="school",
        termSourcedIds="summer",
    )
    add("categories", sourcedId="final", title="Final Grade", weight="1")
    scale = ",".join(f"{{{letter}:{points}}}" for letter, points, _score in roster.GRADES)
    add(
        "scoreScales",
        sourcedId="scale",
        title="Letters",
        type="letter",
        orgSourcedId="school",
        courseSourcedId="crs",
        classSourcedId="cls",
        scoreScaleValue=scale,
    )
    add(
        "lineItems",
        sourcedId="li",
        title="Final grade",
        assignDate="2026-06-15T08:00:00.000Z",
        dueDate="2026-08-07T23:00:00.000Z",
        classSourcedId="cls",
        categorySourcedId="final",
        academicSessionSourcedId="summer",
        resultValueMin="0",
        resultValueMax="100",
        schoolSourcedId="school",
    )
    people = (("Wren", "Halloway", "A"), ("Øystein", "Müller-Łukasiewicz", "B+"), ("ليلى", "الحسيني", "A-"))
    for number, (given, family, grade) in enumerate(people, start=1):
        person = f"p{number}"
        add(
            "users",
            sourcedId=person,
            enabledUser="true",
            username=f"{name}{number}",
            givenName=given,
            familyName=family,
            identifier=f"S-{name}-{number}",
            email=f"{name}.{number}@students.example",
            primaryOrgSourcedId="school",
            **{"metadata.program": f"Summer Institute {name}"},
        )
        add(
            "roles",
            sourcedId=f"r{number}",
            userSourcedId=person,
            roleType="primary",
            role="student",
            orgSourcedId="school",
        )
        add(
            "enrollments",
            sourcedId=f"e{number}",
            classSourcedId="cls",
            schoolSourcedId="school",
            userSourcedId=person,
            role="student",
            primary="false",
            beginDate="2026-06-15",
            endDate="2026-08-07",
        )
        add(
            "results",
            sourcedId=f"res{number}",
            lineItemSourcedId="li",
            studentSourcedId=person,
            scoreStatus="fully graded",
            scoreDate="2026-08-07",
            textScore=grade,
            classSourcedId="cls",
            **{"metadata.gradePoints": {letter: points for letter, points, _score in roster.GRADES}[grade]},
            **{"metadata.creditsAttempted": "3", "metadata.creditsEarned": "3"},
        )
    return roster.archive(bundle, system=f"summer-{name}"), f"{name}.1@students.example"
