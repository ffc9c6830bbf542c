"""Words of tips and titles, and the few that a feature counts. Scripts without spaces count in pairs of characters."""

import re
import unicodedata
from operator import add

# Vowels and accents of these scripts are marks on a letter, and no end of a word.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e"
_WORD = re.compile(r"[^\W_]+")
_MARKED_WORD = re.compile(f"[^\\W_]+(?:[{_MARKS}]+[^\\W_]*)*")
_WIDE_LETTERS = "\u0e01-\u0e4e\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WIDE = re.compile(f"[{_WIDE_LETTERS}]+")
_SHORT = 3  # letters; articles and prepositions tell little of a title
_TITLE_WORDS = 12  # a long title is named by its beginning

_TO_SPACES = bytes(code if chr(code).isalnum() else ord(" ") for code in bytes(range(128)).lower()) + bytes(128)
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)  # Arabic, Persian, Devanagari, Bengali, Thai, full width
_DIGITS = {zero + number: str(number) for zero in _ZEROS for number in range(10)}
_RARE = re.compile(f"[{_MARKS}{_WIDE_LETTERS}{''.join(map(chr, _DIGITS))}]")

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
_ASCII_DIGITS = "0123456789"
_AFTER_DIGITS = ":"  # a word that sorts before it begins with a digit
_LONGEST_NUMBER = 4  # digits; what is longer is no duration
DEFINED = (TIME_WORDS, PLAN_WORDS, _MINUTES, _HOURS, _WIDE_MINUTES, _WIDE_HOURS)
"""Every list of words, for the hash of the contract."""


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case: runs of letters and digits; of wide scripts overlapping pairs."""
    if text.isascii():
        return text.encode().translate(_TO_SPACES).decode().split()  # half the time of the pattern, and the same
    text = unicodedata.normalize("NFC", text).lower()
    if not _RARE.search(text):
        return _WORD.findall(text)
    found: list[str] = []
    for word in _MARKED_WORD.findall(text.translate(_DIGITS)):
        end = 0
        for run in _WIDE.finditer(word):
            wide = run.group()
            if run.start() > end:
                found.append(word[end : run.start()])
            found += map(add, wide, wide[1:]) if len(wide) > 1 else wide
            end = run.end()
        if end < len(word):
            found.append(word[end:])
    return found


def telling(title: str) -> set[str]:
    """The words by which a title is known: the longer ones, numbers and pairs; all where there are no such."""
    found = words(title)[:_TITLE_WORDS]
    if title.isascii():
        return {word for word in found if len(word) > _SHORT or word < _AFTER_DIGITS} or set(found)
    return {word for word in found if len(word) > _SHORT or word < _AFTER_DIGITS or not word.isascii()} or set(found)


def numbers(found: list[str]) -> list[int]:
    """Where among these words a number is, or what begins with one."""
    return [place for place, word in enumerate(found) if word < _AFTER_DIGITS]


def minutes(found: list[str], places: list[int]) -> int | None:
    """The first time box at one of these places, `10 minutes` or `1h` say; None where there is none."""
    for place in places:
        word = found[place]
        unit = word.lstrip(_ASCII_DIGITS)
        number = word[: len(word) - len(unit)]
        unit = unit or (found[place + 1] if place + 1 < len(found) else "")
        if len(number) > _LONGEST_NUMBER or not unit:
            continue
        if unit in _MINUTES or unit[0] in _WIDE_MINUTES:
            return int(number)
        if unit in _HOURS or unit[0] in _WIDE_HOURS:
            return int(number) * _MINUTES_OF_AN_HOUR
    return None
