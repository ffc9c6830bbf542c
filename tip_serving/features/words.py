"""Words of tips and titles, and the few that a feature counts. Scripts without spaces count in pairs of characters."""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"\d+|[^\W\d_]+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SHORT = 3  # letters; articles and prepositions tell little of a title
_TITLE_WORDS = 12  # a long title is named by its beginning

# fmt: off
TIME_WORDS = frozenset((
    "now", "today", "tonight", "tomorrow", "morning", "noon", "afternoon", "evening", "minute", "minutes", "hour",
    "jetzt", "heute", "morgen", "vormittag", "mittag", "nachmittag", "abend", "minute", "minuten", "stunde",
    "maintenant", "aujourd", "demain", "matin", "midi", "soir", "heure",
    "ahora", "hoy", "mañana", "mediodía", "tarde", "noche", "minuto", "minutos", "hora",
    "agora", "hoje", "amanhã", "manhã", "noite", "adesso", "oggi", "domani", "mattina", "sera", "minuti", "ora",
    "nu", "vandaag", "ochtend", "middag", "avond", "minuten", "uur", "idag", "imorgon", "minuter",
    "teraz", "dziś", "dzisiaj", "jutro", "rano", "wieczorem", "minut", "şimdi", "bugün", "yarın", "dakika",  # noqa: RUF001  Turkish
    "今日", "明日", "午前", "午後", "今す", "朝の", "夜の", "分間", "今天", "明天", "现在", "分钟",
    "오늘", "내일", "지금",
))
PLAN_WORDS = frozenset((
    "when", "once", "if", "after", "before", "wenn", "sobald", "nachdem", "bevor", "quand", "dès", "si", "après",
    "avant", "cuando", "después", "antes", "quando", "assim", "depois", "appena", "dopo", "prima", "wanneer", "zodra",
    "als", "när", "gdy", "kiedy", "zanim", "たら", "とき", "たあ", "后就", "之后", "하면", "다음",
))
_MINUTES = frozenset((
    "min", "mins", "minute", "minutes", "minuten", "minuto", "minutos", "minuti", "minuter", "minut", "minuty",
    "dakika",
))
_HOURS = frozenset((
    "h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden", "heure", "heures", "hora", "horas", "ora", "ore",
    "uur", "timme", "timmar", "godzina", "godziny", "godzin", "saat",
))
# fmt: on
_WIDE_MINUTES = frozenset("分분")
_WIDE_HOURS = frozenset("時小时間시")
_MINUTES_OF_AN_HOUR = 60
_LONGEST_NUMBER = 4  # digits; what is longer is no duration
DEFINED = (TIME_WORDS, PLAN_WORDS, _MINUTES, _HOURS, _WIDE_MINUTES, _WIDE_HOURS)
"""Every list of words, for the hash of the contract."""


def words(text: str) -> list[str]:
    """The words and numbers of `text` in order, in lower case; runs of wide scripts as overlapping pairs."""
    if text.isascii():
        return _WORD.findall(text.lower())
    text = unicodedata.normalize("NFC", text).lower()
    found = _WORD.findall(text)
    return [piece for word in found for piece in _pieces(word)] if _WIDE.search(text) else found


def _pieces(word: str) -> Iterator[str]:
    end = 0
    for run in _WIDE.finditer(word):
        if run.start() > end:
            yield word[end : run.start()]
        wide = run.group()
        yield from (wide[place : place + 2] for place in range(max(len(wide) - 1, 1)))
        end = run.end()
    if end < len(word):
        yield word[end:]


def telling(title: str) -> frozenset[str]:
    """The words by which a title is known: the longer ones, numbers and pairs; all where there are no such."""
    found = words(title)[:_TITLE_WORDS]
    long = frozenset(word for word in found if len(word) > _SHORT or word.isdecimal() or not word.isascii())
    return long or frozenset(found)


def minutes(found: list[str]) -> int | None:
    """The first time box among these words, `10 minutes` say; None where there is none."""
    for place in range(len(found) - 1):
        number = found[place]
        if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
            continue
        unit = found[place + 1]
        if unit in _MINUTES or unit[0] in _WIDE_MINUTES:
            return int(number)
        if unit in _HOURS or unit[0] in _WIDE_HOURS:
            return int(number) * _MINUTES_OF_AN_HOUR
    return None
