"""Reads and scores answers as a short Python script would; the peer of `scoring.rs`.

Standard input: {"task", "labels", "pairs": [[answer, expected], ...]}. Standard output: the figures
and the seconds that reading and scoring took, without the start of Python and the parsing of the input.
Uses scikit-learn for accuracy and macro F1 where it is installed.
"""
import datetime
import json
import re
import sys
import time

try:
    from sklearn.metrics import accuracy_score, f1_score
except ImportError:
    accuracy_score = f1_score = None


def read_label(text, labels, pattern):
    text = text.strip()
    if text in labels:
        return text
    found = {labels[m.lower()] for m in pattern.findall(text)}
    return found.pop() if len(found) == 1 else None


def classification(pairs, labels):
    by_lower = {label.lower(): label for label in labels} | {label: label for label in labels}
    words = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    pattern = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    predicted = [read_label(text, by_lower, pattern) or "" for text, _ in pairs]
    truth = [expected for _, expected in pairs]
    if accuracy_score:
        macro = f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
        return {"accuracy": accuracy_score(truth, predicted), "macro_f1": macro}
    f1 = []
    for label in labels:
        tp = sum(p == label == t for p, t in zip(predicted, truth))
        wrong = sum((p == label) != (t == label) for p, t in zip(predicted, truth))
        f1.append(2 * tp / (2 * tp + wrong) if tp + wrong else 0.0)
    accuracy = sum(p == t for p, t in zip(predicted, truth)) / len(truth)
    return {"accuracy": accuracy, "macro_f1": sum(f1) / len(f1)}


def read_object(text):
    match = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        return json.loads(match.group()) if match else None
    except json.JSONDecodeError:
        return None


def same(field, a, b):
    if field == "total":
        try:
            return abs(float(a) - float(b)) <= 0.005
        except (TypeError, ValueError):
            return False
    if field == "date":
        try:
            return datetime.date.fromisoformat(a) == datetime.date.fromisoformat(b)
        except (TypeError, ValueError):
            return False
    if field == "vendor":
        return str(a).casefold().split() == str(b).casefold().split()
    return a == b


def extraction(pairs):
    tp = fp = fn = documents = 0
    for text, expected in pairs:
        answer = read_object(text) or {}
        right = True
        for field, value in expected.items():
            given = answer.get(field)
            ok = given is not None and value is not None and same(field, given, value)
            tp += ok
            fp += given is not None and not ok
            fn += value is not None and not ok
            right &= ok or (given is None and value is None)
        documents += right
    return {"field_f1": 2 * tp / (2 * tp + fp + fn), "document_accuracy": documents / len(pairs)}


def main():
    given = json.load(sys.stdin)
    start = time.perf_counter()
    if given["task"] == "classification":
        figures = classification(given["pairs"], given["labels"])
    else:
        figures = extraction(given["pairs"])
    figures["seconds"] = round(time.perf_counter() - start, 3)
    print(json.dumps(figures))


main()
