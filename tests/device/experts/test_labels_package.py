"""Ingredients, allergens, prices, sizes and dates out of given text."""

from datetime import date

import pytest

from device.experts.labels.ingredients import against
from device.experts.labels.label import Label, read_labels
from tests.device.experts.label_text import printed


def read(text: str):
    return next(iter(read_labels(printed(text), date(2026, 3, 15))), Label())


def test_ingredients_are_the_paragraph_under_the_word():
    record = read(
        """
        OAT BAR                                            Nutrition per 100g
        Ingredients: Wholewheat flour, sugar, cocoa        Energy    400 kcal
        butter, whey powder (milk), emulsifier             Fat       12 g
        (soya lecithin), coconut milk, flavouring.         Sugars    20 g
        Keep in a cool place. Contains milk.
        """
    ).record()
    assert record["ingredients"]["text"] == (
        "Wholewheat flour, sugar, cocoa butter, whey powder (milk), emulsifier (soya lecithin), "
        "coconut milk, flavouring"
    )
    assert {(a["name"], a["may"]) for a in record["allergens"]} == {("gluten", False), ("soya", False), ("milk", False)}
    assert record["fields"]["fat"]["value"] == 12


@pytest.mark.parametrize(
    ("ingredients", "allergens"),
    [
        ("water, cocoa butter, coconut cream, peanut butter, nutmeg", {"peanuts"}),
        ("buckwheat, butter beans, water chestnuts, cream of tartar, lactic acid", set()),
        ("oat drink, almond milk, gluten free flour", {"gluten", "nuts"}),
        ("Weizenmehl, Vollei, Magermilchpulver, Haselnüsse, Senf", {"gluten", "eggs", "milk", "nuts", "mustard"}),
        ("lait écrémé, farine de blé, crevettes, céleri", {"milk", "gluten", "crustaceans", "celery"}),
        ("skimmedmilkpowder, hazelnnts, E220", {"milk", "nuts", "sulphites"}),
        ("aubergine, veggie stock, rice, corn flour, sunflower oil", set()),
    ],
)
def test_allergens(ingredients, allergens):
    found = read(f"Ingredients: {ingredients}.").ingredients
    assert {named.name for named in found.allergens} == allergens


@pytest.mark.parametrize(
    ("ingredients", "diet", "words"),
    [
        ("sugar, gelatine, honey", "vegan", ["gelatine", "honey"]),
        ("sugar, gelatine, honey", "vegetarian", ["gelatine"]),
        ("water, E120, cocoa butter", "vegan", ["e120"]),
        ("water, tomatoes, coconut milk", "vegan", []),
        ("barley malt extract", "gluten free", ["barley"]),
        ("sugar, rum, lard", "halal", ["rum"]),
    ],
)
def test_what_speaks_against_a_diet(ingredients, diet, words):
    assert [word for word, _ in against(diet, read(f"Ingredients: {ingredients}.").ingredients)] == words


def test_claims_are_told_from_contents():
    found = read("GLUTEN FREE   VEGAN\nNot suitable for vegetarians").ingredients
    assert [claim for claim, _ in found.claims] == ["gluten free", "vegan"]
    assert not found.allergens


@pytest.mark.parametrize(
    ("text", "price", "unit_price"),
    [
        ("Rice\n£2.49\n£4.98 per kg", (2.49, "GBP"), (4.98, 1, "kg")),
        ("Milch 1 l\n1,49 €\n1 l = 1,49 €", (1.49, "EUR"), (1.49, 1, "l")),
        ("Cheese 200 g\n2.39 €\n11.95 €/kg", (2.39, "EUR"), (11.95, 1, "kg")),
        ("Cola 6 x 330 ml\n£3.50\n17.7p per 100ml", (3.5, "GBP"), (0.177, 100, "ml")),
        ("Soup 400g\n99p", (0.99, "GBP"), None),
        ("Oat Drink 330ml\n7,05 €\n21,36 €/1", (7.05, "EUR"), (21.36, 1, "l")),
        ("Rice 750 g\n6,99 €\n9,32/kg", (6.99, "EUR"), (9.32, 1, "kg")),
        ("Milk\n$4.29\n$0.03 per fl oz", (4.29, "USD"), (0.03, 1, "fl_oz")),
        ("Jam was £3.00 now £2.00\n340g", (2.0, "GBP"), None),
        ("Jam\n340g\n2.79", (2.79, ""), None),
        ("Chapter 12.50", None, None),
    ],
)
def test_prices(text, price, unit_price):
    prices = read(text).prices
    assert (prices.price and (prices.price.value, prices.price.unit)) == price
    found = prices.unit_price
    assert (found and (found.value, found.note["per"], found.note["per_unit"])) == unit_price


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Cola\n6 x 330 ml", (1980, "ml")),
        ("Net Wt 12 oz (340g)", (340, "g")),
        ("OLIVE OIL\n0,75 l\n5,99 €", (0.75, "l")),
        ("HIGH PROTEIN BAR\n20g PROTEIN\n60 g", (60, "g")),
        ("260615 L123", None),
        ("Nutrition per 100 g\nEnergy 200 kcal\nFat 5 g\nSalt 1 g", None),
    ],
)
def test_sizes(text, size):
    found = read(text).prices.size
    assert (found and (found.value, found.unit)) == size


@pytest.mark.parametrize(
    ("text", "kind", "day", "other"),
    [
        ("BEST BEF0RE: 27 November 2026", "best before", "2026-11-27", None),
        ("EXP23.12.2025", "expires", "2025-12-23", None),
        ("Use by 31/01/26", "use by", "2026-01-31", None),
        ("Use by 01/02/26", "use by", "2026-02-01", "2026-01-02"),
        ("Mindestens haltbar bis: 04.05.2026", "best before", "2026-05-04", None),
        ("Best before end: FEB 2028", "best before", "2028-02-29", None),
        ("BBE 06 2027", "best before", "2027-06-30", None),
        ("BEST BEFORE\nJUN 05 2026 10:32", "best before", "2026-06-05", None),
        ("2026-07-01", "", "2026-07-01", None),
        ("MFG 02/2026   EXP 02/2027", "expires", "2027-02-28", None),
    ],
)
def test_dates(text, kind, day, other):
    found = [stamp for stamp in read(text).dates if stamp.kind != "made"]
    assert [(s.kind, s.day.isoformat(), s.other and s.other.isoformat()) for s in found] == [(kind, day, other)]


@pytest.mark.parametrize("text", ["30/02/2026", "Lot 12/2044 99", "Tel 01.02.03.04", "1/2 cup"])
def test_no_dates(text):
    assert read(text).dates == []
