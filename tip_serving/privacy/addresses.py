"""What a postal address looks like, by language: a street with a number, a postcode, a box."""

import re

_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-ŽŞĞİ][\w'’.-]*"
_OF = r"(?:(?:de|du|des|del|della|delle|dei|di|da|do|das|dos|la|las|le|les|los|el|san|santa|st\.?)\s+|[dl]['’]\s?)*"
_TOWN = rf"(?:,?\s+\d{{4,5}}\s+{_CAPITAL}(?:\s+{_CAPITAL})?)?"

_ENGLISH = (
    rf"\b\d{{1,5}}[A-Za-z]?,?\s+(?:{_CAPITAL}\s+|\d+(?:st|nd|rd|th)\s+){{1,4}}"
    r"(?i:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|square|sq|place|pl|terrace|way|close|"
    r"crescent|gardens|grove|hill|parkway|pkwy|highway|hwy|mews|row|walk)\b\.?"
    r"(?:,?\s+(?i:apt|apartment|suite|unit|flat|floor|no)\.?\s*#?\w+)?"
)
_GERMANIC = (
    rf"\b(?:{_CAPITAL}[ -])?[A-ZÄÖÜ][\wäöüß.-]*(?i:straße|strasse|str\.?|weg|gasse|platz|allee|ring|damm|ufer|chaussee|"
    r"straat|laan|plein|gracht|kade|gatan|vägen|gade|vej)\s+\d{1,4}\s?[a-z]?\b"
    rf"|\b{_CAPITAL}\s+(?i:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer)\s+\d{{1,4}}\s?[a-z]?\b"
    r"|\b(?:Am|An der|Auf dem|Im|In der|Zum|Zur|Unter den)\s+[A-ZÄÖÜ][\wäöüß-]+\s+\d{1,4}\s?[a-z]?\b"
)
_FRENCH = (
    r"\b\d{1,4}(?:\s?(?:bis|ter|quater))?,?\s+(?i:rue|avenue|av\.|boulevard|bd\.?|place|chemin|all[ée]e|impasse|quai|route|"
    rf"cours|passage|square)\s+{_OF}{_CAPITAL}(?:[\s-]{_OF}{_CAPITAL}){{0,4}}"
)
_SOUTHERN = (
    r"(?:\b(?i:calle|avenida|avda\.?|av\.|plaza|paseo|camino|carrer|rua|travessa|praça|largo|estrada|via|viale|piazza|corso|"
    rf"vicolo)|\bc/)\s*{_OF}{_CAPITAL}(?:\s+{_OF}{_CAPITAL}){{0,4}},?\s*(?:n[.º°o]*\s*)?\d{{1,4}}\s?[a-zA-Z]?\b"
)
_TURKISH = (
    rf"\b{_CAPITAL}(?:\s+{_CAPITAL}){{0,2}}\s+(?:Sokak|Sokağı|Sok\.|Sk\.|Caddesi|Cad\.|Cd\.|Mahallesi|Mah\.|Bulvarı)"
    r"(?:,?\s+(?:[Nn]o:?\s*)?\d{1,4}(?:/\d+)?)?"
)
_JAPANESE = (
    r"〒?\s?\d{3}-\d{4}\b|[\u4e00-\u9fff々ヶケ]+(?:都|道|府|県)[\u4e00-\u9fff々ヶケぁ-んァ-ヶー\d\-−丁目番地号]+"
    r"|[\u4e00-\u9fff々]+\d+(?:丁目|番地)[\d\-−番地号]*"
)
_POSTCODES = (
    r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"  # United Kingdom
    r"|\b[A-Z]\d[A-Z]\s?\d[A-Z]\d\b"  # Canada
    rf"|\b\d{{4,5}}(?:-\d{{3,4}})?\s+{_CAPITAL}(?=\s*(?:,|$))"  # before a town
    r"|\b(?i:p\.?\s?o\.?\s?box|postfach|boîte postale|apartado)\s+\d[\d\s]*"
)

ADDRESS = re.compile(
    "|".join(
        [
            *(f"(?:{street}){_TOWN}" for street in (_ENGLISH, _GERMANIC, _FRENCH, _SOUTHERN, _TURKISH)),
            _JAPANESE,
            _POSTCODES,
        ]
    )
)
