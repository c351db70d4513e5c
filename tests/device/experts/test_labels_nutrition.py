"""Nutrition facts out of text typed in columns: what each layout says, and what cannot be right."""

from datetime import date

import pytest

from device.experts.labels.label import Label, read_labels
from device.experts.labels.quantity import factor, find_quantities, shown
from tests.device.experts.label_text import printed

TODAY = date(2026, 3, 15)


def read(text: str):
    return next(iter(read_labels(printed(text), TODAY)), Label()).record()


def values(facts) -> dict[str, float]:
    return {name: fact["value"] for name, fact in facts.items()}


def test_british_table_with_a_column_per_portion_and_reference_intakes():
    record = read(
        """
        NUTRITION
        Typical values      per 100g     per 1/2 pot (150g)   %RI*    RI for an average adult
        Energy              409kJ        614kJ                7%      8400kJ
                            97kcal       146kcal              7%      2000kcal
        Fat                 5.0g         7.5g                 11%     70g
        of which saturates  3.1g         4.7g                 24%     20g
        Carbohydrate        4.0g         6.0g
        of which sugars     4.0g         6.0g                 7%      90g
        Fibre               <0.5g        <0.5g
        Protein             9.0g         14g
        Salt                0.13g        0.20g                3%      6g
        """
    )
    assert values(record["fields"]) == {
        "energy": 97,
        "fat": 5,
        "saturates": 3.1,
        "carbohydrate": 4,
        "sugars": 4,
        "fibre": 0.5,
        "protein": 9,
        "salt": 0.13,
    }
    assert record["fields"]["fibre"]["below"] is True
    assert record["fields"]["energy"]["kJ"] == 409
    assert record["fields"]["fat"] == {
        "value": 5.0,
        "unit": "g",
        "line": "Fat 5.0g 7.5g 11% 70g",
        "confidence": 0.98,
        "basis": "verbatim",
    }
    assert values(record["per_serving"])["protein"] == 14
    assert (record["serving"]["value"], record["serving"]["unit"]) == (150, "g")
    assert record["basis"] == "100 g"
    assert record["contradictions"] == []


def test_american_label_is_turned_into_per_100_through_the_serving():
    record = read(
        """
        Nutrition Facts
        About 8 servings per container
        Serving size   2/3 cup (50g)
        Amount Per Serving
        Calories       210
                            % Daily Value*
        Total Fat 8g             10%
        Saturated Fat 1g         5%
        Trans Fat 0g
        Cholesterol 0mg          0%
        Sodium 160mg             7%
        Total Carbohydrate 30g   13%
        Dietary Fiber 4g         14%
        Total Sugars 12g
        Includes 10g Added Sugars 20%
        Protein 3g
        Vitamin D 2mcg 10%       Calcium 260mg 20%
        """
    )
    assert values(record["per_serving"]) == {
        "energy": 210,
        "fat": 8,
        "saturates": 1,
        "sodium": 0.16,
        "carbohydrate": 30,
        "fibre": 4,
        "sugars": 12,
        "protein": 3,
        "salt": 0.4,
    }
    assert values(record["fields"])["fat"] == 16
    assert values(record["fields"])["energy"] == 420
    assert {fact["basis"] for fact in record["fields"].values()} == {"measured"}
    assert record["per_serving"]["sodium"]["basis"] == "verbatim"
    assert record["per_serving"]["salt"]["from"] == "2.5 x sodium"


def test_australian_table_has_the_serving_first_and_only_kilojoules():
    record = read(
        """
        NUTRITION INFORMATION
        SERVINGS PER PACKAGE: 12     SERVING SIZE: 30g (2 biscuits)
                         PER SERVING   %DI* PER SERVING   PER 100g
        ENERGY           447kJ         5%                 1490kJ
        PROTEIN          3.7g          7%                 12.4g
        FAT - TOTAL      0.4g          1%                 1.3g
        - SATURATED      0.1g          0%                 0.3g
        CARBOHYDRATE     20.1g         6%                 67.0g
        - SUGARS         1.0g          1%                 3.3g
        SODIUM           87mg          4%                 290mg
        """
    )
    fields = values(record["fields"])
    assert fields["energy"] == pytest.approx(1490 / 4.184, abs=0.01)
    assert record["fields"]["energy"]["basis"] == "measured"
    assert (fields["protein"], fields["saturates"], fields["sugars"], fields["sodium"]) == (12.4, 0.3, 3.3, 0.29)
    assert values(record["per_serving"])["carbohydrate"] == 20.1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            """
            Nährwerte pro 100 g: Energie 2259 kJ / 542 kcal; Fett 32,5 g, davon gesättigte Fettsäuren
            19,6 g; Kohlenhydrate 55,1 g, davon Zucker 54,0 g; Eiweiß 6,3 g; Salz 0,21 g
            """,
            {"energy": 542, "fat": 32.5, "saturates": 19.6, "sugars": 54, "protein": 6.3, "salt": 0.21},
        ),
        (
            """
            Nutrition Facts Serv. size 1 pouch (20g), Servings 10, Amount per serving: Calories 80,
            Total Fat 0g (0% DV), Sat. Fat 0g (0% DV), Sodium 15mg (1% DV), Total Carb. 17g (6% DV),
            Fiber 0g (0% DV), Total Sugars 11g (Incl. 11g Added Sugars, 22% DV), Protein 1g
            """,
            {"energy": 400, "fat": 0, "carbohydrate": 85, "sugars": 55, "protein": 5, "sodium": 0.075},
        ),
    ],
)
def test_facts_in_one_sentence(text, expected):
    fields = values(read(text)["fields"])
    assert {name: fields.get(name) for name in expected} == expected


def test_french_and_bilingual_names_with_decimal_commas():
    record = read(
        """
        Valeurs nutritionnelles                        pour / per 100 g
        Énergie / Energy                               2252 kJ / 539 kcal
        Matières grasses / Fat                         30,9 g
        dont acides gras saturés / of which saturates  10,6 g
        Glucides / Carbohydrate                        57,5 g
        dont sucres / of which sugars                  56,3 g
        Protéines / Protein                            6,3 g
        Sel / Salt                                     0,107 g
        """
    )
    assert values(record["fields"]) == {
        "energy": 539,
        "fat": 30.9,
        "saturates": 10.6,
        "carbohydrate": 57.5,
        "sugars": 56.3,
        "protein": 6.3,
        "salt": 0.107,
    }


def test_units_in_the_names_and_both_energies_in_one_row():
    record = read(
        """
        Nutritional information per 100ml
        Energy (kJ/kcal)    180/43
        Fat (g)             0
        Carbohydrates (g)   10,6
        Sodium (mg)         20
        """
    )
    assert values(record["fields"]) == {"energy": 43, "fat": 0, "carbohydrate": 10.6, "sodium": 0.02, "salt": 0.05}
    assert record["basis"] == "100 ml"


@pytest.mark.parametrize(
    "head",
    [
        "per 100 g   per serving (30 g)",
        "100 g enthalten   Portion (30 g)",
        "100g   30g",
        "pro 100g   pro 30g",
        "Quantity per 100g   Each biscuit (30g) contains",
    ],
)
def test_heads_of_two_columns(head):
    record = read(f"           {head}\nEnergy     250 kcal   75 kcal\nFat        5.0 g      1.5 g")
    assert values(record["fields"]) == {"energy": 250, "fat": 5}
    assert values(record["per_serving"]) == {"energy": 75, "fat": 1.5}
    assert record["serving"]["value"] == 30


def test_the_serving_may_come_first_and_heads_stand_over_two_rows():
    record = read(
        """
                  Per biscuit   Per
                  (12.5g)       100g
        Fat       3 g           24 g
        Sugars    3.8 g         30 g
        """
    )
    assert values(record["fields"]) == {"fat": 24, "sugars": 30}
    assert values(record["per_serving"]) == {"fat": 3, "sugars": 3.8}


def test_a_table_whose_rows_were_read_as_one_line_each():
    record = read(
        """
        Per 100 g Per serving (30 g)
        Energy 1046 kJ / 250 kcal 314 kJ / 75 kcal
        Fat 5.0 g 1.5 g
        of which saturates 1.0 g 0.3 g
        """
    )
    assert values(record["fields"]) == {"energy": 250, "fat": 5, "saturates": 1}
    assert values(record["per_serving"]) == {"energy": 75, "fat": 1.5, "saturates": 0.3}


def test_values_below_their_names_as_on_the_front():
    record = read(
        """
        Each pack (400g) contains
        ENERGY       FAT      SATURATES   SUGARS   SALT
        1520kJ       11g      4.5g        8.6g     1.9g
        363kcal      LOW      LOW         LOW      MED
        18%          16%      23%         10%      32%
        Typical values per 100g: Energy 380kJ/91kcal
        """
    )
    assert values(record["per_serving"]) == {"energy": 363, "fat": 11, "saturates": 4.5, "sugars": 8.6, "salt": 1.9}
    assert record["fields"]["energy"]["value"] == 91


def test_what_is_misread_as_digits_is_understood_with_less_confidence():
    record = read(
        """
                      per 100g
        Energy        104OkJ / 25Okcal
        Fat           1.59
        Saturates     O.5g
        Carbohydrate  l2 g
        Sugars        009
        Protein       6.2q
        """
    )
    fields = record["fields"]
    expected = {"energy": 250, "fat": 1.5, "saturates": 0.5, "carbohydrate": 12, "protein": 6.2}
    assert values(fields) == expected  # "009" may be "0.9g", or anything: left out
    assert fields["fat"]["confidence"] < 0.7
    assert fields["fat"]["confidence"] < fields["protein"]["confidence"]


def test_contradictions_are_said_and_doubted():
    record = read(
        """
        Nutrition per 100g
        Energy       1046kJ / 350kcal
        Fat          3.0g
        Saturates    5.0g
        Carbohydrate 20g
        Sugars       30g
        """
    )
    said = [contradiction["value"] for contradiction in record["contradictions"]]
    assert "saturates 5 g are more than fat 3 g" in said
    assert "sugars 30 g are more than carbohydrate 20 g" in said
    assert "1046 kJ are not 350 kcal" in said
    assert all(fact["confidence"] < 0.5 for fact in record["fields"].values())


def test_a_value_that_two_things_contradict_is_left_out():
    record = read(
        """
                      per 100g   per 50g
        Energy        200kcal    100kcal
        Fat           10g        5g
        Saturates     60g        3g
        Carbohydrate  20g        10g
        Protein       8g         4g
        """
    )
    assert "saturates" not in record["fields"]
    assert values(record["fields"])["fat"] == 10


@pytest.mark.parametrize("text", ["", "HIGH PROTEIN BAR\n20g PROTEIN\nLow sugar\n60 g", "Fat Cat Café\nOpen 9 to 17"])
def test_no_facts_where_there_is_no_table(text):
    assert read(text)["fields"] == {}


def test_values_without_a_head_are_kept_apart():
    record = read("Energy 250 kcal\nFat 12 g\nSalt 0.5 g")
    assert record["fields"] == {}
    assert values(record["per_unknown"]) == {"energy": 250, "fat": 12, "salt": 0.5}


TEN = """
per 100 g
Energy    {} kcal
Fat       5 g
Sugars    {} g
"""


def test_ten_labels_are_told_apart():
    lines = [
        line
        for row in range(2)
        for column in range(5)
        for line in printed(TEN.format(100 + row, column + 1), x=500 * column, y=600 * row)
    ]
    found = [(label.nutrition.per_100["energy"].value, label.nutrition.per_100["sugars"].value)
             for label in read_labels(lines, TODAY)]  # fmt: skip
    assert sorted(found) == [(100 + row, column + 1) for row in range(2) for column in range(5)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6,2 g", (6.2, "g")),
        ("1,046 kJ", (1046, "kJ")),
        ("1.046,5 g", (1046.5, "g")),
        ("25O kca1", (250, "kcal")),
        ("Og", (0, "g")),
        ("33 cl", (33, "cl")),
        ("12 fl oz", (12, "fl_oz")),
        ("700 kl", (700, "kJ")),
        ("Calories87", (87, "")),
        ("500 ge", (500, "g")),
    ],
)
def test_numbers_with_units(text, expected):
    [quantity] = find_quantities(text)
    assert (quantity.value, quantity.unit) == expected


def test_words_are_no_numbers():
    assert find_quantities("Iron oil Ill lO") == []


def test_units_are_converted_and_never_across_kinds():
    assert factor("oz", "g") == pytest.approx(28.3495, abs=1e-3)
    with pytest.raises(ValueError, match="cannot be told"):
        factor("g", "ml")


def test_numbers_are_said_without_needless_digits():
    assert [shown(v) for v in (250.4, 12.0, 6.25, 0.107)] == ["250", "12", "6.25", "0.107"]
