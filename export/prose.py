"""English prose that perplexities are taken over, written for that: no model has learned it by heart."""

_PROSE = """
The ferry to the island leaves at ten past seven, and anyone who misses it waits until noon. Marta had missed it twice
that week. The first time the alarm had not gone off, because the batteries had been taken for a torch; the second
time a delivery van stood across the lane, and its driver was drinking coffee with her uncle in the kitchen. On
Thursday she slept in her clothes. She was on the pier at half past six with a bag of bread, two jars of honey and the
letter, and found that the ferry had a broken pump and would not run at all.

"Tomorrow," said the man who sold tickets. "Perhaps." He had a grey beard and a jacket with one button, and he looked
at the sea as if it owed him money. "There is the mail boat, if you do not mind the smell. It brings the fish back."

She did not mind. The mail boat was blue, short and very loud. Its captain, a woman of about thirty with a knitted
hat, let her sit on a coil of rope beside the wheel and asked no questions for the first mile. Then she asked all of
them at once: where Marta came from, whose daughter she was, why she wanted to see the lighthouse, whether she could
cook.

"My grandfather kept it," Marta said. "He wrote down the weather every day for thirty-one years. The books should
still be there. The university would like to have them, and I would like to read them before they do."

"Then bring gloves. The roof leaks on the north side, and what the rain has left, the mice have eaten."

Before you paint a wooden window, look at the putty. If it is cracked or loose, water gets behind it and the frame
rots from the inside, whatever paint you choose. Scrape out what comes away easily and leave what holds. Sand the bare
wood until it feels smooth, brush off the dust, and give it a thin coat of primer; knots need two. When the primer is
dry, roll new putty between your hands until it is warm, press it into the corner between glass and wood, and draw a
flat knife along it at an angle, so that rain runs off. Now wait. Putty takes a week or more to form a skin, and paint
put on too early will wrinkle. Paint the window with the sash open, from the inside to the outside, and let the last
coat run two millimetres onto the glass. That narrow line is what keeps the water out.

How much water does a bath take? A common tub holds about 150 litres when it is full to the overflow, but nobody fills
it so far, and a person takes the place of some of it. Between 100 and 120 litres is a fair guess. A shower of five
minutes uses 40 to 60 litres with an ordinary head and 30 with a saving one. Heating is what costs: to warm 110 litres
from 12 to 38 degrees takes 3.3 kilowatt-hours, which a heat pump gets out of one. So a bath is a luxury of about a
euro where water is heated with current, and of thirty cents where it is not. Whoever showers for a quarter of an hour
saves nothing.

In the photograph a boy in a striped shirt stands on a wall and holds a kite with both hands. The kite is red with a
yellow tail. Behind him the beach is empty except for a dog, which is running towards the water, and two deck chairs
that somebody has folded and leaned against each other. The light comes from the left and is low; the boy's shadow
falls across the whole wall and bends where the steps begin. It may be evening. On the back of the picture is a date,
written in pencil and half rubbed out: the ninth of September, and a year that ends in a four or a nine.

The committee met on the second Tuesday of the month. Present were the chair, the treasurer, Mr Adeyemi and Ms
Lindqvist; Mr Farrell had sent his apologies. The minutes of the last meeting were accepted with one correction: the
lamp in the car park is to be repaired, not replaced. The treasurer reported that 214 members had paid and 31 had not.
It was agreed to write to them once more and then to take their names off the list. Ms Lindqvist asked who had the key
to the shed. No one knew. Mr Adeyemi offered to change the lock and to keep a second key at the bakery, where it can
be had from six in the morning. The chair thanked him. The meeting closed at twenty to nine.

Bats do not see badly, and they do not get tangled in hair. What is true is that they hear better than almost anything
else alive. A bat that hunts in the open calls about ten times a second; when it comes near a moth, the calls follow
one another so fast that a machine which makes them audible to us only buzzes. From the echo it learns how far away
the moth is, how large, and whether its wings are moving. Some moths have ears in turn. They hear the bat before it
hears them, fold their wings and drop. A few answer with clicks of their own. Whether that startles the bat, warns it
of a bad taste or spoils the echo was argued over for decades; it seems that different moths have found different
answers.

Turn left out of the station and cross at the lights. Go straight on past the church, which will be on your right,
until you come to a square with a fountain. Take the second street after it, not the first, which is a dead end.
Number 18 has a green door. The bell does not work, so knock, or call up to the window on the first floor; there is
nearly always somebody in. If you come by bus, get off at the hospital and walk back about two hundred metres.

"You could have told me," said Tom. He had put the cup down so carefully that it made no sound.

"I could have. In March I did not know myself, and in April you were away, and since then you have been so pleased
about the house that I thought, let him have the summer." She looked out at the apple trees. "It is not as if it were
bad news. It is a job. It is a very good job. It is only in the wrong place."

"How wrong?"

"Eleven hours by plane," she said. "Twelve when the wind is against you."

To make enough soup for four, cut two onions and three carrots small and let them soften in a little oil, without
colour, for ten minutes. Add a teaspoon of cumin and, when it smells, 250 grams of red lentils, a tin of tomatoes and
a litre of water. Boil, then turn the heat down and simmer for twenty-five minutes; stir now and then, because lentils
stick. Salt it only at the end. Half of it can be mashed and stirred back in, which makes the soup thick without
making it smooth. Lemon juice is not optional. It keeps for three days in the refrigerator and is better on the
second.

A program that sorts a list of a thousand names by comparing each with every other makes half a million comparisons.
One that splits the list in two, sorts the halves in the same way and merges them makes fewer than ten thousand. For
ten names the first is faster, since it does nothing but compare; for a million the first would still be at work when
you came back from lunch, and the second would have finished before you got up. This is the whole point of the
notation with the large O: it says nothing about how long a method takes, only about how that grows.

Snow fell on the pass from the Sunday to the Wednesday. When it stopped, the road had gone, and so had the poles that
mark it; only the tops of the tallest could be seen, like pencils in a drawer. The plough came up from the south side
on Thursday, and from the north side on Friday, and for a while the two drivers, who were brothers, could hear each
other without seeing anything but white. They met a little after three. The older one had brought a thermos.
"""

TEXT = "\n\n".join(" ".join(paragraph.split()) for paragraph in _PROSE.strip().split("\n\n"))
