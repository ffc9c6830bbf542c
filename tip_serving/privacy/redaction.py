"""Taking out of texts what tells who somebody is: names, addresses, e-mails, links, phone numbers, long numbers.

Each find is replaced by its kind and a number, `[name 2]`, the same for the same find throughout one item, so that a
judge still sees whether a tip speaks of the task. Rather too much is taken than too little. A name stays where it is in
no lexicon, has no title, follows no cue such as `call` and was not given as known.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tip_serving.privacy import lexicon
from tip_serving.privacy.addresses import ADDRESS

_EMAIL = re.compile(r"[\w.+%'-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\s?(?:\.|\(dot\)|\[dot\])\s?[\w-]+)+", re.IGNORECASE)
_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)\S+|\b(?:[\w-]+\.)+(?:com|org|net|io|de|fr|es|it|pt|jp|uk|eu|app|me)/\S*",
                   re.IGNORECASE)  # fmt: skip
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{3,4}){3,8}(?:[ -]?[A-Z0-9]{1,3})?\b")
_DATE_OR_TIME = (
    r"(?:\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}[./]\d{1,2}[./](?:19|20)\d{2}|\d{4}/\d{1,2}/\d{1,2})(?!\d|[-./]\d)"
)
_NUMBER = re.compile(rf"(?P<date>(?<![\d.-]){_DATE_OR_TIME})|\+?\(?\d(?:[\s().,/\u2010-\u2015-]{{0,3}}\d){{4,}}")
_CODE = re.compile(r"\b(?=(?:\w*?\d){4})(?=\w*?[^\W\d_])\w{6,}\b")  # letters and digits mixed: passports, orders
_HANDLE = re.compile(r"(?<![\w.])@[\w.-]{2,}")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))

_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL = r"[^\W\d_a-z][^\W\d_]*"
_PARTICLES = r"(?:(?:van|von|der|den|de|da|di|del|della|dos|du|le|la|bin|al|el|zu)[\s-]+)*"
_NAME = rf"{_PARTICLES}{_CAPITAL}(?:[-'’ ]{_PARTICLES}{_CAPITAL}){{0,3}}"
_TITLE = "|".join(sorted(lexicon.TITLES))
_TITLED = re.compile(rf"\b(?i:{_TITLE})\b\.?\s+(?:(?i:{_TITLE})\b\.?\s+)*({_NAME})")
_CUED = re.compile(rf"\b(?i:{'|'.join(sorted(lexicon.CUES))})\b\s+(?:(?i:to|up|w/|mit|a|à)\s+)?({_NAME})")
_BEFORE_CUE = re.compile(rf"({_NAME})\s+(?i:{'|'.join(sorted(lexicon.AFTER_CUES))})\b")
_HONOURED = re.compile(r"([\u4e00-\u9fff々ァ-ヶー]{1,6})(?:さん|さま|様|君|くん|ちゃん|氏|先生)")
_TURKISH = re.compile(rf"({_CAPITAL})\s+(?:Bey|Hanım)\b")
_SURNAMES = re.compile(rf"(?:\s+{_PARTICLES}({_CAPITAL}(?:-{_CAPITAL})?))+")

_GIVEN = lexicon.GIVEN_NAMES | lexicon.ALSO_WORDS
_SHORTEST_STEM = 3  # letters that must stand before a genitive's s


def redact(content: Any, known: Iterable[str] = ()) -> Any:
    """The content with what tells who somebody is replaced; keys and numbers stay as they are.

    Args:
        content: JSON, of one item: a find has the same replacement throughout.
        known: names that the caller knows to occur.
    """
    redacting = _Redacting(known)
    texts = list(_texts(content))
    half = {text: redacting.without_contacts(text) for text in texts}
    redacting.learn_names(half.values())
    return _mapped(content, lambda text: redacting.without_names(half[text]))


class _Redacting:
    """The replacements of one item."""

    def __init__(self, known: Iterable[str]) -> None:
        self._replacements: dict[tuple[str, str], str] = {}
        self._names = {_folded(word) for name in known for word in _words(name)}
        self._phrases: set[str] = set()  # names in scripts that put no spaces between words

    def without_contacts(self, text: str) -> str:
        """Everything but names."""
        text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
        for kind, pattern in (("email", _EMAIL), ("link", _LINK), ("address", ADDRESS), ("number", _ACCOUNT)):
            text = pattern.sub(lambda found, kind=kind: self._for(kind, found.group()), text)  # type: ignore[misc]
        text = _NUMBER.sub(self._number, text)
        text = _CODE.sub(lambda found: self._for("number", found.group()), text)
        return _HANDLE.sub(lambda found: self._for("name", found.group()), text)

    def learn_names(self, texts: Iterable[str]) -> None:
        """Take the names that the texts let be known, to be found in whichever of them."""
        for text in texts:
            for pattern in (_TITLED, _TURKISH):
                self._names |= {_folded(word) for found in pattern.findall(text) for word in _names_in(found)}
            for pattern in (_CUED, _BEFORE_CUE):
                self._names |= {
                    _folded(word)
                    for found in pattern.findall(text)
                    for word in _names_in(found)
                    if _folded(word) not in lexicon.NO_NAMES
                }
            self._phrases |= set(_HONOURED.findall(text))
            self._names |= set(self._from_lexicon(text))

    def without_names(self, text: str) -> str:
        """The text without the names that are known by now."""
        for phrase in sorted(self._phrases, key=len, reverse=True):
            text = text.replace(phrase, self._for("name", phrase))
        return re.sub(rf"\[[a-z]+ \d+\]|{_WORD.pattern}", self._word, text)

    def _from_lexicon(self, text: str) -> Iterator[str]:
        for found in _WORD.finditer(text):
            word = found.group()
            folded = _stem(_folded(word), _GIVEN)
            if folded is None:
                continue
            surnames = _SURNAMES.match(text, found.end()) if word[0].isupper() else None
            if folded in lexicon.ALSO_WORDS or len(folded) < _SHORTEST_STEM:
                before = text[: found.start()].rstrip()
                is_inside = bool(before) and before[-1] not in ".!?:" and folded not in lexicon.NO_NAMES
                if not word[0].isupper() or not (is_inside or surnames):
                    continue
            yield folded
            if surnames:
                yield from (name for name in map(_folded, _names_in(surnames.group())) if name not in lexicon.NO_NAMES)

    def _word(self, found: re.Match[str]) -> str:
        word = found.group()
        if word.startswith("["):
            return word
        folded = _folded(word)
        stem = _stem(folded, self._names)
        if stem is None or (stem in lexicon.ALSO_WORDS and word.islower()):
            return word
        return self._for("name", stem)

    def _number(self, found: re.Match[str]) -> str:
        return found.group() if found["date"] else self._for("number", re.sub(r"\D", "", found.group()))

    def _for(self, kind: str, found: str) -> str:
        key = kind, _folded(found)
        if key not in self._replacements:
            n_of_kind = sum(other == kind for other, _ in self._replacements)
            self._replacements[key] = f"[{kind} {n_of_kind + 1}]"
        return self._replacements[key]


def _stem(folded: str, names: Iterable[str]) -> str | None:
    """The name in `names` that a word is, with or without a genitive's s."""
    if folded in names:
        return folded
    stem = folded.removesuffix("s")
    return stem if len(stem) >= _SHORTEST_STEM and stem in names else None


def _names_in(found: str) -> list[str]:
    """The words of a name, without particles."""
    return [
        word
        for word in _words(found)
        if (word[0].isupper() or word[0].lower() == word[0].upper()) and _folded(word) not in lexicon.TITLES
    ]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _folded(text: str) -> str:
    """Lower case and without accents; also the Turkish dotless i."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _texts(value)


def _mapped(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return change(content)
    if isinstance(content, Mapping):
        return {name: _mapped(value, change) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_mapped(value, change) for value in content]
    return content
