"""Readers: does the image show what its row says? One score, ``<field>_agreement``, per field."""
