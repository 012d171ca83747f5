"""What a question asks for: its telling words, and whether it asks about the document as a whole."""

from __future__ import annotations

import re

_STOP_WORDS = """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing during each few for from further give had has have having he her here hers him his how i
    if in into is it its itself just list many may me more most much must my name no nor not now of off on once only or
    other our out over own per please s same shall she should show so some such t tell than that the their them then
    there these they this those through to too under until up upon us very was we were what when where which while who
    whom whose why will with would you your
    aber als am an auf aus bei bin bis das dass dem den der des die dies diese diesem diesen dieser dieses du durch ein
    eine einem einen einer eines er es für hat ich ihr im in ist kann mit nach nicht oder sich sie sind um und uns
    von vor war warum was wer werden wie wir wird wo worum wovon zu zum zur über geht handelt
    al como con cual cuál cuando de del donde el ella ellos en era es esta está este esto fue ha la las lo los más me no
    para pero por porque que qué quien se ser sin sobre son su sus trata una uno un y
    au aux avec ce cela ces cette comme dans des du elle en est et il ils je la le les leur mais ne nous ou où par pas
    pour qu que quoi quel quelle quels qui sa se ses son sont sur un une vous s'agit d l c agit parle
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_GENERIC_WORDS = """
    about abstract answer article attached book brief briefly bullet content contents cover covered covers contain
    contained contains deal deals describe description discuss discussed discusses doc docs document documents docx
    entire explain file files general gist idea ideas information inside key kind main manual matter mention mentioned
    message outline overall overview page pages paper papers paragraph pdf pdfs point points provide purpose quick
    quickly report say says sentence sentences short shortly subject sum summarise summarising summarize summarizing
    summary takeaway takeaways talk talking talks text theme themes title tl dr tldr topic topics type upload uploaded
    whole words
    bericht buch datei dokument fasse geht handelt inhalt kurz seite text thema worum wovon zusammen zusammenfassen
    zusammenfassung überblick
    archivo contenido documento informe libro página resume resumen resumir resúmeme tema texto trata
    agit aperçu contenu fichier livre parle rapport résume résumer résumé s'agit sujet texte thème
"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
_FACT_WORDS = "how many much when where who whom whose why wer wann wieviel quién cuándo cuántos qui quand combien"
_FACT = frozenset(_FACT_WORDS.split())
_OVERVIEW_UNSPACED = re.compile(
    "总结|總結|概括|概述|摘要|要約|概要|요약|关于什么|關於什麼|主要内容|主要內容|讲什么|講什麼|何について|무엇에 관한"
)
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
"""Vowel signs and accents written as characters of their own, which `\\w` leaves out; with all of Indic around them."""
_LETTER = rf"(?:[^\W_{_UNSPACED}]|[{_MARKS}])"
_WORD = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:[.,'’]{_LETTER}+)*")
_SUFFIX = re.compile(r"(?:ies|es|s|ed|ing|ly)$")
_SHORTEST_STEM = 4
_STEM_OF_OTHER_SCRIPTS = 6
_LATIN_ENDS = "\u0370"


def words(text: str) -> list[str]:
    """The words of `text` in order, in small letters; scripts without spaces as overlapping pairs of characters."""
    found: list[str] = []
    for match in _WORD.finditer(text.casefold()):
        word = match.group()
        if _IS_UNSPACED.match(word):
            found.extend(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            found.append(word.removesuffix("'s").removesuffix("’s"))
    return found


def stem(word: str) -> str:
    """`word` without the commonest English endings ("plans" meets "plan"); of other scripts its first letters."""
    if word[0] >= _LATIN_ENDS:
        return word[:_STEM_OF_OTHER_SCRIPTS]
    bare = _SUFFIX.sub("", word)
    bare = bare if len(bare) >= _SHORTEST_STEM else word.removesuffix("s") if len(word) > _SHORTEST_STEM else word
    return bare[:-1] if len(bare) > _SHORTEST_STEM and bare[-1] in "yei" else bare


def telling_words(text: str) -> list[str]:
    """The stems that carry the meaning of `text`, each once, in order; empty when there are only stop words."""
    return list(dict.fromkeys(stem(word) for word in words(text) if word not in STOP_WORDS))


def asks_for_overview(question: str) -> bool:
    """True for "What is this PDF about?", "Summarize", "tl;dr" and the like: nothing in it names a subject."""
    if _OVERVIEW_UNSPACED.search(question):
        return len(question) <= 20
    asked = set(words(question))
    return not asked & _FACT and bool(asked & _GENERIC) and asked <= STOP_WORDS | _GENERIC


def is_latin(text: str) -> bool:
    """True unless most letters of `text` are of another script (Greek, Cyrillic, Arabic, Indic, Chinese and so on)."""
    letters = [char for char in text if char.isalpha()]
    return sum(char < _LATIN_ENDS for char in letters) * 2 >= len(letters)
