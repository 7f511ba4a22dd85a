"""Numerals: text that stands for a number, with its decimal sign, thousands, currency, unit, percent or magnitude."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from modelwright.tasks.data.plain_numbers import USUAL

_CURRENCY = r"(?:[$€£¥₹₽₩₺฿₫₪]|(?:US|A|C|HK|NZ)\$|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|BRL|R\$|kr|zł)"
_BODY = r"\d[\d.,'’\u00a0\u202f ]*|[.,]\d+"
_SHAPE = re.compile(
    rf"(?P<bound>[<>≤≥~≈]=?|\+)?\s*(?P<open>\()?(?P<sign>[-−–+])?\s*(?:{_CURRENCY})?\s*(?P<sign2>[-−])?"
    rf"(?P<body>{_BODY})(?P<exponent>[eE][-+]?\d+)?\s*"
    rf"(?P<suffix>%|‰|{_CURRENCY}|[^\W\d_]{{1,8}}\.?(?:[/²³^][^\W_]{{0,5}})?|°[CF]?)?\s*(?P<close>\))?(?P<more>\+)?$"
)
_MAGNITUDES = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12}
_GROUPED = {
    ".": re.compile(
        r"(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}([ '’\u00a0\u202f])\d{3}(?:\1\d{3})*)(?:\.\d*)?$"
    ),
    ",": re.compile(r"\d{1,3}(?:([. '’\u00a0\u202f])\d{3})(?:\1\d{3})*(?:,\d*)?$"),
}
_SEPARATORS = re.compile(r"[ '’\u00a0\u202f]")
_POINTS = re.compile(r"\s*-?(?:0|[1-9]\d{0,2}(?:\.\d{3})*)\s*$")
#: Longer text is no number, but for what Python takes for one.
_LONGEST = 64
#: Numbers of a suffix that tell their size.
_SIZED = 1000
_WORDS = frozenset({"inf", "infinity", "nan"})


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a column are written.

    Args:
        decimal: the decimal sign, ``"."`` or ``","``.
        unit: the one unit that follows the numbers, which is left out; "" where there is none. ``"*"`` stands for
            magnitudes such as "k" and "M", ``"%"`` for numbers that are percentages also without the sign: these are
            not divided by 100.

    >>> Notation().value("$1,250.50"), Notation(decimal=",").value("1.250,50 €"), Notation().value("12 %")
    (1250.5, 1250.5, 0.12)
    >>> Notation(unit="*").value("1.5k"), Notation(unit="kg").value("80 kg"), Notation().value("80 kg")
    (1500.0, 80.0, None)
    >>> Notation(unit="%").value("12 %"), Notation(unit="%").value("9")
    (12.0, 9.0)
    """

    decimal: str = "."
    unit: str = ""

    def value(self, text: str) -> float | None:
        """The number that a text without outer blanks stands for; None where it is none. "inf" is infinite."""
        if self.decimal == ".":
            try:
                found = float(text)
            except ValueError:
                pass
            else:
                if "_" in text:
                    return None
                return None if found != found else found
        return self._shaped(text)

    def _shaped(self, text: str) -> float | None:
        if len(text) > _LONGEST:
            return None
        if text.casefold().lstrip("+-") in _WORDS:
            found = float(text)
            return None if found != found else found
        shape = _SHAPE.match(text)
        if shape is None or (shape["open"] is None) != (shape["close"] is None):
            return None
        body = self._body(shape["body"].rstrip(" "))
        if body is None:
            return None
        factor = self._factor(shape["suffix"] or "")
        if factor is None:
            return None
        signs = (shape["sign"] or "") + (shape["sign2"] or "") + ("-" if shape["open"] else "")
        negative = sum(sign in "-−–" for sign in signs) % 2
        found = float(body + (shape["exponent"] or "")) * factor
        return -found if negative else found

    def _body(self, body: str) -> str | None:
        """Digits as Python writes them."""
        if _GROUPED[self.decimal].match(body):
            body = _SEPARATORS.sub("", body)
            return body.replace(",", "") if self.decimal == "." else body.replace(".", "").replace(",", ".")
        if _SEPARATORS.search(body):
            return None
        other = "," if self.decimal == "." else "."
        if other in body or body.count(self.decimal) > 1:
            return None
        return body.replace(",", ".")

    def _factor(self, suffix: str) -> float | None:
        if not suffix or re.fullmatch(_CURRENCY, suffix):
            return 1.0
        if suffix in "%‰":
            return (0.01 if suffix == "%" else 0.001) * (100 if self.unit == "%" else 1)
        if self.unit == "*":
            return _MAGNITUDES.get(suffix)
        return 1.0 if suffix == self.unit else None


def notation(texts: Iterable[str], *, comma: bool = False) -> tuple[Notation, bool]:
    """How the numbers among ``texts`` are written, and whether that is certain.

    Args:
        texts: distinct cells of a column, without outer blanks.
        comma: where the texts leave it open, as "1,234" does: whether a comma is the decimal sign in this table.

    >>> notation(["1,5", "2,25", "10"])
    (Notation(decimal=',', unit=''), True)
    >>> notation(["1,250", "12,900"])
    (Notation(decimal='.', unit=''), False)
    """
    seen = _Seen.of(texts)
    if seen.commas > seen.points:
        decimal = ","
    elif seen.points or not seen.open:
        decimal = "."
    else:
        decimal = "," if comma else "."
    return Notation(decimal, _unit(seen, Notation(decimal))), seen.commas != seen.points


def settled(texts: Iterable[str], usual: Notation) -> Notation:
    """How other numbers of a column are written: as usual, unless most of them give another decimal sign away.

    Those that leave it open are taken for usual ones: a few that are not must not change what all others stand for.

    >>> settled(["1.5", "1.250"], Notation(","))
    Notation(decimal='.', unit='')
    >>> settled(["1.250"], Notation(",")), settled(["1.5", "1.250", "2.500"], Notation(","))
    (Notation(decimal=',', unit=''), Notation(decimal=',', unit=''))
    """
    known = list(texts)
    unread = sum(usual.value(text) is None for text in known)
    if not unread:
        return usual
    other = replace(usual, decimal="," if usual.decimal == "." else ".")
    seen = _Seen.of(known)
    along, against = (seen.points, seen.commas) if usual.decimal == "." else (seen.commas, seen.points)
    if against <= along or against < along + seen.open:
        return usual
    return other if sum(other.value(text) is None for text in known) < unread else usual


@dataclass(slots=True)
class _Seen:
    """What the numbers among some texts look like.

    Args:
        points, commas, open: how many have the one or the other decimal sign, or leave it open.
        counts: suffix -> how many have it; "" for none or a currency.
        bodies: suffix -> the numbers before it, of some.
        priced: those suffixes that are there beside a currency.
    """

    points: int = 0
    commas: int = 0
    open: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, list[str]] = field(default_factory=dict)
    priced: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Seen:
        seen = cls()
        for text in texts:
            shape = _SHAPE.match(text) if len(text) <= _LONGEST else None
            if shape is None:
                continue
            body, suffix = shape["body"].rstrip(" "), shape["suffix"] or ""
            vote = _decimal(body)
            seen.points += vote == "."
            seen.commas += vote == ","
            seen.open += vote == "?"
            suffix = "" if not suffix or re.fullmatch(_CURRENCY, suffix) else suffix
            seen.counts[suffix] += 1
            if suffix in _MAGNITUDES and re.search(_CURRENCY, text):
                seen.priced.add(suffix)
            if seen.counts[suffix] <= _SIZED:
                seen.bodies.setdefault(suffix, []).append(body)
        return seen

    def size(self, suffix: str, written: Notation) -> float:
        """The median of the numbers before a suffix, zeros aside; 0 where there are none."""
        values = map(written.value, self.bodies.get(suffix, ()))
        return statistics.median([value for value in values if value] or [0.0])


def _unit(seen: _Seen, written: Notation) -> str:
    """The unit of numbers, see ``Notation``."""
    units = seen.counts.keys() - {"", "%", "‰"}
    if not units:
        # Numbers beside percentages are percentages too, unless they are of the size of shares.
        return "%" if seen.counts["%"] and 10 * seen.size("", written) > seen.size("%", written) else ""
    if not units <= _MAGNITUDES.keys():
        return max((name for name in seen.counts if name in units), key=lambda name: seen.counts[name])
    if units != {"m"} or seen.priced:
        return "*"
    # By itself it is millions only beside numbers that are written out: else metres, minutes or months.
    return "*" if seen.size("", written) > 1e3 * seen.size("m", written) else "m"


def _decimal(body: str) -> str:
    """The decimal sign that a body of digits gives away; "?" where it may separate thousands, "" where nothing is."""
    dots, commas = body.count("."), body.count(",")
    if dots and commas:
        return "." if body.rfind(".") > body.rfind(",") else ","
    if commas + dots == 0:
        return ""
    sign, other = (",", ".") if commas else (".", ",")
    if commas + dots > 1:
        return other
    before, _, after = body.partition(sign)
    return "?" if len(after) == 3 and 1 <= len(before) <= 3 and before != "0" else sign


def grouped(cells: Iterable[str | None]) -> bool:
    """Whether all cells may be whole numbers with points between thousands, and some are; what is missing aside.

    >>> grouped(["1.250", "900", "0", "NA", None]), grouped(["1.25"]), grouped(["0.125"]), grouped(["900"])
    (True, False, False, False)
    """
    pointed = False
    for text in cells:
        if text is None or text in USUAL:
            continue
        if not _POINTS.match(text):
            return False
        pointed = pointed or "." in text
    return pointed


def bounded(text: str) -> bool:
    """Whether a text is a bound, such as "<5" or "10+", and no number.

    >>> bounded("< 5"), bounded("10+"), bounded("+5"), bounded("5")
    (True, True, False, False)
    """
    return text[:1] in "<>≤≥~≈" or text[-1:] == "+"
