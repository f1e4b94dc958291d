"""Interpolated modified Kneser-Ney smoothing, written as its definition (Chen and Goodman 1999)."""

from collections import Counter

from ctcbench.decoding.lm.ngram_model import END, START, UNKNOWN


class NaiveKneserNey:
    def __init__(self, texts, order, vocabulary=()):
        self.order = order
        raw = [Counter() for _ in range(order + 1)]
        for text in texts:
            padded = [START, *text, END]
            for n in range(1, order + 1):
                for start in range(len(padded) - n + 1):
                    raw[n][tuple(padded[start : start + n])] += 1
        self.counts = [Counter()] * (order + 1)
        for n in range(1, order + 1):
            counts = Counter()
            for ngram, count in raw[n].items():
                if n == order or ngram[0] == START:
                    counts[ngram] = count
                else:
                    counts[ngram] = len({longer[0] for longer in raw[n + 1] if longer[1:] == ngram})
            counts.pop((START,), None)
            self.counts[n] = counts
        words = {word for text in texts for word in text}
        self.predicted = words | {END, UNKNOWN} | set(vocabulary)
        self.discounts = [self._discounts(counts) for counts in self.counts]

    @staticmethod
    def _discounts(counts):
        n1, n2, n3, n4 = (sum(c == k for c in counts.values()) for k in (1, 2, 3, 4))
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if all(0 < d <= k for k, d in enumerate(found, 1)):
                return found
        return (0.5, 1.0, 1.5)

    def prob(self, context, word):
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        n = len(context) + 1
        lower = self.prob(context[1:], word) if context else 1 / len(self.predicted)
        followers = {ngram: c for ngram, c in self.counts[n].items() if ngram[:-1] == context}
        total = sum(followers.values())
        if not total:
            return lower
        discount = self.discounts[n]
        left = sum(discount[min(c, 3) - 1] for c in followers.values())
        count = followers.get((*context, word), 0)
        own = count - discount[min(count, 3) - 1] if count else 0
        return own / total + left / total * lower
