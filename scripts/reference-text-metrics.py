#!/usr/bin/env python3
"""Writes the values that the tests of the scorers bleu, chrf, rouge, f1 and levenshtein compare with.

usage: python3 scripts/reference-text-metrics.py > test/fixtures/evaluation/text-metrics.json
needs: sacrebleu 2, rouge-score, python-Levenshtein
"""
import collections
import json
import random
import re
import string

import Levenshtein
from rouge_score import rouge_scorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

WORDS = "the a cat dog sat on mat, red blue; runs (quickly) 3.14 1,000 state-of-the-art isn't U.S. end. Yes! & 5-3 \"so\" x=2".split()
HAN = list("今天天气很好我们去公园散步看到一只猫和狗,。!3个苹果")

FIXED = [
    ("The cat sat on the mat.", ["The cat is on the mat.", "There is a cat on the mat."]),
    ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("It is a guide to action which ensures that the military always obeys the commands of the party",
     ["It is a guide to action that ensures that the military will forever heed Party commands",
      "It is the guiding principle which guarantees the military forces always being under the command of the Party"]),
    ("Paris", ["Paris"]), ("paris", ["Paris"]), ("London", ["Paris"]), ("", ["Paris"]), ("Paris", [""]),
    ("a b", ["a b c d e f g h"]), ("The quick &quot;brown&quot; fox-\nes", ["The quick \"brown\" foxes"]),
    ("今天天气很好。", ["今天天气真好。"]), ("我有3个苹果", ["我有三个苹果", "我有3个梨"]),
]


def variants():
    generator = random.Random(20261201)
    for vocabulary, separator in [(WORDS, " "), (HAN, "")]:
        for _ in range(40):
            target = [generator.choice(vocabulary) for _ in range(generator.randint(1, 25))]
            answer = [word for word in target if generator.random() < 0.8]
            answer += [generator.choice(vocabulary) for _ in range(generator.randint(0, 4))]
            if generator.random() < 0.3:
                generator.shuffle(answer)
            other = [generator.choice(vocabulary) for _ in range(generator.randint(1, 25))]
            yield separator.join(answer), [separator.join(target), separator.join(other)][: generator.randint(1, 2)]


def squad_tokens(text):
    """normalize_answer of SQuAD's evaluate-v2.0.py."""
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text, flags=re.UNICODE).split()


def squad_f1(answer, target):
    """compute_f1 of SQuAD's evaluate-v2.0.py."""
    wanted, found = squad_tokens(target), squad_tokens(answer)
    same = sum((collections.Counter(wanted) & collections.Counter(found)).values())
    if len(wanted) == 0 or len(found) == 0:
        return int(wanted == found)
    if same == 0:
        return 0
    precision, recall = same / len(found), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def case(answer, targets):
    is_english = all(ord(letter) < 128 for letter in answer + "".join(targets))
    rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    values = {f"bleu-{name}": BLEU(tokenize=name, effective_order=True).sentence_score(answer, targets).score / 100
              for name in ["13a", "zh", "char", "none"]}
    values["chrf"] = CHRF().sentence_score(answer, targets).score / 100
    values["chrf++"] = CHRF(word_order=2).sentence_score(answer, targets).score / 100
    values["edits"] = min(Levenshtein.distance(answer, target) for target in targets)
    if is_english:
        for name in ["rouge1", "rouge2", "rougeL"]:
            values[name] = max(rouge.score(target, answer)[name].fmeasure for target in targets)
        values["f1"] = max(squad_f1(answer, target) for target in targets)
    return {"answer": answer, "targets": targets, "values": values}


cases = [case(answer, targets) for answer, targets in [*FIXED, *variants()]]
print("[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in cases) + "\n]")
