"""Packages of others, as installed: a dist-info that Python reads, and one module."""


def install(folder, code, points, name="tiny-plugin"):
    """A package as pip leaves it."""
    info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("".join(f"[{k}]\n{v}\n" for k, v in points.items()))
    (folder / "tiny.py").write_text(code)
    return folder
