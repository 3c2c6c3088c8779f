"""Printing a record against a plain, warm WeasyPrint call that makes the same document with the same flags."""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import sys
import time
from typing import Any

from django.utils import translation

from apps.demo.bench import Row
from apps.institution.designs import DesignValue, GradeLine, Picture
from apps.issuance import rendering
from apps.issuance.rendering_child import RenderingChild, message_for

_RUNS = 5
_CODE = "6QJ72MFK88TDR4XW9B3HPCVN5A"
_ADDRESS = f"https://records.pinehurst.example/verify/{_CODE}"
_DESIGN = DesignValue(
    institution_name="Pinehurst State University",
    institution_place="Pinehurst, Oregon",
    signatory_name="Marta Quispe",
    signatory_office="University Registrar",
    legend="The year has **two semesters** of fifteen weeks.",
    grades=tuple(GradeLine(letter, points) for letter, points in (("A", "4.0"), ("B", "3.0"), ("C", "2.0"))),
    page="A4",
)


def run() -> list[Row]:
    """Documents a second with one process and with two, beside the plain call in one process; medians of one run.

    The plain call stays warm too: same HTML, same flags, same pictures, its own process, one at a time.
    """
    rows: list[Row] = []
    for courses, label in ((40, "40 courses"), (200, "200 courses")):
        payload = _record(courses)
        jws = b".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b"{}", json.dumps(payload).encode(), b"-")
        )
        message = message_for(payload, jws, _DESIGN, verify_url=_ADDRESS, code=_CODE, page="A4")
        children = [RenderingChild(), RenderingChild()]
        plain = _Plain(payload, jws)
        try:
            for child in children:
                child.request(message)
            plain.seconds()
            ours, naive, together = [], [], []
            for _ in range(_RUNS):  # side by side, so that a busy machine is as unfair to one as to the other
                naive.append(1 / plain.seconds())
                begin = time.perf_counter()
                children[0].request(message)
                ours.append(1 / (time.perf_counter() - begin))
                together.append(_at_once(children, message))
        finally:
            plain.close()
            for child in children:
                child.close()
        raw = statistics.median(naive)
        for case, values in ((f"{label}, 1 process", ours), (f"{label}, 2 processes", together)):
            value = statistics.median(values)
            rows.append(
                Row(
                    name="render",
                    case=case,
                    reference="WeasyPrint",
                    value=value,
                    unit="documents/s",
                    raw=raw,
                    ratio=value / raw,
                    runs=_RUNS,
                )
            )
    return rows


def _at_once(children: list[RenderingChild], message: dict[str, Any]) -> float:
    """Documents a second when all children work, three documents each."""
    from concurrent.futures import ThreadPoolExecutor

    def three(child: RenderingChild) -> None:
        for _ in range(3):
            child.request(message)

    begin = time.perf_counter()
    with ThreadPoolExecutor(len(children)) as pool:
        list(pool.map(three, children))
    return 3 * len(children) / (time.perf_counter() - begin)


class _Plain:
    """A process that knows WeasyPrint alone and renders one document again and again on request."""

    _PROGRAM = """
import base64, json, sys, time
import weasyprint
from weasyprint.urls import URLFetcher, URLFetcherResponse
task = json.loads(sys.stdin.readline())
class Own(URLFetcher):
    def fetch(self, url, headers=None):
        return URLFetcherResponse(url, base64.b64decode(task["pictures"][url]), {"Content-Type": "image/png"})
for line in sys.stdin:
    begin = time.perf_counter()
    attachment = weasyprint.Attachment(string=task["jws"], name="clr.jws", relationship="Source")
    weasyprint.HTML(string=task["html"], base_url="own:", url_fetcher=Own()).write_pdf(
        pdf_variant="pdf/a-3a", pdf_tags=True, attachments=[attachment])
    print(time.perf_counter() - begin, flush=True)
"""

    def __init__(self, payload: dict[str, Any], jws: bytes) -> None:
        html = rendering.compose_record(payload, _DESIGN, verify_url=_ADDRESS, code=_CODE)
        with translation.override("en"):
            style = rendering.style_sheet("A4", _DESIGN.accent)
        picture = Picture(rendering.qr_code(_ADDRESS), "image/png")
        task = {
            "html": html.replace("</head>", f"<style>{style}</style></head>"),
            "jws": jws.decode(),
            "pictures": {"own:qr": base64.b64encode(picture.content).decode()},
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-c", self._PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._say(json.dumps(task))

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def seconds(self) -> float:
        """The time of one document, as the process measured it."""
        self._say("again")
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def _record(courses: int) -> dict[str, Any]:
    """A record of so many courses in four terms, every fourth with a narrative."""
    issuer = {
        "id": "https://records.pinehurst.example/issuers/1",
        "type": "Profile",
        "name": "Pinehurst State University",
    }
    letters = (("A", "4.0"), ("B+", "3.3"), ("C", "2.0"), ("A-", "3.7"))
    assertions = []
    for number in range(courses):
        owner = f"https://records.pinehurst.example/ims/clr/v1p0/achievements/{number}"
        letter, points = letters[number % len(letters)]
        term = number * 4 // courses
        assertion: dict[str, Any] = {
            "id": f"urn:uuid:00000000-0000-4000-9000-{number:012}",
            "type": "Assertion",
            "issuedOn": f"202{4 + term // 2}-{'12' if term % 2 else '06'}-15T00:00:00Z",
            "term": f"{'Fall' if term % 2 else 'Spring'} 202{4 + term // 2}",
            "creditsEarned": 3.0,
            "achievement": {
                "id": owner,
                "type": "Achievement",
                "achievementType": "Course",
                "name": f"Methods and Materials of Inquiry {number}",
                "humanCode": f"SCI {100 + number}",
                "creditsAvailable": 3.0,
                "issuer": issuer,
                "resultDescriptions": [
                    {"id": f"{owner}/g", "type": "ResultDescription", "name": "Grade", "resultType": "LetterGrade"},
                    {
                        "id": f"{owner}/p",
                        "type": "ResultDescription",
                        "name": "Points",
                        "resultType": "GradePointAverage",
                    },
                ],
            },
            "results": [
                {"type": "Result", "resultDescription": f"{owner}/g", "value": letter},
                {"type": "Result", "resultDescription": f"{owner}/p", "value": points},
            ],
        }
        if number % 4 == 0:
            assertion["narrative"] = "Shows **method** and *result*:\n\n1. a report with raw data\n2. a poster"
        assertions.append(assertion)
    return {
        "id": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "type": "Clr",
        "name": "Comprehensive Learner Record",
        "issuedOn": "2026-06-30T15:00:00Z",
        "learner": {
            "id": "urn:uuid:00000000-0000-4000-8000-000000000003",
            "name": "Tomas Lindqvist",
            "studentId": "PSU-1",
        },
        "publisher": issuer,
        "assertions": assertions,
    }
