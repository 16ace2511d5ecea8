"""Detectors that are asked after every row, and that keep a stated run length.

The public names live in `contlearn.drift`. Nothing here loads scikit-learn or `scipy.stats`.
"""
