"""Labelled images of a target, for tests of adapting."""

CLASSES = ("nought", "one", "two")


def labelled_target(target, folder, strangers):
    """Class folders of target images; the last ``strangers`` of them are of a class of its own."""
    files = sorted(target.iterdir())[:30]
    for number, path in enumerate(files):
        kind = "stranger" if number >= len(files) - strangers else CLASSES[number % 3]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / path.name).write_bytes(path.read_bytes())
    return folder
