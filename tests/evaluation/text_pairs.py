"""Hypothesis strategy for pairs of prediction and target."""

from hypothesis import strategies as st

texts = st.text(alphabet="aAbcoO01lI", max_size=8)
pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=30).filter(lambda ps: any(t for _, t in ps))
