"""What can be asked about the text in a picture: to read it, a line of it, to spell it, to find a word in it."""

from __future__ import annotations

from device.experts.intent import Intent
from device.experts.text.aloud import count_lines, read_aloud, read_line, read_rest, read_word
from device.experts.text.finding import find_words, say_whether
from device.experts.text.named import read_largest, read_pattern
from device.experts.text.spelling import spell

_TEXT = (  # what carries text, or is text: a question what it says is a question to a reader
    "(?:sign|signs|label|labels|screen|display|page|pages|text|texts|writing|words|lettering|letters|menu|letter|note|"
    "receipt|bill|card|paper|poster|board|notice|message|book|title|headline|heading|caption|sentence|paragraph|"
    "newspaper|article|document|form|leaflet|banner|sticker|billboard|plate|badge|tag|whiteboard|blackboard|"
    "instructions|warning|subtitles?|envelope|cover|email|print|inscription|logo|name|box|bottle|packet|package|door)"
)
_THE = "(?:the|this|that|these|those|my|his|her|their|your)"
_IT = "(?:it|this|that|these|those|them|they)"
_ANY = rf"{_THE}(?: (?!line|word)[\w'-]+){{1,3}}"
_PLACE = rf"(?:on|in|of|at|above|below|under) (?:{_IT}|{_ANY})"
_HERE = rf"(?: (?:here|there|exactly|now|right now|out there|{_PLACE}|in front of me))*"
_LOUD = "(?: (?:out loud|aloud|out|loud|again|me|us|all))*"
_SOME_TEXT = rf"{_THE}(?: [\w'-]+)?? {_TEXT}"
_PHONE = "(?P<phone_number>(?:tele)?phone(?: number)?|number to call|mobile(?: number)?|contact number|fax(?: number)?)"
_EMAIL = "(?P<email_address>e-?mail(?: address)?)"
_WEBSITE = "(?P<website>web ?site|web ?page|web address|url|internet address|web ?link)"
_MAKER = "(?:brand|make|company|manufacturer)"
_NAMED = (
    "(?:shop|store|supermarket|restaurant|cafe|café|hotel|bar|pub|bank|school|station|street|road|stop|museum|company|"
    "office|building|place|book|magazine|newspaper|film|movie|album|song|game|product|wine|beer|medicine)"
)
_ORDINAL = (
    "(?P<ordinal>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|top|bottom|topmost|"
    r"(?:second|next) to last|second last|\d{1,3}(?:st|nd|rd|th)|final|middle)"
)
_NUMBER = r"line (?:number )?(?P<number>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_WHICH_LINE = rf"(?:(?:the )?{_ORDINAL} line|{_NUMBER})"


def _query(number: int = 0) -> str:
    """Words that are looked for; a pattern has a group of a name once only, so each place has its own."""
    not_a_question = r"(?!(?:how|when|where|what|who|why|if|whether|anything|something|so|that|about)\b)"
    return rf"(?P<query{number}>{not_a_question}.+?)"


def _any_of(*patterns: str) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


INTENTS: tuple[Intent, ...] = (
    Intent(
        "read line",
        rf"(?:(?:read{_LOUD}|what(?:'s| is|'s on| is on|'s in| is in)|what does|only|just) )*"
        rf"{_WHICH_LINE}{_HERE}(?: say| says| read)?{_LOUD}",
        read_line,
    ),
    Intent("read word", rf"(?:read{_LOUD}|what(?:'s| is)) (?:the )?{_ORDINAL} word{_HERE}{_LOUD}", read_word),
    Intent(
        "read rest",
        _any_of(
            rf"(?:read|continue|go on|start|carry on)(?: on| reading)? (?:from|at) {_WHICH_LINE}(?: on)?",
            "read (?:on|more|the rest|further)(?: of (?:it|this|the text|the page))?",
            "(?:go on|continue|keep(?: on)?|carry on)(?: with)? (?:the )?reading",
        ),
        read_rest,
    ),
    Intent(
        "count lines",
        rf"how many (?:lines|rows)(?: of text)?(?: (?:are|is) there| does (?:it|this) have)?"
        rf"{_HERE}",
        count_lines,
    ),
    Intent(
        "spell",
        rf"(?:spell{_LOUD}|how (?:is|are|do (?:you|i)|would you) (?=.* ?spel)(?:spell )?|what is the spelling of )"
        rf"(?: ?(?:{_IT}|the {_TEXT}|(?:the )?{_ORDINAL} (?P<unit>word|line)|{_NUMBER}|the word (?P<query>\S+)))?"
        rf"{_HERE}(?: (?:spelled|spelt))?{_LOUD}",
        spell,
    ),
    Intent(
        "find word",
        _any_of(
            rf"(?:find{_LOUD}|look for|search for|show{_LOUD}|where is|where's|locate|where do you see) "
            rf"the (?:words?|text|phrase) {_query(0)}{_HERE}",
            rf"where (?:does|do) (?:{_IT}|{_ANY}) say {_query(1)}",
            rf"where is {_query(2)} (?:written|printed){_HERE}",
        ),
        find_words,
    ),
    Intent(
        "says whether",
        _any_of(
            rf"(?:does|do) (?:{_IT}|{_ANY}) say {_query(0)}(?: (?:anywhere|somewhere))?{_HERE}",
            rf"(?:is|are) the (?:words?|phrase) {_query(1)} (?:written |printed |on |in |there|here|anywhere).*",
            rf"(?:is there|(?:do|can) you (?:see|find|read)) the (?:word|phrase) {_query(2)}{_HERE}",
            rf"(?:is|are) {_query(3)} (?:written|printed) (?:anywhere|somewhere|here|there|on .+)",
        ),
        say_whether,
    ),
    Intent(
        "number or address",
        rf"(?:read{_LOUD}|what(?:'s| is)|is there|do you see|can you (?:see|read)|find|tell me) ?"
        rf"(?:{_THE}|an?|any|their)? ?(?:{_PHONE}|{_EMAIL}|{_WEBSITE}){_HERE}"
        r"|what (?P<phone_number_1>number) (?:can|should|do|must) i (?:call|dial|ring)",
        read_pattern,
    ),
    Intent(
        "name",
        _any_of(
            rf"(?:what|which) {_MAKER}(?: (?:is|are) (?:{_IT}|{_ANY})| makes? .*)?{_HERE}",
            rf"what(?:'s| is) the {_MAKER}(?: of (?:{_IT}|{_ANY}))?{_HERE}",
            rf"(?:what|which) {_NAMED}(?:'s| is| are) (?:{_IT}|{_ANY}){_HERE}",
            rf"what(?:'s| is) (?:{_THE} )?(?:name|title) (?:of|on|for) (?:{_IT}|{_ANY}){_HERE}",
            rf"what(?:'s| is) (?:{_IT}|{_THE} {_NAMED}) (?:called|named){_HERE}",
            rf"who (?:makes|made|produces|manufactures|wrote|published) (?:{_IT}|{_ANY}){_HERE}",
        ),
        read_largest,
    ),
    Intent(
        "read",
        _any_of(
            rf"read{_LOUD}(?: (?:{_IT}|everything|all|all of {_IT}|all (?:the )?{_TEXT}|the whole {_TEXT}|{_SOME_TEXT}|"
            rf"any {_TEXT}|what (?:{_IT}|{_SOME_TEXT}) says?|what(?:'s| is) (?:written|there|here)))?{_HERE}{_LOUD}",
            rf"what (?:does|do|did) (?:{_IT}|{_SOME_TEXT})(?: {_PLACE})? (?:say|read){_HERE}",
            rf"what (?:{_IT}|{_SOME_TEXT})(?: {_PLACE})? (?:say|says|reads){_HERE}",
            rf"what(?:'s| is)(?: all)? (?:written|printed|the text|the writing){_HERE}",
            rf"what (?:text|words|writing) (?:is there|are there|(?:do|can) you (?:see|read)|is|are){_HERE}",
            rf"what (?:can|do) you read{_HERE}",
            rf"(?:is there|(?:do|can) you (?:see|read)|are there) (?:any|some) (?:text|writing|words|letters){_HERE}",
            rf"does (?:it|this|that) say (?:anything|something){_HERE}",
        ),
        read_aloud,
    ),
    Intent("says", rf"what (?:does|do) (?P<whatever>{_ANY}) (?:say|read)", read_aloud),
)
"""In this order: the first that matches and answers."""
