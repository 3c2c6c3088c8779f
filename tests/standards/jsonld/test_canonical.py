"""SEC-22: the canonical form is the standard's, and nothing that it would drop goes unnoticed."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyld import jsonld

from apps.standards.errors import DocumentFault
from apps.standards.jsonld import canonical, compiled, contexts, general, rdfc
from apps.standards.jsonld.active import NotCovered
from apps.standards.jsonld.faults import ContextInvalid, ContextUnavailable, TooMuchWork, UnprotectedContent
from tests.effort import examples

BADGE_CONTEXT = [contexts.CREDENTIALS_V2, contexts.OPEN_BADGES]


def by_pyld(document: Any) -> str:
    def load(url: str, options: Any) -> dict[str, Any]:
        return {"contextUrl": None, "documentUrl": url, "document": contexts.document_for(url)}

    form = jsonld.normalize(
        document,
        {
            "algorithm": "URDNA2015",
            "format": "application/n-quads",
            "documentLoader": load,
            "base": "https://undefined.invalid/",
        },
    )
    return str(form)


def form_of(statements: list[rdfc.Quad]) -> str:
    return "".join(rdfc.canonical_lines(statements))


def badge(**subject: Any) -> dict[str, Any]:
    return {
        "@context": BADGE_CONTEXT,
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": "https://issuer.example/", "type": "Profile", "name": "Issuer"},
        "validFrom": "2024-05-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:a", "type": "AchievementSubject", **subject},
    }


def samples(shared: Path) -> list[Path]:
    return sorted([*(shared / "samples/ob-3.0").glob("*/*.json"), *(shared / "samples/clr-2.0").glob("*/*.json")])


def test_a_badge_has_the_form_that_pyld_gives() -> None:
    document = badge(creditsEarned=7.5, result=[{"type": "Result", "value": 'A\t"+"\n'}])
    assert canonical.canonical_form(document) == by_pyld(document)


def test_compiled_general_and_pyld_agree_on_every_sample(shared: Path) -> None:
    agreed = refused = 0
    for path in samples(shared):
        try:
            document = json.loads(path.read_text())
        except ValueError:
            continue
        if "@context" not in document:
            continue
        try:
            form = form_of(compiled.statements(document, canonical.BUILT_IN))
        except DocumentFault as fault:
            with pytest.raises(type(fault)):
                general.statements(document, canonical.BUILT_IN)
            refused += 1
            continue
        assert form == form_of(general.statements(document, canonical.BUILT_IN)) == by_pyld(document), path.name
        agreed += 1
    assert agreed > 100
    assert refused > 10


# --- generated documents ------------------------------------------------------------------------------------


def _classes() -> dict[str, list[str]]:
    terms = contexts.document_for(contexts.OPEN_BADGES)["@context"]  # type: ignore[index]
    shared_terms = [name for name, value in terms.items() if name[0].islower() and not name.startswith("@")]
    classes: dict[str, list[str]] = {}
    for name, definition in terms.items():
        if name[0].isupper():
            scoped = definition.get("@context", {}) if isinstance(definition, dict) else {}
            own = [term for term in scoped if not term.startswith("@") and term not in ("id", "type")]
            classes[name] = own + [term for term in shared_terms if term not in ("id", "type")]
    return classes


CLASSES = _classes()
TEXTS = st.text(alphabet=string.ascii_letters + string.digits + ' "\\\n\r\té漢🎓', max_size=12)
REFERENCES = st.sampled_from(["urn:uuid:1", "urn:uuid:2", "https://a.example/x?y=1#z", "did:key:z6Mk", "_:b0", "_:b7"])
SCALARS = (
    TEXTS
    | REFERENCES
    | st.booleans()
    | st.integers(-(10**24), 10**24)
    | st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def objects(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(CLASSES)))
    element: dict[str, Any] = {"type": draw(st.sampled_from([kind, [kind], [kind, "Achievement"]]))}
    if draw(st.booleans()):
        element["id"] = draw(REFERENCES)
    for name in draw(st.lists(st.sampled_from(CLASSES[kind] or ["name"]), max_size=4, unique=True)):
        value = SCALARS if depth == 0 else SCALARS | objects(depth - 1)
        element[name] = draw(value | st.lists(value, max_size=3))
    if depth < 3 and draw(st.integers(0, 9)) == 0:
        element["@context"] = draw(st.sampled_from([BADGE_CONTEXT, {"myTerm": "https://my.example/term"}]))
    return element


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objects())
def test_generated_documents_have_one_form_by_all_three_ways(element: dict[str, Any]) -> None:
    document = {"@context": [*BADGE_CONTEXT, contexts.OPEN_BADGES_SERVICES], **element}
    try:
        quick = form_of(compiled.statements(document, canonical.BUILT_IN))
    except NotCovered:
        return
    except DocumentFault:
        with pytest.raises(DocumentFault):
            canonical.canonical_form(document)
            general.statements(document, canonical.BUILT_IN)
        return
    assert quick == form_of(general.statements(document, canonical.BUILT_IN))
    if not _has_equal_truths(document) and not _refers_to_itself(document):
        assert quick == by_pyld(document)


def _has_equal_truths(value: Any) -> bool:
    """PyLD takes true and 1 for the same value of a property, and drops one."""
    if isinstance(value, dict):
        return any(_has_equal_truths(item) for item in value.values())
    if isinstance(value, list):
        return any(isinstance(item, bool) for item in value) or any(_has_equal_truths(item) for item in value)
    return False


def _refers_to_itself(document: Any) -> bool:
    """PyLD counts a statement of a blank node about itself twice."""
    return any(quad[0][0] == "_" and quad[0] == quad[2] for quad in compiled.statements(document, canonical.BUILT_IN))


def test_what_the_compiled_way_does_not_cover_goes_the_general_way() -> None:
    document = badge(narrative={"@value": "Bonjour", "@language": "fr"})
    with pytest.raises(NotCovered):
        compiled.statements(document, canonical.BUILT_IN)
    assert '"Bonjour"@fr' in canonical.canonical_form(document)
    assert canonical.canonical_form(document) == by_pyld(document)


# --- safe mode ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statements", [compiled.statements, general.statements])
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"finalGrade": "A+"}, id="undefined term"),
        pytest.param({"image": {"id": "seal.png", "type": "Image"}}, id="relative id"),
        pytest.param({"source": {"id": "https://a.example/", "type": ["Profile", "Honoured"]}}, id="undefined type"),
        pytest.param({"narrative": None}, id="null"),
        pytest.param({"result": [{"type": "Result", "rank": 1}]}, id="undefined term in a nested object"),
        pytest.param({"@foo": "bar"}, id="word that looks like a keyword"),
        pytest.param({"image": {"id": "https://a.example/\n", "type": "Image"}}, id="address with a line break"),
        pytest.param({"image": {"id": "https://a.example/> <urn:x", "type": "Image"}}, id="address that breaks out"),
        pytest.param({"_:secret": "x"}, id="blank node as property"),
    ],
)
def test_what_would_be_dropped_is_refused(statements: Any, more: dict[str, Any]) -> None:
    with pytest.raises(UnprotectedContent):
        statements(badge(**more), canonical.BUILT_IN)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"narrative": {"@value": "x", "@index": "one"}}, id="index"),
        pytest.param({"narrative": {"@value": "x", "@direction": "rtl"}}, id="direction"),
        pytest.param({"narrative": {"@language": "en"}}, id="language without text"),
        pytest.param({"@reverse": {"https://a.example/p": {"id": "relative"}}}, id="relative id in a reverse property"),
    ],
)
def test_the_general_way_refuses_what_it_would_drop(more: dict[str, Any]) -> None:
    with pytest.raises(DocumentFault):
        canonical.canonical_form(badge(**more))


def test_an_object_that_says_nothing_inside_a_graph_is_refused() -> None:
    document = {**badge(), "proof": {"id": "urn:uuid:9"}}
    with pytest.raises(UnprotectedContent):
        canonical.canonical_form(document)


def test_an_unknown_context_is_not_fetched() -> None:
    with pytest.raises(ContextUnavailable) as caught:
        canonical.canonical_form({**badge(), "@context": [*BADGE_CONTEXT, "https://evil.example/context"]})
    assert caught.value.code == "CONTEXT_UNAVAILABLE"
    assert "https://evil.example/context" in caught.value.sentence


@pytest.mark.parametrize(
    "inline",
    [
        pytest.param({"name": "https://evil.example/name"}, id="redefines a protected term"),
        pytest.param({"@import": contexts.OPEN_BADGES}, id="import"),
        pytest.param({f"t{n}": f"https://a.example/{n:030}" for n in range(1000)}, id="more than 32 KB"),
        pytest.param(json.loads('{"a":{"@id":"urn:a","@context":' * 9 + "{}" + "}}" * 9), id="too deep"),
        pytest.param(None, id="null forgets protected terms"),
    ],
)
def test_inline_contexts_have_limits(inline: Any) -> None:
    with pytest.raises(ContextInvalid):
        canonical.canonical_form({**badge(), "@context": [*BADGE_CONTEXT, inline]})


def test_an_inline_context_may_add_terms() -> None:
    document = {**badge(finalGrade="A"), "@context": [*BADGE_CONTEXT, {"finalGrade": "https://a.example/grade"}]}
    assert "<https://a.example/grade> " in canonical.canonical_form(document)
    assert canonical.canonical_form(document) == by_pyld(document)


# --- RDFC-1.0 -----------------------------------------------------------------------------------------------

BLANKS = st.sampled_from([f"_:x{n}" for n in range(5)])
TERMS = BLANKS | st.sampled_from(["<urn:a>", "<urn:b>"])
QUADS = st.sets(
    st.tuples(
        TERMS,
        st.sampled_from(["<urn:p>", "<urn:q>"]),
        TERMS | st.just('"text"'),
        st.sampled_from(["", "", "_:x0", "<urn:g>"]),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=examples(400), deadline=None)
@given(QUADS)
def test_canonical_form_is_that_of_an_independent_implementation(quads: set[rdfc.Quad]) -> None:
    text = "".join("{} {} {} {} .\n".format(*quad) for quad in quads)
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_QUADS))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    theirs = pyoxigraph.serialize(dataset, format=pyoxigraph.RdfFormat.N_QUADS).decode()
    assert rdfc.canonical_lines(quads) == sorted(theirs.splitlines(keepends=True))


@given(QUADS, st.permutations([f"_:y{n}" for n in range(5)]))
def test_names_of_blank_nodes_do_not_matter(quads: set[rdfc.Quad], names: list[str]) -> None:
    labels = {f"_:x{n}": name for n, name in enumerate(names)}
    assert rdfc.canonical_lines({rdfc.relabelled(quad, labels) for quad in quads}) == rdfc.canonical_lines(quads)


def test_a_poison_graph_is_given_up_within_the_work_limit() -> None:
    nodes = [f"_:p{n}" for n in range(12)]
    clique = {(one, "<urn:p>", other, "") for one in nodes for other in nodes if one != other}
    with pytest.raises(TooMuchWork) as caught:
        rdfc.canonical_lines(clique)
    assert caught.value.code == "NOT_DECIDED"


def test_many_alike_nodes_of_one_owner_are_no_poison() -> None:
    document = badge(result=[{"type": "Result", "value": "A", "alignment": [{"type": "Alignment"}]}] * 300)
    assert canonical.canonical_form(document).count("\n") > 600
