"""YAML that cannot do harm: plain data only, no aliases, bounded in size and depth.

An alias (``*name``) stands for a whole tree, so a few lines of them are thousands of millions of
values to whoever walks over what was read; nobody needs one in a settings file.
"""

from __future__ import annotations

from typing import Any

LARGEST = 4_000_000
"""Characters. The card of a dataset of ten thousand classes has fewer."""
DEEPEST = 50


def load_yaml(text: str) -> Any:
    """The value that ``text`` stands for.

    Raises:
        ValueError: it is not YAML, is more than plain data, or is too large or too deep.
    """
    import yaml

    if len(text) > LARGEST:
        raise ValueError(f"has {len(text):,} characters; {LARGEST:,} are read at most")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(f"alias '*{event.anchor}': write the value out in its place")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ValueError(f"is nested more than {DEEPEST} deep")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())[:300]}") from None
    except (OverflowError, TypeError, AttributeError) as error:  # of PyYAML's own constructors
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())[:300]}") from None


def front_matter(text: str) -> Any:
    """The YAML at the top of a card, between two lines of ``---``; ``None`` if it has none.

    Raises:
        ValueError: as :func:`load_yaml`.
    """
    if not text.startswith("---\n"):
        return None
    return load_yaml(text.removeprefix("---\n").partition("\n---\n")[0])
