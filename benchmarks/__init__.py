"""Measurements, run from a checkout: ``python -m benchmarks`` lists them.

They need a plain install, and those that draw photographs scikit-learn: ``pip install -e
'.[benchmarks]'``. Those that look at real images take ``--data``: a folder of class folders, or a
hub id.
"""
