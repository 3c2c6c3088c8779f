"""What the page of a share shows of each thing in it: read out of the shared bytes alone (PRIV-07)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.issuance import showing
from apps.issuance.reading import read_record, safe_url
from apps.issuance.record_view import RecordView
from apps.standards import markdown, schema_org
from apps.standards.baking import pdf, png, svg
from apps.standards.errors import StandardsError
from apps.standards.verify.recognise import clr1_kind, format_of, recognise
from apps.verification.showing import FORMATS, host_of, plain
from apps.wallet.models import ShareItem, WalletItem

MOST_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence of a badge."""

    name: str
    narrative: SafeString
    url: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing of a share as people read it: a whole record, or one achievement."""

    item: ShareItem
    kind: str
    title: str
    record: RecordView | None = None
    issuer: str = ""
    issuer_host: str = ""
    issued_on: str = ""
    description: SafeString | None = None
    criteria: SafeString | None = None
    criteria_url: str = ""
    narrative: SafeString | None = None
    evidence: tuple[Proof, ...] = ()

    @property
    def number(self) -> int:
        """Its place in the share, from 1."""
        return int(self.item.position)

    @property
    def has_pdf(self) -> bool:
        """Whether it can be taken along as a PDF."""
        return self.item.record is not None or self.item.media_type == "application/pdf"


def pieces_of(items: list[ShareItem]) -> list[Piece]:
    """The things of a share in order. Never raises for what stands in them."""
    return [_piece(each) for each in items]


def document_in(content: bytes, media_type: str) -> dict[str, Any]:
    """The JSON in a document of any form; empty where it cannot be read without its issuer."""
    try:
        if media_type == "image/png":
            content = png.extract(content).encode()
        elif media_type == "image/svg+xml":
            content = svg.extract(content).encode()
        elif media_type == "application/pdf":
            content = pdf.extract(content)
        found = recognise(content).value
    except StandardsError:
        return {}
    return found if isinstance(found, dict) else {}


def piece_of(item: WalletItem) -> Piece:
    """One thing of a wallet as its owner reads it, and as it would look in a share."""
    content, media_type = item.judged
    return _piece(ShareItem(item=item, content=content, media_type=media_type, title=item.title, position=1))


def _piece(item: ShareItem) -> Piece:
    document = document_in(bytes(item.content or b""), item.media_type)
    title = plain(item.title)
    format = format_of(document) if document else "unknown"
    if format == "clr-1.0" and clr1_kind(document) == "record":
        return Piece(item, str(FORMATS[format]), title, record=read_record(document))
    inner = _claim_of(document)
    issuer = inner.get("issuer") or document.get("issuer")
    return Piece(
        item,
        str(FORMATS.get(format, _("Achievement"))),
        title,
        issuer=plain(_text(issuer.get("name")) if isinstance(issuer, dict) else "") or _issuer_kept(item),
        issuer_host=plain(host_of(_text(issuer.get("id")) if isinstance(issuer, dict) else _text(issuer))),
        issued_on=plain(_text(document.get("issuedOn") or document.get("validFrom") or document.get("issuanceDate"))),
        description=_prose(inner.get("description")),
        criteria=_prose(_criteria(inner.get("criteria"))),
        criteria_url=_link(inner.get("criteria")),
        narrative=_prose(document.get("narrative")),
        evidence=tuple(_evidence(document.get("evidence"))),
    )


def _issuer_kept(item: ShareItem) -> str:
    return plain(item.item.issuer_name) if item.item is not None else ""


def _claim_of(document: dict[str, Any]) -> dict[str, Any]:
    """What was achieved: of Open Badges 2.0 `badge`, of CLR 1.0 and Open Badges 3.0 `achievement`."""
    subject = document.get("credentialSubject")
    subject = subject[0] if isinstance(subject, list) and subject else subject
    for each in (
        document.get("badge"),
        document.get("achievement"),
        subject.get("achievement") if isinstance(subject, dict) else None,
    ):
        if isinstance(each, dict):
            return each
    return {}


def _criteria(value: Any) -> Any:
    return value.get("narrative") if isinstance(value, dict) else None


def _link(value: Any) -> str:
    found = value.get("id") if isinstance(value, dict) else value
    return safe_url(found if isinstance(found, str) else None) or ""


def _evidence(value: Any) -> Iterator[Proof]:
    for each in (value if isinstance(value, list) else [value])[:MOST_EVIDENCE]:
        if isinstance(each, str):
            each = {"id": each}
        if isinstance(each, dict):
            url = _link(each)
            name = plain(_text(each.get("name"))) or url
            yield Proof(name, _prose(each.get("narrative")) or SafeString(""), url)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = next(iter(value.values()), "")
    return value if isinstance(value, str) else ""


def _prose(text: Any) -> SafeString | None:
    words = plain(_text(text))
    return mark_safe(markdown.to_html(words)) if words else None  # noqa: S308  sanitised (SEC-31)


def structured_data(pieces: list[Piece], *, url: str, learner: str) -> dict[str, Any]:
    """The page as JSON-LD: what is shown, and nothing that only the whole records hold."""
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        address = f"{url}items/{piece.number}/file"
        if piece.record is not None:
            view = piece.record
            parts.append(
                schema_org.credential(
                    id=view.id,
                    name=view.title.value or piece.title,
                    url=url,
                    learner=view.learner.name.value,
                    issuer_id=view.publisher.id,
                    issuer=view.publisher.name.value,
                    date=view.issued_on.text if view.issued_on else "",
                    code="",
                    parts=[showing.achieved(entry) for entry in view.entries],
                    encodings=[(address, piece.item.media_type)],
                )
            )
        else:
            shown = schema_org.Achieved(id=address, name=piece.title, kind=piece.kind, date=piece.issued_on)
            parts.append(schema_org.offered(shown, url=address, issuer_id=piece.issuer_host, issuer=piece.issuer))
    for part in parts:
        part.pop("@context", None)
        if not part.get("identifier", "x"):
            part.pop("identifier")
    return {
        "@context": schema_org.CONTEXT,
        "@type": "ItemList",
        "about": {"@type": "Person", "name": learner},
        "itemListElement": parts,
    }
