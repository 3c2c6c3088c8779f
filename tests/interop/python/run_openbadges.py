"""Does jobs with openbadges and openbadges-bakery, in the environment made for them and without any network.

Reads from stdin ``{"web": {address: {"body", "content_type"}}, "jobs": [...]}``, bodies and inputs in base64, and
writes a list of answers to stdout:

    {"do": "verify", "input", "is_file", "recipient"}  -> {"valid", "messages"}
    {"do": "bake", "image", "suffix", "text"}          -> {"image"}
    {"do": "unbake", "image", "suffix"}                -> {"text"}
"""

import base64
import io
import json
import sys
import tempfile
import traceback

import requests

asked = json.load(sys.stdin)
WEB = asked["web"]


def send(self, request, **options):
    """What the network of the test answers."""
    address = request.url.partition("#")[0]
    answer = WEB.get(address)
    response = requests.Response()
    response.request, response.url = request, address
    response.status_code = 200 if answer else 404
    response.headers["Content-Type"] = answer["content_type"] if answer else "text/plain"
    response.raw = io.BytesIO(base64.b64decode(answer["body"]) if answer else b"")
    response.encoding = "utf-8"
    return response


requests.Session.send = send

import openbadges  # noqa: E402  after the network has been taken away
import openbadges_bakery  # noqa: E402


def file_of(content, suffix):
    held = tempfile.NamedTemporaryFile(suffix=suffix)  # noqa: SIM115  the library closes it
    held.write(base64.b64decode(content))
    held.seek(0)
    return held


def verify(job):
    given = base64.b64decode(job["input"])
    source = file_of(job["input"], job["suffix"]) if job.get("suffix") else given.decode()
    result = openbadges.verify(source, recipient_profile=job.get("recipient"), use_cache=False)
    return {"valid": result["report"]["valid"], "messages": [one["result"] for one in result["report"]["messages"]]}


def bake(job):
    made = openbadges_bakery.bake(file_of(job["image"], job["suffix"]), job["text"])
    made.seek(0)
    return {"image": base64.b64encode(made.read()).decode()}


def unbake(job):
    text = openbadges_bakery.unbake(file_of(job["image"], job["suffix"]))
    return {"text": text.decode() if isinstance(text, bytes) else text}


answers = []
for job in asked["jobs"]:
    try:
        answers.append({"verify": verify, "bake": bake, "unbake": unbake}[job["do"]](job))
    except Exception as fault:  # noqa: BLE001  the answer tells of it
        answers.append({"error": repr(fault), "trace": traceback.format_exc()})
json.dump(answers, sys.stdout)
