"""What others make of the notes that skin-getdata's scorer is measured on.

    compare.py [SKIN_GETDATA]      SKIN_GETDATA: the built tool; default build/bin/skin-getdata

VADER and AFINN as they come (good news from a compound of 0.05 and a score of 1 on), and linear
models over word n-grams and over what the rules found, trained on the development notes,
cross-validated on the whole. Needs the packages vaderSentiment, afinn, scikit-learn in a throw-away
environment: VENV=/path names one, else it is made in a temporary folder.
"""
import csv, json, os, subprocess, sys, tempfile, venv

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../../build/bin/skin-getdata")


def inside_environment():
    """Runs this script again where the packages are."""
    if os.environ.get("IN_VENV"):
        return
    folder = os.environ.get("VENV")
    if not folder:
        folder = tempfile.mkdtemp()
        venv.create(folder, with_pip=True)
        subprocess.run([
            folder + "/bin/pip", "-q", "install", "vaderSentiment==3.3.2", "afinn==0.1",
            "scikit-learn"
        ], check=True)
    os.execve(folder + "/bin/python", [folder + "/bin/python", __file__, TOOL], {
        **os.environ, "IN_VENV": "1"
    })


def notes(name):
    with open(os.path.join(HERE, name), newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def ours(rows):
    """Score of each note by the built tool: a made-up clinic of one user a note, read back from the
    review file."""
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(d + "/followup_data")
        with open(d + "/dr_msg_stats.csv", "w") as f:
            f.write("user_id\n" + "".join(f"{i}\n" for i in range(len(rows))))
        for i, r in enumerate(rows):
            records = [{
                "entry_type": "DrMessage",
                "userId": i,
                "created_at": 1600000100,
                "dr_note": r["note"]
            }]
            records += [{
                "entry_type": "Annotation",
                "userId": i,
                "created_at": 1600000000 + k,
                "image_path": f"{k}.jpg"
            } for k in range(6)]
            json.dump(records, open(d + f"/followup_data/user_{i:012d}.json", "w"))
        subprocess.run([
            TOOL, d, "-q", "-o", d + "/o.txt", "--review", d + "/review.csv", "--check-images", "no"
        ], check=True)
        with open(d + "/review.csv", newline="") as f:
            return [(float(r["score"]) if r["score"] else 0.0, r["sentiment"])
                    for r in csv.DictReader(f)]


def macro_f1(truth, said):
    total = 0
    for c in (True, False):
        hit = sum(t == c and s == c for t, s in zip(truth, said))
        total += 2 * hit / max(1, sum(t == c for t in truth) + sum(s == c for s in said))
    return total / 2


def main():
    import numpy as np
    from afinn import Afinn
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    vader, afinn = SentimentIntensityAnalyzer(), Afinn()
    dev, held, second = notes("sentiment_dev.tsv"), notes("sentiment_heldout.tsv"), notes(
        "sentiment_second.tsv")
    sets = dev, held, second, held + second
    good = lambda rows: [r["label"] == "positive" for r in rows]
    text = lambda rows: [r["note"] for r in rows]
    ngrams = lambda: make_pipeline(TfidfVectorizer(ngram_range=(1, 3), sublinear_tf=True),
                                   LogisticRegression(C=30, max_iter=2000, class_weight="balanced"))
    letters = lambda: make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        LogisticRegression(C=30, max_iter=2000, class_weight="balanced"))
    print("macro-F1 of the label (good news or not)".ljust(50) +
          "".join(f"{n:>14}" for n in ("development", "held out", "second", "both held out")))
    print("notes".ljust(50) + "".join(f"{len(r):>14}" for r in sets))
    answers = {}
    def line(name, said):
        answers[name] = said
        print(f"{name:<50}" +
              "".join(f"{'-' if s is None else format(macro_f1(good(r), s), '.3f'):>14}"
                      for r, s in zip(sets, said)))
    line("VADER", [[vader.polarity_scores(t)["compound"] >= 0.05 for t in text(r)] for r in sets])
    line("AFINN", [[afinn.score(t) >= 1 for t in text(r)] for r in sets])
    for name, model in (("linear, words 1-3, trained on development", ngrams),
                        ("linear, letters 2-5, trained on development", letters)):
        fitted = model().fit(text(dev), good(dev))
        line(name, [None] + [fitted.predict(text(r)) for r in sets[1:]])
    scored = {id(r): ours(r) for r in sets}
    line("skin-getdata", [[s == "POSITIVE" for _, s in scored[id(r)]] for r in sets])
    both = sets[3]
    print(f"\nthe {len(both)} notes held out, by what they are: how many were called good news")
    print("".ljust(50) + "".join(f"{label + ' ' + str(sum(r['label'] == label for r in both)):>14}"
                                 for label in ("positive", "negative", "neutral")))
    for name in ("VADER", "AFINN", "skin-getdata"):
        print(
            name.ljust(50) + "".join(
                f"{sum(bool(s) for r, s in zip(both, answers[name][3]) if r['label'] == label):>14}"
                for label in ("positive", "negative", "neutral")))
    rows = dev + held
    truth, folds = np.array(good(rows)), StratifiedKFold(10, shuffle=True, random_state=1)
    print("\n10-fold cross-validation over development and held out")
    for name, model in (("linear, words 1-3", ngrams), ("linear, letters 2-5", letters)):
        guessed = cross_val_predict(model(), text(rows), truth, cv=folds)
        print(f"{name:<61}{macro_f1(truth, guessed):>10.3f}")
    score = np.array([s for r in (dev, held) for s, _ in scored[id(r)]])  # the second set stays out
    both = np.zeros(len(rows), bool)
    for train, test in folds.split(score, truth):
        words = TfidfVectorizer(ngram_range=(1, 2),
                                sublinear_tf=True).fit([text(rows)[i] for i in train])
        features = lambda index: np.hstack(
            [words.transform([text(rows)[i] for i in index]).toarray(), 3 * score[index][:, None]])
        both[test] = LogisticRegression(C=10,
                                        max_iter=2000).fit(features(train),
                                                           truth[train]).predict(features(test))
    print(f"{'linear, words 1-2 and the score of the rules':<61}{macro_f1(truth, both):>10.3f}")
    print(f"{'the rules alone':<61}{macro_f1(truth, score > 0.35):>10.3f}")


inside_environment()
main()
