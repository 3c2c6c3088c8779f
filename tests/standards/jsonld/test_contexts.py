"""SEC-22: every built-in context means exactly what the published file of the same address means."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyld.context_resolver import ContextResolver
from pyld.jsonld import JsonLdProcessor

from apps.standards.jsonld import contexts

Get = Callable[[str], Any]

#: the contexts of the standards before Verifiable Credentials, which ``urls-vc.json`` does not list
EARLIER = {
    contexts.CLR_1: {"file": "clr_v1p0.jsonld"},
    contexts.OPEN_BADGES_2: {"file": "ob_v2p0.json"},
    "https://openbadgespec.org/v2/context.json": {"file": "ob_v2p0.json"},
}


@pytest.fixture(scope="module")
def published(shared: Path) -> Get:
    files = json.loads((shared / "contexts/urls-vc.json").read_text())["contexts"] | EARLIER

    def get(url: str) -> Any:
        return json.loads((shared / "contexts" / files[url]["file"]).read_text())

    return get


@pytest.mark.parametrize("url", contexts.known())
def test_every_term_means_what_the_published_context_says(url: str, published: Get) -> None:
    assert _meaning(contexts.document_for, url) == _meaning(published, url)


def test_all_published_contexts_are_built_in(shared: Path) -> None:
    files = json.loads((shared / "contexts/urls-vc.json").read_text())["contexts"]
    assert set(contexts.known()) == set(files) | set(EARLIER)


def test_an_unknown_address_has_no_context() -> None:
    assert contexts.document_for("https://contexts.evil.example/unknown.json") is None


def test_samples_expand_to_the_same_with_both(shared: Path, published: Get) -> None:
    documents = [
        path
        for folder in (
            "samples/ob-3.0/cases",
            "samples/clr-2.0/cases",
            "samples/clr-1.0/cases",
            "samples/ob-2.0/cases",
            "vectors/1edtech-ob-3.0",
            "vectors/1edtech-clr-2.0",
        )
        for path in sorted((shared / folder).glob("*.json"))
    ]
    compared = 0
    for path in documents:
        try:
            document = json.loads(path.read_text())
            ours, theirs = _expanded(contexts.document_for, document), _expanded(published, document)
        except (ValueError, KeyError, LookupError):
            continue  # not JSON, or a context that is nowhere: test_samples judges those
        assert ours == theirs, path.name
        compared += 1
    assert compared > 100


def _options(get: Get) -> dict[str, Any]:
    def load(url: str, options: Any) -> dict[str, Any]:
        document = get(url)
        if document is None:
            raise LookupError(url)
        return {"contextUrl": None, "documentUrl": url, "document": document}

    return {
        "base": "",
        "documentLoader": load,
        "contextResolver": ContextResolver({}, load),
        "processingMode": "json-ld-1.1",
    }


def _expanded(get: Get, document: Any) -> Any:
    processor = JsonLdProcessor()
    try:
        return processor.expand(document, {**_options(get), "base": "https://base.invalid/"})
    except Exception as fault:  # noqa: BLE001  (both sides must refuse alike)
        cause: BaseException | None = fault
        while cause is not None:
            if isinstance(cause, LookupError):
                raise cause from None
            cause = cause.__cause__
        return type(fault)


def _meaning(get: Get, url: str) -> Any:
    """What each term of a context means after context processing, scoped contexts included."""
    processor, options = JsonLdProcessor(), _options(get)
    initial = processor._get_initial_context(options)
    return _terms(processor, options, processor._process_context(initial, [url], options), seen=())


def _terms(processor: Any, options: Any, active: Any, seen: tuple[str, ...]) -> Any:
    meaning: dict[str, Any] = {key: active[key] for key in ("@vocab", "@base", "@language") if key in active}
    for term, mapping in active["mappings"].items():
        entry = dict(mapping)
        scoped = entry.pop("@context", None)
        if scoped is not None:
            entry["forgets"] = scoped is False
            if scoped is not False and len(seen) < 3 and term not in seen:
                inner = processor._process_context(active, scoped, options, override_protected=True)
                # Only what the scoped context itself says; the rest is compared one level up.
                own = {key: inner["mappings"][key] for key in inner["mappings"] if key in _named(scoped)}
                entry["scoped"] = _terms(processor, options, {**inner, "mappings": own}, (*seen, term))
        meaning[term] = entry
    return meaning


def _named(scoped: Any) -> set[str]:
    return set(scoped)
