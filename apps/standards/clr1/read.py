"""From JSON to objects, and what is wrong with the JSON (section 8.7 of the standard).

``check`` looks at plain JSON and gives findings, each with the failure or warning name of section 8.6 and a
JSON pointer. ``parse`` makes typed objects of any JSON, also of faulty one, and loses nothing: members that
are unknown, ``null`` or of the wrong kind stay in ``extra``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeVar

from apps.standards import moments
from apps.standards.clr1 import model
from apps.standards.clr1.model import Kind
from apps.standards.errors import DocumentFault
from apps.standards.strict_json import shown

NodeT = TypeVar("NodeT", bound=model.Node)

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f<>\"{}|\\^`]+")
#: a date and time that needs no closer look: every such text names a moment
_PLAIN_MOMENT = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z", re.ASCII
)
_HASHED_IDENTITY = re.compile(r"sha256\$[0-9a-fA-F]{64}|md5\$[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong (``failure``) or remarkable (``warning``) at one place of a document."""

    code: str
    at: str
    sentence: str
    severity: Literal["failure", "warning"] = "failure"


# --- objects ----------------------------------------------------------------------------------------------


def parse(document: Mapping[str, Any], cls: type[NodeT]) -> NodeT:
    """The typed object of a JSON object. Never raises for its content; check it with ``check``.

    Names and values of the candidate finals are read as what replaced them (section 11); a bare string in
    the place of a profile, achievement or key is read as an object with that id.
    """
    description = model.describe(cls)
    attributes: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in document.items():
        member = description.members.get(name)
        if member is None:
            member = description.former_names.get(name)
            if member is None or member.described.wire in document:
                extra[name] = value
                continue
        taken = _taken(value, member)
        if taken is None:
            extra[name] = value
        else:
            attributes[member.attribute] = taken
    return cls(**attributes, extra=extra)


_READ_BY_REFERENCE = (model.Profile, model.EndorsementProfile, model.Achievement, model.CryptographicKey)


def _taken(value: Any, member: model.Member) -> Any:
    """The value for an attribute, or None where the JSON value is not of the described kind."""
    described = member.described
    if described.many:
        if not isinstance(value, list) or not value:
            return None
        items = [_taken_one(item, member) for item in value]
        return None if any(item is None for item in items) else items
    if described.or_many and isinstance(value, list):
        return value if value and all(isinstance(item, str) for item in value) else None
    return _taken_one(value, member)


def _taken_one(value: Any, member: model.Member) -> Any:
    if member.of is not None:
        if isinstance(value, str) and member.of in _READ_BY_REFERENCE:
            value = {"id": value}
        return parse(value, member.of) if isinstance(value, dict) else None
    kind = member.described.kind
    if kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind is Kind.NUMBER:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if not isinstance(value, str):
        return None
    if member.attribute == "type" and value in model.FORMER_CLASS_NAMES:
        return model.FORMER_CLASS_NAMES[value]
    vocabulary = member.described.vocabulary
    return vocabulary.formerly.get(value, value) if vocabulary else value


# --- data validation: properties (section 2) ---------------------------------------------------------------

_STRING, _REQUIRED_ID, _URI_CODE, _DATE_TIME, _DATE, _BOOLEAN, _NUMBER, _JWS, _IGNORED, _OBJECT, _LISTED = range(11)

_CODES = {
    Kind.STRING: _STRING,
    Kind.IRI: _STRING,
    Kind.URI: _URI_CODE,
    Kind.DATE_TIME: _DATE_TIME,
    Kind.DATE: _DATE,
    Kind.BOOLEAN: _BOOLEAN,
    Kind.NUMBER: _NUMBER,
    Kind.JWS: _JWS,
    Kind.CONTEXT: _IGNORED,
    Kind.OBJECT: _OBJECT,
}

#: Classes whose ``type`` is no class name, or may be a further one.
_TYPE_IS_FREE = frozenset({model.Verification, model.Identity, model.Evidence, model.Artifact})


_PLAIN_TEXT, _LISTED_TEXT, _TYPE_NAME, _ONE_OBJECT, _OBJECTS, _TEXTS, _OTHERS, _OTHER = range(8)


@dataclass(slots=True)
class _Rule:
    """What one member of a class must look like, ready to be applied; ``way`` is how it is looked at."""

    way: int
    code: int
    vocabulary: model.Vocabulary | None = None
    values: frozenset[str] = frozenset()
    class_rules: _ClassRules | None = None


@dataclass(slots=True)
class _ClassRules:
    cls: type[model.Node]
    name: str
    type_names: frozenset[str]
    required: frozenset[str]
    further: Callable[[dict[str, Any], str, Findings], None] | None
    rules: dict[str, _Rule] = field(default_factory=dict)


class Findings(list[Finding]):
    """Findings in the order of the document; ``has_nested`` tells whether anything in it is signed or hosted
    on its own, or is an endorsement, so that nested objects have to be looked for."""

    has_nested = False


_compiled: dict[type[model.Node], _ClassRules] = {}


def _rules_for(cls: type[model.Node]) -> _ClassRules:
    known = _compiled.get(cls)
    if known is not None:
        return known
    description = model.describe(cls)
    known = _compiled[cls] = _ClassRules(
        cls,
        description.name,
        description.type_names,
        frozenset(description.required),
        _FURTHER_RULES.get(cls),
    )
    for wire, member in (*description.members.items(), *description.former_names.items()):
        known.rules[wire] = _rule(wire, member, cls)
    return known


def _rule(wire: str, member: model.Member, owner: type[model.Node]) -> _Rule:
    described = member.described
    code = _CODES[described.kind]
    if described.vocabulary is not None:
        values = frozenset(described.vocabulary.values)
        return _Rule(_LISTED_TEXT, _LISTED, described.vocabulary, values)
    if wire == "type" and owner not in _TYPE_IS_FREE:
        return _Rule(_TYPE_NAME, code, values=model.describe(owner).type_names)
    if member.of is not None:
        return _Rule(_OBJECTS if described.many else _ONE_OBJECT, code, class_rules=_rules_for(member.of))
    if described.kind is Kind.IRI and described.required:
        return _Rule(_PLAIN_TEXT, _REQUIRED_ID)
    if code == _STRING:
        return _Rule(_TEXTS if described.many else _PLAIN_TEXT, code)
    return _Rule(_OTHERS if described.many else _OTHER, code)


def check(document: Any, cls: type[model.Node], at: str = "") -> Findings:
    """What section 2 finds wrong with a JSON object as an instance of a class, and with all below it.

    CLR1-V-10: required properties, types, lists of values. Unknown properties are no fault (CLR1-V-11).
    ``@context`` of the document is not looked at here.
    """
    findings = Findings()
    if not isinstance(document, dict):
        findings.append(
            Finding("PROPERTY_INVALID", at, f"A {cls.__name__} is a JSON object, not {_kind_of(document)}.")
        )
        return findings
    _check_object(document, _rules_for(cls), at, findings)
    return findings


def _check_object(value: dict[str, Any], rules: _ClassRules, at: str, findings: Findings) -> None:
    if not rules.required <= value.keys():
        for name in sorted(rules.required - value.keys()):
            _note_missing(name, rules, at, findings)
    known = rules.rules
    for name, member in value.items():
        rule = known.get(name)
        if rule is None:
            continue
        way = rule.way
        if way == _PLAIN_TEXT:
            if type(member) is str and (member or rule.code == _STRING):
                continue
        elif way <= _TYPE_NAME:
            if type(member) is str and member in rule.values:
                continue
        elif way == _ONE_OBJECT:
            if type(member) is dict:
                _check_object(member, rule.class_rules, f"{at}/{name}", findings)  # type: ignore[arg-type]
                continue
        elif way == _OBJECTS:
            if type(member) is list:
                nested = rule.class_rules
                for index, item in enumerate(member):
                    if type(item) is dict:
                        _check_object(item, nested, f"{at}/{name}/{index}", findings)  # type: ignore[arg-type]
                    else:
                        _check_not_an_object(item, nested, f"{at}/{name}/{index}", findings)  # type: ignore[arg-type]
                continue
        elif way == _OTHER and _is_plainly(member, rule.code):
            continue
        elif way == _TEXTS and type(member) is list:
            for index, item in enumerate(member):
                if type(item) is not str:
                    findings.append(_wrong_kind(name, f"{at}/{name}/{index}", "a text", item))
            continue
        _check_member(name, member, rule, rules, at, findings)
    if rules.further is not None:
        rules.further(value, at, findings)


def _is_plainly(value: Any, code: int) -> bool:
    """Whether a date, number or boolean is beyond doubt as it should be."""
    if code == _DATE_TIME:
        return type(value) is str and _PLAIN_MOMENT.fullmatch(value) is not None
    if code == _NUMBER:
        return type(value) is float or type(value) is int
    return code == _BOOLEAN and type(value) is bool


def _check_member(name: str, member: Any, rule: _Rule, rules: _ClassRules, at: str, findings: Findings) -> None:
    """A member that is not plainly as it should be."""
    way = rule.way
    if member is None and name in rules.required:
        _note_missing(name, rules, at, findings)
    elif rule.code == _IGNORED:
        return
    elif member is None:
        findings.append(_null(name, at))
    elif way == _TYPE_NAME:
        findings.append(
            Finding("TYPE_INVALID", f"{at}/type", f"The type should be {rules.name}, not {_quoted(member)}.")
        )
    elif way == _ONE_OBJECT:
        assert rule.class_rules is not None
        _check_not_an_object(member, rule.class_rules, f"{at}/{name}", findings)
    elif way in (_OBJECTS, _TEXTS, _OTHERS):
        if type(member) is not list:
            findings.append(_wrong_kind(name, f"{at}/{name}", "a list", member))
            return
        findings.has_nested = findings.has_nested or rule.code == _JWS
        for index, item in enumerate(member):
            _check_plain(item, rule, name, f"{at}/{name}/{index}", findings)
    else:
        findings.has_nested = findings.has_nested or rule.code == _JWS
        _check_plain(member, rule, name, f"{at}/{name}", findings)


def _check_plain(value: Any, rule: _Rule, name: str, at: str, findings: list[Finding]) -> None:
    code = rule.code
    if code == _BOOLEAN:
        if type(value) is not bool:
            findings.append(_wrong_kind(name, at, "true or false", value))
        return
    if code == _NUMBER:
        if type(value) not in (int, float):
            findings.append(_wrong_kind(name, at, "a number", value))
        return
    if type(value) is not str:
        findings.append(_wrong_kind(name, at, "a text", value))
        return
    if code == _LISTED:
        _check_listed(value, rule, name, at, findings)
    elif code == _DATE_TIME:
        _check_date_time(value, name, at, findings)
    elif code == _URI_CODE:
        if not _URI.fullmatch(value):
            findings.append(Finding("PROPERTY_INVALID", at, f"{name} is not an address: {shown(value)}."))
    elif code == _REQUIRED_ID:
        if not value:
            findings.append(Finding("PROPERTY_INVALID", at, f"{name} is empty."))
    elif code == _DATE:
        _check_date(value, name, at, findings)
    elif code == _JWS and not model.COMPACT_JWS.fullmatch(value):
        findings.append(Finding("PROPERTY_INVALID", at, f"{name} holds a text that is no compact JWS."))


def _check_listed(value: str, rule: _Rule, name: str, at: str, findings: list[Finding]) -> None:
    vocabulary = rule.vocabulary
    assert vocabulary is not None
    if value in rule.values:
        return
    if vocabulary.extensible and model.EXTENDED_VALUE_READ.fullmatch(value):  # CLR1-P-20
        return
    replaced = vocabulary.formerly.get(value)
    if replaced is not None:
        findings.append(
            Finding(
                "CANDIDATE_FINAL_VALUE",
                at,
                f"{name} has the value {shown(value)} of a draft of the standard; it is read as {replaced}.",
                "warning",
            )
        )
        return
    findings.append(Finding("ENUM_INVALID", at, f"{name} does not know the value {shown(value)}."))


def _check_date_time(value: str, name: str, at: str, findings: list[Finding]) -> None:
    try:
        moment = moments.read(value)
    except DocumentFault:
        findings.append(Finding("PROPERTY_INVALID", at, f"{name} is not a date with time: {shown(value)}."))
        return
    if not moment.has_zone:
        findings.append(Finding("NO_TIMEZONE", at, f"{name} names no time zone; it is read as UTC.", "warning"))
    if moment.is_leap_second:
        findings.append(Finding("VALUE_OUT_OF_RANGE", at, f"{name} names second 60; it is read as 59.", "warning"))


def _check_date(value: str, name: str, at: str, findings: list[Finding]) -> None:
    if moments.is_date(value):
        return
    try:
        moments.read(value)  # seen in practice: a birth date with a time
    except DocumentFault:
        findings.append(Finding("PROPERTY_INVALID", at, f"{name} is not a date: {shown(value)}."))


def _note_missing(name: str, rules: _ClassRules, at: str, findings: list[Finding]) -> None:
    findings.append(Finding("PROPERTY_MISSING", f"{at}/{name}", f"The {rules.name} has no {name}."))


def _check_not_an_object(value: Any, rules: _ClassRules, at: str, findings: list[Finding]) -> None:
    if isinstance(value, str) and value and rules.cls in _READ_BY_REFERENCE:
        findings.append(
            Finding(
                "PROPERTY_INVALID",
                at,
                f"A {rules.name} is given by its id alone; it is read as an object with that id.",
                "warning",
            )
        )
        if rules.cls is model.Achievement:
            for name in sorted(rules.required - {"id"}):
                _note_missing(name, rules, at, findings)
        return
    findings.append(_wrong_kind(rules.name, at, "an object", value))


def _null(name: str, at: str) -> Finding:
    return Finding("NULL_PROPERTY", f"{at}/{name}", f"{name} is null; it is read as absent.", "warning")


def _wrong_kind(name: str, at: str, wanted: str, value: Any) -> Finding:
    return Finding("PROPERTY_INVALID", at, f"{name} should be {wanted}, not {_kind_of(value)}.")


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def _quoted(value: Any) -> str:
    return shown(value) if isinstance(value, str) else _kind_of(value)


def _assertion_needs(value: dict[str, Any], at: str, findings: Findings) -> None:
    """``achievement``, ``issuedOn``, ``recipient``: required unless revoked, or an Open Badge (8.7)."""
    if value.get("revoked") is True:
        return
    for name in ("achievement", "issuedOn", "recipient"):
        if value.get(name) is None and not (name == "achievement" and value.get("badge") is not None):
            findings.append(Finding("PROPERTY_MISSING", f"{at}/{name}", f"The Assertion has no {name}."))


def _is_endorsement(value: dict[str, Any], at: str, findings: Findings) -> None:
    findings.has_nested = True


def _may_be_hosted(value: dict[str, Any], at: str, findings: Findings) -> None:
    if value.get("type") == "Hosted":
        findings.has_nested = True


def _identity_form(value: dict[str, Any], at: str, findings: Findings) -> None:
    identity, hashed = value.get("identity"), value.get("hashed")
    if not isinstance(identity, str) or not isinstance(hashed, bool):
        return
    if hashed != (_HASHED_IDENTITY.fullmatch(identity) is not None):
        said = "is hashed" if hashed else "is plain text"
        findings.append(Finding("IDENTITY_INVALID", f"{at}/identity", f"The recipient says it {said}, but it is not."))


_FURTHER_RULES: dict[type[model.Node], Callable[[dict[str, Any], str, Findings], None]] = {
    model.Assertion: _assertion_needs,
    model.Identity: _identity_form,
    model.Endorsement: _is_endorsement,
    model.Verification: _may_be_hosted,
}


# --- data validation: what belongs together (section 8.7) --------------------------------------------------


def assertions_of(clr: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The embedded assertions of a record that are objects, with their pointers."""
    return _objects(clr, "assertions")


def _objects(node: Mapping[str, Any], name: str, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    members = node.get(name)
    if isinstance(members, list):
        for index, member in enumerate(members):
            if isinstance(member, dict):
                yield f"{at}/{name}/{index}", member


def _achievements_of(clr: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for at, assertion in assertions_of(clr):
        achievement = assertion.get("achievement")
        if isinstance(achievement, dict):
            yield f"{at}/achievement", achievement
    yield from _objects(clr, "achievements")


def check_identifiers(clr: Mapping[str, Any]) -> list[Finding]:
    """CLR1-V-15, CLR1-P-21: equal ids have equal content, for assertions and for achievements."""
    findings: list[Finding] = []
    for what, places in (("assertion", assertions_of(clr)), ("achievement", _achievements_of(clr))):
        seen: dict[str, dict[str, Any]] = {}
        for at, node in places:
            id = node.get("id")
            if not isinstance(id, str):
                continue
            other = seen.setdefault(id, node)
            if other is not node and other != node:
                findings.append(
                    Finding("CONFLICTING_IDS", at, f"The {what} {shown(id)} stands in the record twice, differently.")
                )
    return findings


def check_references(assertion: Mapping[str, Any], at: str = "") -> list[Finding]:
    """Results point at descriptions of the same achievement, levels exist, a status is given where needed.

    Values outside their own limits are warnings (VALUE_OUT_OF_RANGE).
    """
    findings: list[Finding] = []
    achievement = assertion.get("achievement")
    if not isinstance(achievement, dict):
        return findings
    descriptions: dict[str, dict[str, Any]] = {}
    levels: set[str] = set()
    if achievement.get("resultDescriptions"):
        _gather_descriptions(achievement, f"{at}/achievement", descriptions, levels, findings)
    if assertion.get("results"):
        for place, result in _objects(assertion, "results", at):
            _check_result(result, place, descriptions, levels, findings)
    _check_amounts(assertion, achievement, at, findings)
    return findings


def _gather_descriptions(
    achievement: Mapping[str, Any],
    at: str,
    descriptions: dict[str, dict[str, Any]],
    levels: set[str],
    findings: list[Finding],
) -> None:
    for place, description in _objects(achievement, "resultDescriptions", at):
        id = description.get("id")
        if isinstance(id, str):
            descriptions[id] = description
        own: set[Any] = set()
        if description.get("rubricCriterionLevels"):
            own = {
                level.get("id")
                for _, level in _objects(description, "rubricCriterionLevels")
                if isinstance(level.get("id"), str)
            }
            levels |= own
        required = description.get("requiredLevel")
        if isinstance(required, str) and required not in own:
            findings.append(
                Finding(
                    "REFERENCE_INVALID",
                    f"{place}/requiredLevel",
                    "The level required is none of the levels described.",
                )
            )


def _check_result(
    result: Mapping[str, Any],
    at: str,
    descriptions: Mapping[str, dict[str, Any]],
    levels: set[str],
    findings: list[Finding],
) -> None:
    reference = result.get("resultDescription")
    level = result.get("achievedLevel")
    if isinstance(level, str) and level not in levels:
        findings.append(
            Finding("REFERENCE_INVALID", f"{at}/achievedLevel", "The level achieved is none of those described.")
        )
    if not isinstance(reference, str):
        return
    description = descriptions.get(reference)
    if description is None:
        findings.append(
            Finding(
                "REFERENCE_INVALID",
                f"{at}/resultDescription",
                "The result belongs to no result description of its achievement.",
            )
        )
        return
    if description.get("resultType") == "Status" and result.get("status") is None:
        findings.append(Finding("PROPERTY_MISSING", f"{at}/status", "The result of type Status has no status."))
    value = result.get("value")
    if isinstance(value, str) and not _value_fits(value, description):
        findings.append(
            Finding(
                "VALUE_OUT_OF_RANGE",
                f"{at}/value",
                f"The value {shown(value)} is not among the values that its description allows.",
                "warning",
            )
        )


def _value_fits(value: str, description: Mapping[str, Any]) -> bool:
    allowed = description.get("allowedValues")
    if isinstance(allowed, list) and allowed and value not in allowed:
        return False
    if description.get("valueMin") is None and description.get("valueMax") is None:
        return True
    number = _number(value)
    lowest, highest = _number(description.get("valueMin")), _number(description.get("valueMax"))
    if number is None:
        return True
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _number(text: Any) -> Decimal | None:
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        number = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _check_amounts(
    assertion: Mapping[str, Any], achievement: Mapping[str, Any], at: str, findings: list[Finding]
) -> None:
    earned, available = assertion.get("creditsEarned"), achievement.get("creditsAvailable")
    if _is_number(earned) and _is_number(available) and earned > available:  # type: ignore[operator]
        findings.append(
            Finding(
                "VALUE_OUT_OF_RANGE", f"{at}/creditsEarned", "More credits were earned than are available.", "warning"
            )
        )
    if assertion.get("activityStartDate") is None or assertion.get("activityEndDate") is None:
        return
    start, end = _moment(assertion["activityStartDate"]), _moment(assertion["activityEndDate"])
    if start is not None and end is not None and start > end:
        findings.append(
            Finding("VALUE_OUT_OF_RANGE", f"{at}/activityEndDate", "The activity ended before it began.", "warning")
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return moments.read(value).nanoseconds
    except DocumentFault:
        return None


_INVERSE = {
    "isChildOf": "isParentOf",
    "isParentOf": "isChildOf",
    "isPeerOf": "isPeerOf",
    "isRelatedTo": "isRelatedTo",
    "exactMatchOf": "exactMatchOf",
}


def check_associations(clr: Mapping[str, Any]) -> list[Finding]:
    """An association between two achievements of the record is named by both of them (warning if not)."""
    findings: list[Finding] = []
    held: dict[str, set[tuple[str, str]]] = {}
    places: dict[str, list[tuple[str, str, str]]] = {}
    for at, achievement in _achievements_of(clr):
        id = achievement.get("id")
        if not isinstance(id, str) or id in held:
            continue
        pairs: set[tuple[str, str]] = set()
        if not achievement.get("associations"):
            held[id] = pairs
            continue
        for place, association in _objects(achievement, "associations", at):
            kind, target = association.get("associationType"), association.get("targetId")
            if isinstance(kind, str) and isinstance(target, str):
                pairs.add((kind, target))
                places.setdefault(id, []).append((place, kind, target))
        held[id] = pairs
    for id, associations in places.items():
        for place, kind, target in associations:
            inverse = _INVERSE.get(kind)
            if inverse and target in held and (inverse, id) not in held[target]:
                findings.append(
                    Finding(
                        "ASSOCIATION_ONE_SIDED",
                        place,
                        f"The other achievement does not name this one ({inverse}).",
                        "warning",
                    )
                )
    return findings


# --- context -----------------------------------------------------------------------------------------------


def check_context(context: Any) -> list[Finding]:
    """The ``@context`` of a root document (section 3): the address of CLR 1.0, alone or in a list.

    Further members may be addresses, which are never fetched, or inline objects.
    """
    if context is None:
        return [
            Finding("CONTEXT_MISSING", "/@context", "The document does not say which standard it follows.", "warning")
        ]
    members = context if isinstance(context, list) else [context]
    if not all(isinstance(member, str | dict) for member in members):
        return [Finding("CONTEXT_INVALID", "/@context", "The context is neither an address nor a list of them.")]
    addresses = [member for member in members if isinstance(member, str)]
    if model.CONTEXT_URL in addresses:
        return []
    if any(address in model.CONTEXT_ALIASES for address in addresses):
        return [
            Finding(
                "CONTEXT_ALIAS",
                "/@context",
                "The context is another address of the same terms; the official one is expected.",
                "warning",
            )
        ]
    return [Finding("CONTEXT_INVALID", "/@context", "The context is not that of CLR 1.0.")]


# --- sets ---------------------------------------------------------------------------------------------------


def records_of_set(document: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The signed and the other records of a ClrSet, each as it was received (CLR1-C-10).

    A record inside a set has no ``@context`` of its own and gets the set's, since it will stand alone. Members that
    are no records at all are left out; what is wrong inside one is for the verifier to say.
    """
    signed = document.get("signedClrs")
    plain = document.get("clrs")
    context = document.get("@context")
    tokens = [item for item in signed if isinstance(item, str)] if isinstance(signed, list) else []
    objects = [item for item in plain if isinstance(item, dict)] if isinstance(plain, list) else []
    if context is not None:
        objects = [item if "@context" in item else {"@context": context, **item} for item in objects]
    return tokens, objects


# --- walking -----------------------------------------------------------------------------------------------


_members_of: dict[type[model.Node], tuple[tuple[str, bool, type[model.Node]], ...]] = {}


def _object_members(cls: type[model.Node]) -> tuple[tuple[str, bool, type[model.Node]], ...]:
    known = _members_of.get(cls)
    if known is None:
        known = _members_of[cls] = tuple(
            (wire, member.described.many, member.of)
            for wire, member in model.describe(cls).members.items()
            if member.of is not None
        )
    return known


def walk(
    document: Mapping[str, Any], cls: type[model.Node], at: str = ""
) -> Iterator[tuple[str, type[model.Node], dict[str, Any]]]:
    """Every object of the model in a document, outermost first: pointer, class, JSON object."""
    waiting: list[tuple[str, type[model.Node], Any]] = [(at, cls, document)]
    while waiting:
        place, of, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield place, of, node
        for wire, many, member_class in reversed(_object_members(of)):
            value = node.get(wire)
            if many and isinstance(value, list):
                for index in range(len(value) - 1, -1, -1):
                    waiting.append((f"{place}/{wire}/{index}", member_class, value[index]))
            elif not many and value is not None:
                waiting.append((f"{place}/{wire}", member_class, value))


def failures(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings that make a document invalid."""
    return [finding for finding in findings if finding.severity == "failure"]
