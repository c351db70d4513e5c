"""Answers about labels and shelves, out of recognised text by plain code with units: no network has an opinion here.

Nutrition facts, ingredients and allergens, prices, sizes, dates, and which of two has less or costs less. Each answer
cites the line it comes from and says what could not be read; none tells anyone what is safe or healthy to eat.
"""

from device.experts.intent import Intent
from device.experts.labels import ask_nutrition, ask_package, ask_shelf

_IT = (
    r"(?:it|this|that|these|those|they|them|the (?:left |right |first |second )?\w+|this \w+|that \w+|these \w+|"
    r"the one on the (?:left|right))"
)
_NUTRIENT = (
    r"(?P<nutrient>(?:dietary )?fib(?:re|er)|proteins?|sugars?|salt|sodium|saturated fats?|saturates|saturated|"
    r"(?:total )?fat|carbs|carbohydrates?|calories|kilocalories|kcal|energy)"
)
_GENERAL = r"(?!.*\b(?:should|daily|day|recommended|need|in an?(?! (?:serving|portion|hundred|100))|an? average)\b)"
_DIET = r"(?P<diet>vegan|vegetarian|veggie|gluten[ -]?free|nuts?[ -]?free|dairy[ -]?free|lactose[ -]?free|halal|kosher)"
_THING = (
    r"(?P<thing>(?:tree |pea)?nuts?|almonds?|hazelnuts?|milk|dairy|lactose|gluten|wheat|eggs?|soya?|shellfish|seafood|"
    r"crustaceans?|prawns?|shrimps?|mollus[ck]s?|fish|sesame|celery|mustard|sul(?:ph|f)ites?|lupin|alcohol|pork|gelatine?|"
    r"palm oil|honey|meat|msg|caffeine)"
)

INTENTS: tuple[Intent, ...] = (
    Intent(
        "compare nutrition",
        rf"(?:and )?(?:which|what)(?: one| of \w+(?: \w+)?| \w+)? (?:has|have|contains|is|are|got)(?: the)? "
        rf"(?P<way>less|least|fewer|fewest|more|most|(?:lower|higher|lowest|highest) in) {_NUTRIENT}(?: .*)?",
        ask_nutrition.compare,
    ),
    Intent(
        "compare nutrition",
        rf"(?:does|is|has) (?:this|it)(?: one)? (?:have |contain |got )?(?P<way>less|more|lower in|higher in) "
        rf"{_NUTRIENT}(?: than .*)?",
        ask_nutrition.compare,
    ),
    Intent(
        "cheaper",
        r"(?:which|what)(?: one| of \w+(?: \w+)?| \w+)? (?:is|are|costs?)(?: the)? "
        r"(?P<way>cheaper|cheapest|"
        r"better value|best value|more expensive|most expensive|dearer|less expensive|better (?:deal|buy)|less)"
        r"(?: .*)?",
        ask_shelf.cheaper,
    ),
    Intent("cheaper", r"is (?:this|it)(?: one)? (?P<way>cheaper|more expensive|dearer)(?: .*)?", ask_shelf.cheaper),
    Intent(
        "nutrient",
        rf"{_GENERAL}(?:and )?how (?:much|many)(?: grams?| milligrams?| g| mg)?(?: of)? {_NUTRIENT}(?:'s)?(?: .*)?",
        ask_nutrition.amount,
    ),
    Intent(
        "nutrient",
        rf"{_GENERAL}(?:what is|what's) the (?:total )?{_NUTRIENT}(?: content| value| amount| level)?(?: .*)?",
        ask_nutrition.amount,
    ),
    Intent("nutrient", rf"(?:(?:read|and) )?(?:the )?{_NUTRIENT}", ask_nutrition.amount),
    Intent("nutrient", rf"(?:is|are) {_IT} (?:high|low|rich) in {_NUTRIENT}", ask_nutrition.amount),
    Intent(
        "nutrient",
        rf"{_GENERAL}(?:is|are) there (?:any |much |a lot of |many )?{_NUTRIENT} in {_IT}",
        ask_nutrition.amount,
    ),
    Intent(
        "nutrient",
        rf"{_GENERAL}(?:does|do) {_IT} (?:have|contain) (?:any |much |a lot of |many |lots of )?{_NUTRIENT}",
        ask_nutrition.amount,
    ),
    Intent(
        "nutrition facts",
        r"(?:(?:what are|what's|what is|read|read me|give me|show me)(?: me)? )?(?:the )?(?:nutrition(?:al)?|"
        r"nutrients?)(?: facts| values?| information| info| label| table)?(?: .*)?",
        ask_nutrition.facts,
    ),
    Intent(
        "diet", rf"(?:is|are) {_IT}(?: \w+)? (?:suitable |ok |okay |good )?(?:for )?{_DIET}s?(?: .*)?", ask_package.diet
    ),
    Intent("diet", rf"can (?:an? )?{_DIET}s? (?:person )?(?:eat|have|drink) {_IT}", ask_package.diet),
    Intent("diet", rf"can i (?:eat|have|drink) {_IT} (?:if|when|as) (?:i'm |i am )?(?:an? )?{_DIET}", ask_package.diet),
    Intent(
        "allergens",
        r"(?:(?:what|which|list|tell me|read|are there|does it (?:have|contain)|is there)(?: me)?(?: are)?"
        r"(?: the| any)? )allergens?(?: .*)?|what (?:does it say about )?allergens?.*|allergens?",
        ask_package.allergens,
    ),
    Intent(
        "allergens",
        rf"(?:is|are) {_IT} safe .*(?:allerg|coeliac|celiac|intoleran).*|can i (?:eat|have|drink) {_IT} .*"
        r"(?:allerg|coeliac|celiac|intoleran).*",
        ask_package.allergens,
    ),
    Intent(
        "contains",
        rf"(?:(?:does|do) {_IT} (?:contain|have|include)|(?:has|have) {_IT} got)(?: any| some)? {_THING}(?: .*)?",
        ask_package.contains,
    ),
    Intent(
        "contains",
        rf"(?:is|are) there (?:any |some |traces of )?{_THING} in "
        r"(?:it|this|that|these|them|the ingredients|this product)",
        ask_package.contains,
    ),
    Intent(
        "contains", rf"(?:does|do) {_IT} contain(?: any| some)? (?P<thing>[a-z]+(?: [a-z]+)?)", ask_package.contains
    ),
    Intent(
        "ingredients",
        r"(?:what(?: are|'s| is)|read|read me|list|tell me)? ?(?:the |its )?ingredients?(?: list)?(?: .*)?|"
        r"(?:what|which) ingredients? (?:are|is|does|do) .*|what is the list of ingredients(?: .*)?",
        ask_package.ingredients,
    ),
    Intent("ingredients", r"what(?:'s| is) in (?:it|this|that)(?: product| food)?", ask_package.whats_in_it),
    Intent(
        "size",
        r"how (?:big|heavy|large) is (?:it|this|that|the \w+|this \w+)|"
        r"how much (?:is|'s)(?: there)? in (?:it|this|that|the \w+|this \w+|here)|"
        r"how many (?:grams|g|ml|mils|millilit(?:re|er)s|lit(?:re|er)s|ounces|kilos?) (?:is|are|does|do|has) "
        r"(?!.*\bin an? ).*|(?:what is|what's) the (?:net )?(?:weight|volume|size|contents?)(?: (?:of|on) .*)?|"
        r"what (?:size|weight|volume) is .*|how much does (?:it|this|the \w+|this \w+) (?:weigh|hold)",
        ask_shelf.size,
    ),
    Intent(
        "price",
        r"how much (?:does|do|is|are|for|would) (?:it|this|that|these|those|they|the [\w ]+?|this [\w ]+?|that [\w ]+?)"
        r"(?: costs?| be)?|(?:what is|what's|what are|read|read me) the (?:unit )?prices?(?: .*)?|"
        r"what (?:does|do) (?:it|this|that|these|they|the [\w ]+?|this [\w ]+?) cost|how much per (?:.*)|"
        r"what is the price per .*",
        ask_shelf.price,
    ),
    Intent(
        "date",
        r"(?:is|has|are|have) (?:it|this|that|these|the \w+|this \w+)(?: still| already)?(?: gone| run)? "
        r"(?:past|passed|beyond|over|within|in) (?:its|it's|the|their|his)(?: \w+)*? date|"
        r"(?:is|has|are|have) (?:it|this|that|these|the \w+|this \w+)(?: still| already)? "
        r"(?:out of date|in date|expired|gone off|still good|good|off|ok to (?:eat|drink))(?: .*)?|"
        r"when (?:does|do|did|will|is) (?:it|this|that|these|the \w+|this \w+) "
        r"(?:expires?|go(?:es)? (?:off|bad)|run out|best before|good until|use by)(?: .*)?|"
        r"(?:what is|what's|when is|read|read me|tell me|find)? ?(?:the |its )?"
        r"(?:best before|best by|use by|expiry|expiration|sell by)(?: date)?(?: .*)?|"
        r"(?:what is|what's) the date (?:on|of) (?:it|this|that|the \w+|this \w+)",
        ask_shelf.dates,
    ),
)
"""In this order: "which has less sugar" before "how much sugar", "how much is in it" before "how much is it"."""
