"""Words for foods: the EU's 14 allergens, what only looks like one, and what speaks against a diet.

English, with the German and French words that stand on bilingual packages. Patterns are over lower-case letters
without accents.
"""

from __future__ import annotations

import re

ALLERGENS = {  # as in annex II of EU 1169/2011; patterns over lower-case letters without accents
    "gluten": r"wheat|barley|\brye\b|\boats?\b|spelt|khorasan|kamut|semolina|durum|gluten|malt(?!odextrin|itol|ose)|"
    r"bulgur|couscous|weizen|gerste|roggen|hafer|dinkel|\bble\b|froment|\borge\b|seigle|avoine",
    "crustaceans": r"crustacean|prawn|shrimp|\bcrabs?\b|lobster|crayfish|krebstier|crustaces|crevette",
    "eggs": r"\beggs?\b|egg(?=yolk|white|powder)|albumen|\beier?\b|vollei|eigelb|\boeufs?\b|mayonnaise",
    "fish": r"(?<!starfish )\bfish\b|anchov|tuna|salmon|\bcod\b|haddock|mackerel|sardine|\bfisch|poisson|"
    r"thunfisch|lachs",
    "peanuts": r"peanut|groundnut|erdnuss|erdnusse|arachide|cacahuete",
    "soya": r"\bsoya|\bsoy\b|soja|soybean|\btofu\b|edamame|soylecithin|soysauce",
    "milk": r"milk|\bbutter(?!nut| ?bean)|cream(?! ?of ?tartar)|cheese|yogh?urt|whey|casein|lactose|\bghee\b|quark|"
    r"milch|sahne|molke|kase\b|\blait\b|creme\b|beurre|fromage|lactoserum",
    "nuts": r"hazelnut|almond|cashew|walnut|pecan|pistachio|macadamia|brazil ?nut|tree ?nut|\bnuts?\b|"
    r"haselnuss|mandel(?!n?aroma)|walnuss|\bnusse?\b|noisette|amande|noix",
    "celery": r"celery|celeriac|sellerie|celeri",
    "mustard": r"mustard|\bsenf|moutarde",
    "sesame": r"sesame|tahini|sesam",
    "sulphites": r"sulph?ite|sulfite|sul(?:ph|f)ur dioxide|metabisul|\be22[0-8]\b|schwefeldioxid",
    "lupin": r"\blupin",
    "molluscs": r"mollus[ck]|mussel|oyster|squid|octopus|\bclams?\b|scallop|\bsnails?\b|muschel|tintenfisch",
}
BENIGN = re.compile(  # what looks like an allergen and is none, or is a claim that it is absent
    r"(?:coconut|oat|almond|soya|soy|rice|cashew|hazelnut|hafer|mandel|kokos|reis) ?(?:milk|cream|drink|milch|butter)"
    r"|(?:peanut|cocoa|shea|kakao|nut|almond) ?butter|beurre de cacao|butter ?beans?|water ?chestnuts?|nutmeg|"
    r"buckwheat|buchweizen|coconuts?|doughnuts?|cream of tartar|lactic acid|"
    r"(?:free from|no|without|ohne|frei von|sans)(?: added)? [a-z]+(?: (?:and|or|und|oder|et) [a-z]+)?|"
    r"[a-z]+ ?(?:free|frei)\b|does not contain [a-z]+"
)
KEPT = {"oat": "gluten", "hafer": "gluten", "almond": "nuts", "cashew": "nuts", "hazelnut": "nuts", "mandel": "nuts"}
KEPT |= {"soya": "soya", "soy": "soya", "peanut": "peanuts", "nut ": "nuts"}
MEAT = (
    r"\bbeef\b|\bpork\b|chicken|\bbacon\b|\bham\b|\blamb\b|turkey|\bduck\b|\bveal\b|venison|\bmeat\b|\blard\b|tallow|"
    r"\bsuet\b|gelatine?\b|rennet|isinglass|\bfleisch|rind(?:er|fleisch)|schwein|hahnchen|huhn|speck|schinken|viande|"
    r"\bporc\b|poulet|boeuf|jambon|carmine|cochineal|\be120\b|shellac|\be904\b|animal fat|collagen"
)
HONEY = r"honey|beeswax|\be901\b|honig|miel\b|royal jelly|bienenwachs"
PORK_OR_ALCOHOL = (
    r"\bpork\b|\bbacon\b|\bham\b|\blard\b|schwein|speck|schinken|\bporc\b|jambon|\bwine\b|\bbeer\b|\brum\b|brandy|liqueur|"
    r"whisky|vodka|(?<!sugar )\balcohol\b|ethanol|gelatine?\b|\be120\b|carmine|cochineal"
)
DIETS = {  # diet: allergens that speak against it, further patterns
    "vegan": (("milk", "eggs", "fish", "crustaceans", "molluscs"), (MEAT, HONEY)),
    "vegetarian": (("fish", "crustaceans", "molluscs"), (MEAT,)),
    "gluten free": (("gluten",), ()),
    "nut free": (("nuts", "peanuts"), ()),
    "dairy free": (("milk",), ()),
    "lactose free": (("milk",), ()),
    "halal": ((), (PORK_OR_ALCOHOL,)),
    "kosher": (("crustaceans", "molluscs"), (PORK_OR_ALCOHOL,)),
}
