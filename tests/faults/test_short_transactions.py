"""What takes its time is done while no transaction is open (REL-05)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.issuance import batches, printing, signing
from apps.issuance.models import Rendition
from apps.issuance.rendering_child import RenderingChild
from apps.standards.proofs import jws
from apps.standards.verify import engine
from tests.issuance.earning import School

pytestmark = pytest.mark.server


def test_rel_05_signing_judging_and_rendering_hold_no_transaction(school: School, monkeypatch: pytest.MonkeyPatch):
    """REL-05: others may write while a document is signed, judged and printed."""
    held: dict[str, list[bool]] = {}

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            held.setdefault(name, []).append(connection.in_atomic_block)
            return work(*arguments, **options)

        return run

    monkeypatch.setattr(jws.Signer, "sign", watched("sign", jws.Signer.sign))
    monkeypatch.setattr(engine, "verify", watched("judge", engine.verify))
    monkeypatch.setattr(RenderingChild, "request", watched("print", RenderingChild.request))
    batches.start([school.approved()], by=school.registrar)
    assert signing.issue_due().issued == 1
    while printing.render_due():
        pass
    assert Rendition.objects.filter(state="done").count() == 1
    assert {name: any(found) for name, found in held.items()} == {"sign": False, "judge": False, "print": False}
