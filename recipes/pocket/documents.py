"""Documents in which much is told once and asked for later, made from a seed alone.

A document is a run of sentences: plain ones, facts ("The locker number of Ada is 4821.", each pair of thing and
person once), and recalls of facts told before, of any distance. What a recall says can only be known
by finding its fact, so the loss of its digits shows how far back a model looks.
"""
import random
from typing import Iterator, NamedTuple

PEOPLE = (
    "Ada Adam Agnes Alan Alma Amos Anna Anton Arno Asta Ben Berta Boris Carla Carl Celia Clara Cora Dana David Dora Edgar "
    "Edith Ella Emil Emma Erik Eva Felix Flora Franz Frida Georg Gerda Greta Hanna Hans Hedwig Helga Henry Hugo Ida Igor "
    "Ilse Ines Irma Ivan Jan Jonas Julia Karl Karin Klara Lars Lena Leo Lisa Lotte Luca Lukas Magda Mara Maria Mark Marta "
    "Max Mia Mila Nina Noah Nora Olaf Olga Oscar Otto Paul Paula Peter Petra Pia Rita Robert Rosa Rudi Ruth Sara Simon "
    "Sofia Sven Tara Theo Thea Tilda Tom Tina Udo Ulla Uwe Vera Viktor Viola Walter Wanda Werner Willi Xaver Yara Yves Zoe"
).split()
THINGS = ("pass key", "locker number", "room number", "seat number", "ticket number", "house number", "phone line",
          "bus line", "boat number", "account number", "order number", "door code")

NOUNS = ("baker boat bridge captain cart child clerk cook doctor farmer ferry fisher garden gate guest harbour hill horse "
         "inn island judge kettle ladder lamp letter lighthouse market mason mill miller path pier pilot pond porter quay "
         "road roof sailor school shed shop smith stair stone storm street table tailor tower train tree valley village "
         "wagon wall well wind window").split()
ADJECTIVES = ("old new small large quiet busy cold warm dark bright wet dry green grey red white narrow wide broken clean "
              "empty full heavy light long short early late").split()
VERBS = ("passed watched found left met followed crossed reached heard painted mended cleaned closed opened carried drew "
         "held moved counted visited").split()
PLACES = ("by the sea|near the church|behind the mill|at the corner|under the bridge|on the hill|along the river|in the "
          "square|beside the well|across the field|at the end of the road|before the gate").split("|")
TIMES = ("In the morning|At noon|In the evening|At night|On Monday|On Friday|In spring|In autumn|After the storm|Before "
         "supper|That day|Later").split("|")

SHARE_OF_LINE_ENDS = 0.1
SHARE_OF_FACTS = 0.25
SHARE_OF_RECALLS = 0.25
DIGITS = 4


class Fact(NamedTuple):
    thing: str
    person: str
    number: str

    def told(self) -> str:
        return f"The {self.thing} of {self.person} is {self.number}."

    def question(self) -> str:
        return f"Asked for the {self.thing} of {self.person}, they said"

    def recalled(self) -> str:
        return f"{self.question()} {self.number}."

    def asked_in_conversation(self) -> str:
        return f"What did they say, asked for the {self.thing} of {self.person}?"


def plain_sentence(choose: random.Random) -> str:
    noun, other = choose.sample(NOUNS, 2)
    subject = f"the {choose.choice(ADJECTIVES)} {noun}"
    rest = f"{choose.choice(VERBS)} the {other} {choose.choice(PLACES)}."
    if choose.random() < 0.5:
        return f"{choose.choice(TIMES)} {subject} {rest}"
    return f"{subject[0].upper()}{subject[1:]} {rest}"


def facts(choose: random.Random) -> Iterator[Fact]:
    """Each pair of thing and person once, in any order."""
    pairs = [(thing, person) for thing in THINGS for person in PEOPLE]
    choose.shuffle(pairs)
    for thing, person in pairs:
        yield Fact(thing, person, "".join(choose.choice("0123456789") for _ in range(DIGITS)))


def joined(choose: random.Random, sentences: list[str]) -> str:
    text = sentences[0]
    for sentence in sentences[1:]:
        text += ("\n" if choose.random() < SHARE_OF_LINE_ENDS else " ") + sentence
    return text


def retrieval_document(choose: random.Random, characters: int) -> str:
    """About so many characters, at least one sentence."""
    new, told, sentences, length = facts(choose), [], [], 0
    while length < characters:
        kind = choose.random()
        if kind < SHARE_OF_FACTS:
            told.append(next(new))
            sentence = told[-1].told()
        elif kind < SHARE_OF_FACTS + SHARE_OF_RECALLS and told:
            fact = choose.choice(told)
            sentence = fact.recalled()
        else:
            sentence = plain_sentence(choose)
        sentences.append(sentence)
        length += len(sentence) + 1
    return joined(choose, sentences)


def plain_sentences(choose: random.Random, characters: int) -> list[str]:
    sentences = [plain_sentence(choose)]
    length = len(sentences[0])
    while length < characters:
        sentences.append(plain_sentence(choose))
        length += len(sentences[-1]) + 1
    return sentences


def plain_document(choose: random.Random, characters: int) -> str:
    return joined(choose, plain_sentences(choose, characters))


class Question(NamedTuple):
    """A plain document with facts at known depths, one of which is asked for."""
    context: str
    fact: Fact
    depth: float  # 0: the beginning


def question(choose: random.Random, characters: int, depth: float, others: int) -> Question:
    new = facts(choose)
    asked = next(new)
    sentences = plain_sentences(choose, characters)
    places = {round(depth * len(sentences)): asked}
    while len(places) < min(others + 1, len(sentences)):
        places.setdefault(choose.randrange(len(sentences) + 1), next(new))
    for place in sorted(places, reverse=True):
        sentences.insert(place, places[place].told())
    return Question(joined(choose, sentences), asked, depth)
